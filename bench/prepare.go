package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"

	"github.com/pims-cloud/pims/internal/app"
	"github.com/pims-cloud/pims/internal/config"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/internal/slidegen"
)

// setup is what is measured: one imported slide behind three servers.
type setup struct {
	warm, cold   *app.App // with a memory cache, and without
	slide        *slide.Slide
	bodies       map[string][]byte // of the URL paths, for the server that has them in memory
	tiles        []int             // native tiles of level 0 that pass through
	paths        []string          // their URL paths
	all          int               // tiles of level 0
	averageBytes int
	servers      []*server
}

// server is one HTTP server on a loopback port.
type server struct {
	name    string
	address string
	paths   []string
	header  string // of every request, with its line end
	http    *http.Server
}

func (s *setup) close() {
	for _, server := range s.servers {
		_ = server.http.Close()
	}
	_ = s.warm.Close()
	_ = s.cold.Close()
}

// largeSlide is where the drawn slide is kept between runs; it is not committed.
const largeSlide = "testdata/large/bench.svs"

func drawn(ctx context.Context) (string, error) {
	if info, err := os.Stat(largeSlide); err == nil && info.Size() > 0 {
		return largeSlide, nil
	}
	if err := os.MkdirAll(filepath.Dir(largeSlide), 0o755); err != nil {
		return "", err
	}
	temporary := largeSlide + ".part"
	file, err := os.Create(temporary)
	if err != nil {
		return "", err
	}
	defer file.Close()
	fmt.Println("drawing", largeSlide)
	err = slidegen.WriteSVS(ctx, file, slidegen.SVS{
		Scene: slidegen.Scene{Width: 24576, Height: 20480, Seed: 7}, TileSize: 256, Quality: 85, Pool: 400,
	})
	if err != nil {
		return "", err
	}
	return largeSlide, os.Rename(temporary, largeSlide)
}

func prepare(ctx context.Context, work string) (*setup, error) {
	file, err := drawn(ctx)
	if err != nil {
		return nil, err
	}
	s := &setup{bodies: map[string][]byte{}}
	if s.warm, err = open(ctx, work, "256MiB"); err != nil {
		return nil, err
	}
	if s.cold, err = open(ctx, work, "0"); err != nil {
		return nil, err
	}
	job, err := s.warm.FileJob(ctx, file, false)
	if err != nil {
		return nil, err
	}
	report, err := s.warm.Importer.Import(ctx, job)
	if err != nil {
		return nil, err
	}
	fmt.Printf("import: %s in %.2f s, %d bytes read of %d\n", report.State, report.Seconds, report.BytesRead, job.Upload.Size)
	if s.slide, err = s.warm.Catalog.Open(ctx, report.ID); err != nil {
		return nil, err
	}
	static := filepath.Join(work, "static")
	if err := s.exportTiles(static); err != nil {
		return nil, err
	}
	files := make([]string, len(s.tiles))
	for i, tile := range s.tiles {
		files[i] = "/" + strconv.Itoa(tile) + ".jpg"
	}
	return s, s.serve(map[string]serving{
		"static bytes": {nil, s.staticBytes(), s.paths, ""},
		"static files": {nil, http.FileServer(http.Dir(static)), files, ""},
		"pims warm":    {s.warm, nil, s.paths, ""},
		"pims 304":     {s.warm, nil, s.paths, "If-None-Match: *\r\n"},
		"pims cold":    {s.cold, nil, s.paths, ""},
	})
}

func open(ctx context.Context, work, memory string) (*app.App, error) {
	cfg, err := config.LoadIn(work, []string{
		"STORE_URL=file://" + filepath.Join(work, "slides"),
		"UPLOADS_URL=file://" + filepath.Join(work, "uploads"), "CACHE_MEMORY=" + memory, "LOG_LEVEL=error",
	})
	if err != nil {
		return nil, err
	}
	return app.New(ctx, cfg, app.Options{Version: "bench", LogTo: io.Discard})
}

// maxTiles keeps the measured set small enough for the warm cache to hold.
const maxTiles = 4000

// exportTiles asks the server once for every whole tile and writes the bytes
// where the static server finds them.
func (s *setup) exportTiles(folder string) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	level := s.slide.Manifest().Description.Levels[0]
	s.all = level.Tiles()
	total := 0
	for tile := range s.all {
		column, row := tile%level.TilesAcross(), tile/level.TilesAcross()
		if (column+1)*level.TileWidth > level.Width || (row+1)*level.TileHeight > level.Height || len(s.tiles) == maxTiles {
			continue // clipped at the edge: decoded and encoded again
		}
		path := fmt.Sprintf("/image/%s/tile/level/0/ti/%d.jpg", s.slide.Path(), tile)
		reply := httptest.NewRecorder()
		s.warm.Handler().ServeHTTP(reply, httptest.NewRequest(http.MethodGet, path, nil))
		if reply.Code != http.StatusOK {
			return fmt.Errorf("%s: status %d: %s", path, reply.Code, reply.Body)
		}
		if err := os.WriteFile(filepath.Join(folder, strconv.Itoa(tile)+".jpg"), reply.Body.Bytes(), 0o644); err != nil {
			return err
		}
		s.bodies[path] = reply.Body.Bytes()
		total += reply.Body.Len()
		s.tiles, s.paths = append(s.tiles, tile), append(s.paths, path)
	}
	s.averageBytes = total / max(len(s.tiles), 1)
	return nil
}

// staticBytes answers with the same bytes and does nothing else: what net/http
// costs.
func (s *setup) staticBytes() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := s.bodies[r.URL.Path]
		h := w.Header()
		h.Set("Content-Type", "image/jpeg")
		h.Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body)
	})
}

type serving struct {
	app     *app.App
	handler http.Handler // without an app
	paths   []string
	header  string
}

func (s *setup) serve(named map[string]serving) error {
	for _, name := range []string{"static bytes", "pims warm", "pims 304", "static files", "pims cold"} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		one := &server{name: name, address: listener.Addr().String(), paths: named[name].paths, header: named[name].header, http: &http.Server{Handler: named[name].handler}}
		s.servers = append(s.servers, one)
		if app := named[name].app; app != nil {
			listener = app.Attach(one.http, listener)
		}
		go func() { _ = one.http.Serve(listener) }() // ends when setup.close closes the server
	}
	return nil
}
