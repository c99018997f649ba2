package rabbitmq

import (
	"net"
	"testing"

	"github.com/stretchr/testify/require"
)

// A port where something else is spoken is called so, and not by what the library makes
// of it ("frame size exceeds negotiated frame_max").
func TestOtherProtocols(t *testing.T) {
	t.Parallel()
	for says, want := range map[string]string{
		"\x15\x03\x03\x00\x02\x02\x46":                "TLS is spoken at this port: write amqps://",
		"HTTP/1.1 400 Bad Request\r\n\r\nbad request": "HTTP is spoken at this port",
	} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		require.NoError(t, err)
		t.Cleanup(func() { _ = l.Close() })
		go func() {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = conn.Read(make([]byte, 8)) // the header, so that closing is no reset
			_, _ = conn.Write([]byte(says))
		}()
		_, err = Check(t.Context(), Config{URL: "amqp://user:sesame@" + l.Addr().String() + "/", Queue: "q"})
		require.ErrorContains(t, err, want)
		require.NotContains(t, err.Error(), "sesame")
	}
}
