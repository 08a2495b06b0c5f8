package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/app"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/slide"
)

// held is the heap and the stacks in use after a full collection, in bytes.
func held() int64 {
	runtime.GC()
	runtime.GC() // what the first one's finalizers and pools let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// memory prints what is held for each open slide, page, connection and for one
// very large slide.
func memory(ctx context.Context, s *setup, work string) error {
	fmt.Printf("\n%-46s %14s\n", "memory held", "bytes")
	row := func(name string, bytes int64) { fmt.Printf("%-46s %14d\n", name, bytes) }

	ids, err := s.copies(ctx, 200)
	if err != nil {
		return err
	}
	before := held()
	for _, id := range ids {
		if _, err := s.cold.Catalog.Open(ctx, id); err != nil {
			return err
		}
	}
	row("an open slide of 24576×20480, with its index", (held()-before)/int64(len(ids)))

	const connections = 500
	before = held()
	open, err := idle(s.servers[1].address, s.paths[0], connections)
	if err != nil {
		return err
	}
	row("an idle connection, both ends", (held()-before)/connections)
	for _, c := range open {
		_ = c.Close()
	}
	return huge(ctx, s, work, row)
}

// idle opens connections on each of which one tile was answered.
func idle(address, path string, n int) ([]net.Conn, error) {
	var open []net.Conn
	for range n {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			return nil, err
		}
		open = append(open, conn)
		if _, err := io.WriteString(conn, "GET "+path+" HTTP/1.1\r\nHost: bench\r\n\r\n"); err != nil {
			return nil, err
		}
		if err := readAnswer(bufio.NewReader(conn), path); err != nil {
			return nil, err
		}
	}
	return open, nil
}

// copies stores the slide's sidecar under other ids: as many slides over one
// source.
func (s *setup) copies(ctx context.Context, n int) ([]slide.ID, error) {
	sidecar, _, err := s.cold.Slides.Get(ctx, s.slide.ID().SidecarKey(), 64<<20)
	if err != nil {
		return nil, err
	}
	var ids []slide.ID
	for i := range n {
		id := slide.DeriveID("bench", "copy", fmt.Sprint(i))
		ids = append(ids, id)
		if _, err := s.cold.Slides.Put(ctx, id.SidecarKey(), bytes.NewReader(sidecar), int64(len(sidecar)), objectstore.PutOptions{}); err != nil {
			return nil, err
		}
	}
	return ids, nil
}

// hugeSide is the side of the generated slide without pixels, in pixels.
const hugeSide = 1_000_000

// huge serves tiles of a slide of 10⁶ × 10⁶ pixels: an index of 20 million
// tiles, each of which is the same stored one.
func huge(ctx context.Context, s *setup, work string, row func(string, int64)) error {
	id := slide.DeriveID("bench", "huge", "")
	if err := writeHuge(ctx, s, id, filepath.Join(work, "huge.pims")); err != nil {
		return err
	}
	without, err := open(ctx, work, "0")
	if err != nil {
		return err
	}
	defer func() { _ = without.Close() }() // nothing was written
	// The handler's own first-time costs are not the slide's.
	if err := tilesOf(without, s.slide, 50, rand.New(rand.NewPCG(1, 1))); err != nil {
		return err
	}
	before := held()
	large, err := without.Catalog.Open(ctx, id)
	if err != nil {
		return err
	}
	if err := tilesOf(without, large, 500, rand.New(rand.NewPCG(2, 2))); err != nil {
		return err
	}
	row("a slide of 10⁶×10⁶, open, after 500 tiles", held()-before)
	runtime.KeepAlive(large)

	cached, err := open(ctx, work, "64MiB")
	if err != nil {
		return err
	}
	defer func() { _ = cached.Close() }() // nothing was written
	if large, err = cached.Catalog.Open(ctx, id); err != nil {
		return err
	}
	const pages = 100
	before = held()
	for n := range pages {
		if _, err := large.Locate(ctx, 0, formats.Plane{}, n*slide.TilesPerPage); err != nil {
			return err
		}
	}
	row("a cached index page of 4096 tiles", (held()-before)/pages)
	return nil
}

func writeHuge(ctx context.Context, s *setup, id slide.ID, path string) error {
	m := *s.slide.Manifest()
	m.Name, m.Index = "huge.svs", nil
	finest := m.Description.Levels[0]
	m.Description.Width, m.Description.Height = hugeSide, hugeSide
	m.Description.Levels = nil
	for side := hugeSide; side >= 256; side = (side + 1) / 2 {
		level := finest
		level.Width, level.Height = side, side
		m.Description.Levels = append(m.Description.Levels, level)
	}
	extent, err := s.slide.Locate(ctx, 0, formats.Plane{}, s.tiles[0])
	if err != nil {
		return err
	}
	page := make([]formats.Extent, slide.TilesPerPage)
	for i := range page {
		page[i] = extent
	}
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	defer file.Close()
	out := bufio.NewWriterSize(file, 1<<20)
	err = slide.Encode(ctx, out, &m, func(_ context.Context, _, _, _, count int) ([]formats.Extent, error) { return page[:count], nil })
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return err
	}
	size, err := file.Seek(0, io.SeekCurrent)
	if err != nil {
		return err
	}
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	_, err = s.cold.Slides.Put(ctx, id.SidecarKey(), file, size, objectstore.PutOptions{})
	return err
}

// tilesOf asks for n random whole tiles of the finest level.
func tilesOf(a *app.App, s *slide.Slide, n int, random *rand.Rand) error {
	level := s.Manifest().Description.Levels[0]
	across, down := level.Width/level.TileWidth, level.Height/level.TileHeight
	for range n {
		path := fmt.Sprintf("/image/%s/tile/level/0/tx/%d/ty/%d.jpg", s.Path(), random.IntN(across), random.IntN(down))
		if got := answer(a.Handler(), path, "", ""); got.status != http.StatusOK {
			return fmt.Errorf("%s: status %d", path, got.status)
		}
	}
	return nil
}

// soak asks for random tiles of many slides and prints what is held on the way:
// it must not grow once the caches are full.
func soak(ctx context.Context, s *setup, work string, tiles, slides int) error {
	ids, err := s.copies(ctx, slides)
	if err != nil {
		return err
	}
	a, err := open(ctx, work, "32MiB")
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }() // nothing was written
	random := rand.New(rand.NewPCG(3, 3))
	before := held()
	fmt.Printf("soak: %d random tiles over %d slides, CACHE_MEMORY 32 MiB\n%10s %14s\n", tiles, slides, "tiles", "bytes held")
	const reports = 10
	for report := range reports {
		for range tiles / reports {
			one, err := a.Catalog.Open(ctx, ids[random.IntN(len(ids))])
			if err != nil {
				return err
			}
			if err := tilesOf(a, one, 1, random); err != nil {
				return err
			}
		}
		fmt.Printf("%10d %14d\n", (report+1)*(tiles/reports), held()-before)
	}
	return nil
}
