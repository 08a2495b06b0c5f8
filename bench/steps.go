package main

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec/jpeg"
)

// steps prints what each step of a passthrough tile costs, without sockets.
func steps(ctx context.Context, s *setup) error {
	m := s.slide.Manifest()
	level, encoding := m.Description.Levels[0], m.Encodings[m.Description.Levels[0].Encoding]
	extent, err := s.slide.Locate(ctx, 0, formats.Plane{}, s.tiles[0])
	if err != nil {
		return err
	}
	stored, err := s.slide.ReadTiles(ctx, []formats.Extent{extent})
	if err != nil {
		return err
	}
	failed := func(b *testing.B, err error) {
		if err != nil {
			b.Fatal(err)
		}
	}
	etag := answer(s.warm.Handler(), s.paths[0], "", "").header.Get("ETag")
	fmt.Printf("%-34s %12s %12s %12s\n", "step of one tile, no sockets", "ns", "bytes", "allocations")
	for _, step := range []struct {
		name string
		run  func(b *testing.B, i int)
	}{
		{"locate in the index", func(b *testing.B, i int) {
			_, err := s.slide.Locate(ctx, 0, formats.Plane{}, s.tiles[i%len(s.tiles)])
			failed(b, err)
		}},
		{"range read from the folder", func(b *testing.B, _ int) {
			_, err := s.slide.ReadTiles(ctx, []formats.Extent{extent})
			failed(b, err)
		}},
		{"splice tables and colour marker", func(b *testing.B, _ int) {
			_, err := jpeg.SpliceTile(nil, encoding, stored[0], level.TileWidth, level.TileHeight)
			failed(b, err)
		}},
		{"whole request answered 304", func(b *testing.B, _ int) {
			ask(b, s.warm.Handler(), s.paths[0], "If-None-Match", etag, http.StatusNotModified)
		}},
		{"whole request from memory", func(b *testing.B, i int) { ask(b, s.warm.Handler(), s.paths[i%len(s.paths)], "", "", http.StatusOK) }},
		{"whole request from the folder", func(b *testing.B, i int) { ask(b, s.cold.Handler(), s.paths[i%len(s.paths)], "", "", http.StatusOK) }},
	} {
		r := testing.Benchmark(func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				step.run(b, i)
			}
		})
		fmt.Printf("%-34s %12d %12d %12d\n", step.name, r.NsPerOp(), r.AllocedBytesPerOp(), r.AllocsPerOp())
	}
	return nil
}

// discard is a ResponseWriter that keeps nothing but status and headers.
type discard struct {
	header http.Header
	status int
}

// Header implements http.ResponseWriter.
func (d *discard) Header() http.Header { return d.header }

// Write implements http.ResponseWriter.
func (d *discard) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader implements http.ResponseWriter.
func (d *discard) WriteHeader(status int) { d.status = status }

func answer(h http.Handler, path, header, value string) *discard {
	request, err := http.NewRequest(http.MethodGet, path, nil)
	if err != nil {
		panic(err) // the paths are this program's own
	}
	if header != "" {
		request.Header.Set(header, value)
	}
	out := &discard{header: http.Header{}, status: http.StatusOK}
	h.ServeHTTP(out, request)
	return out
}

func ask(b *testing.B, h http.Handler, path, header, value string, want int) {
	if got := answer(h, path, header, value); got.status != want {
		b.Fatalf("%s: status %d, want %d", path, got.status, want)
	}
}
