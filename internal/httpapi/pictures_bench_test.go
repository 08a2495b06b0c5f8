package httpapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// What pictures of a part of a slide cost in the handler alone, beside the decode
// of the same part: of a JPEG slide of 2220 × 2967 pixels in tiles of 240, in a
// memory store.
func BenchmarkPictures(b *testing.B) {
	s := newService(b, "")
	path := s.add(testfiles.Shared(b, "svs/CMU-1-Small-Region.svs"))
	id, _, err := slide.PathID(path)
	if err != nil {
		b.Fatal(err)
	}
	polygon := `"annotations":[{"geometry":"POLYGON ((500 500, 1500 600, 1400 1500, 900 1520, 520 1300, 500 500), (800 800, 900 800, 850 900, 800 800))"}]`
	for _, row := range []struct {
		name, method, target, body string
		region                     [4]float64 // left, top, width, height; no width: nothing is decoded
	}{
		{"window-1024", http.MethodPost, "/window.jpg", `{"region":{"left":512,"top":512,"width":1024,"height":1024},"level":0}`, [4]float64{512, 512, 1024, 1024}},
		{"crop-1000", http.MethodPost, "/annotation/crop.jpg", `{"level":0,` + polygon + `}`, [4]float64{500, 500, 1000, 1020}},
		{"drawing-1000", http.MethodPost, "/annotation/drawing.jpg", `{"level":0,` + strings.Replace(polygon, `"}]`, `","stroke_color":"red"}]`, 1) + `}`, [4]float64{500, 500, 1000, 1020}},
		{"mask-1000", http.MethodPost, "/annotation/mask.png", `{"level":0,` + polygon + `}`, [4]float64{}},
		{"histogram", http.MethodGet, "/histogram/per-channels", "", [4]float64{}},
	} {
		if row.region[2] > 0 {
			b.Run(row.name+"/decode", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					err := s.catalog.Fresh(context.Background(), id, func(open *slide.Slide) error {
						view := render.Default(open.Manifest())
						_, err := s.renderer.Region(context.Background(), open, render.RegionRequest{
							Left: row.region[0], Top: row.region[1], Width: row.region[2], Height: row.region[3],
							OutWidth: int(row.region[2]), OutHeight: int(row.region[3]), View: view,
						})
						return err
					})
					if err != nil {
						b.Fatal(err)
					}
				}
			})
		}
		b.Run(row.name+"/request", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r := httptest.NewRequest(row.method, "/image/"+path+row.target, strings.NewReader(row.body))
				r.Header.Set("Cache-Control", "no-store")
				w := httptest.NewRecorder()
				s.handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatalf("%s: status %d: %s", row.target, w.Code, w.Body)
				}
			}
		})
	}
}
