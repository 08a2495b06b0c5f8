package httpapi_test

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// What one tile costs in the handler alone, without a socket: from memory, and
// with one range read of a memory store and a header splice.
func BenchmarkTile(b *testing.B) {
	s := newService(b, "")
	url := "/image/" + s.own("svs/rgb-240.svs") + "/tile/level/0/ti/3.jpg"
	for name, header := range map[string]string{"warm": "", "passthrough": "no-store"} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(http.MethodGet, url, nil)
				r.Header.Set("Cache-Control", header)
				w := httptest.NewRecorder()
				s.handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatalf("status %d: %s", w.Code, w.Body)
				}
			}
		})
	}
}
