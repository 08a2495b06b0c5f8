package httpapi_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/pims-cloud/pims/internal/telemetry"
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

// What this program adds to a tile from memory and to a 304, request and
// recorder left out: the account of the request included, no socket.
func BenchmarkHotTile(b *testing.B) {
	s := newService(b, "")
	handler := telemetry.Access(s.handler, slog.New(slog.DiscardHandler))
	r := httptest.NewRequest(http.MethodGet, "/image/"+s.own("svs/rgb-240.svs")+"/tile/level/0/ti/3.jpg", nil)
	first := httptest.NewRecorder()
	handler.ServeHTTP(first, r)
	for _, row := range []struct {
		name   string
		status int
	}{{"from memory", http.StatusOK}, {"not modified", http.StatusNotModified}} {
		if row.status == http.StatusNotModified {
			r.Header.Set("If-None-Match", first.Header().Get("ETag"))
		}
		b.Run(row.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				w := &discard{header: http.Header{}}
				handler.ServeHTTP(w, r)
				if w.status != row.status {
					b.Fatalf("status %d, want %d", w.status, row.status)
				}
			}
		})
	}
}
