package odoo_test

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/creativeflow/aigen/internal/odoo"
)

// BenchmarkReserve is 64 callers at once against an Odoo of two workers that takes
// 12 ms a request (measured) and, by assumption, 1 ms for each further operation.
func BenchmarkReserve(b *testing.B) {
	for name, offered := range map[string]bool{"batches": true, "singles": false} {
		b.Run(name, func(b *testing.B) {
			o := newRemote(b)
			o.noBatch = !offered
			workers := make(chan struct{}, 2)
			s := connect(b, odoo.Config{}, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				workers <- struct{}{}
				defer func() { <-workers }()
				body, err := io.ReadAll(r.Body)
				if err != nil {
					return
				}
				r.Body = io.NopCloser(bytes.NewReader(body))
				more := max(0, bytes.Count(body, []byte(`"op":`))-1)
				<-time.After(12*time.Millisecond + time.Duration(more)*time.Millisecond)
				o.ServeHTTP(w, r)
			}))
			b.SetParallelism(32)
			b.ResetTimer()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if err := s.Reserve(background, operation()); err != nil {
						b.Error(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reservations/s")
		})
	}
}
