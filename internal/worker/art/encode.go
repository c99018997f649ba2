package art

import (
	"fmt"
	"image"
	"image/png"
	"io"
	"sync"
)

// Encode writes the picture as a PNG, compressed for speed. The encoder's buffers (about
// a megabyte with its deflate state) are pooled, and the picture is streamed: nothing of
// the size of the picture is allocated.
func Encode(w io.Writer, img image.Image) error {
	if err := encoder.Encode(w, img); err != nil {
		return fmt.Errorf("encode png: %w", err)
	}
	return nil
}

var encoder = png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: &bufferPool{}}

// bufferPool is the png package's view of a sync.Pool.
type bufferPool struct{ pool sync.Pool }

func (b *bufferPool) Get() *png.EncoderBuffer {
	buf, _ := b.pool.Get().(*png.EncoderBuffer)
	return buf // nil makes the encoder allocate one
}

func (b *bufferPool) Put(buf *png.EncoderBuffer) { b.pool.Put(buf) }
