package importer

import (
	"context"
	"runtime"
	"slices"
	"sync"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/slide"
)

// Verified is what Verify found out about a slide.
type Verified struct {
	ID       slide.ID `json:"id"`
	Path     string   `json:"path"`
	Tiles    int64    `json:"tiles"`   // whose extents were checked: all
	Blank    int64    `json:"blank"`   // of them without stored bytes
	Decoded  int64    `json:"decoded"` // read and decoded
	Skipped  int64    `json:"skipped"` // read, but of a codec or size that this build does not decode
	Bytes    int64    `json:"bytes"`   // of tiles that were read
	Problems []Reason `json:"problems"`
	// MoreProblems is how many there are beyond the first 100.
	MoreProblems int64 `json:"moreProblems"`
}

// OK tells whether nothing is wrong.
func (v *Verified) OK() bool { return len(v.Problems) == 0 }

const (
	maxProblems  = 100
	verifyBatch  = 16 // tiles read at once by one worker
	verifyStride = slide.TilesPerPage
)

// Verify tests a stored slide: the sidecar with every page's checksum, that
// the source objects are those that were imported, that every tile lies inside
// its source, that what the sidecar names exists – and decodes a sample of
// tiles, or with full all of them. progress, when not nil, is called with
// values from 0 to 1, never concurrently.
//
// What is wrong with the slide stands in the result. The error is of kind
// NotFound when there is no slide, or that of a store that failed.
func (im *Importer) Verify(ctx context.Context, id slide.ID, full bool, progress func(float64)) (*Verified, error) {
	if im.deps.Catalog == nil {
		return nil, fault.New(fault.Unsupported, "no-catalog", "this process opens no slides")
	}
	im.deps.Catalog.Forget(id) // read it from the store, not from memory
	s, err := im.deps.Catalog.Open(ctx, id)
	if k := fault.KindOf(err); k == fault.Corrupt || k == fault.Unsupported {
		return &Verified{ID: id, Problems: []Reason{*reasonOf(err)}}, nil
	}
	if err != nil {
		return nil, err
	}
	v := &verification{im: im, slide: s, full: full, progress: progress}
	v.out = Verified{ID: id, Path: s.Path(), Problems: []Reason{}}
	v.total = tilesOf(&s.Manifest().Description)
	if err := v.objects(ctx); err != nil {
		return nil, err
	}
	if err := v.tiles(ctx); err != nil {
		return nil, err
	}
	return &v.out, nil
}

// verification is one run of Verify.
type verification struct {
	im    *Importer
	slide *slide.Slide
	full  bool
	total int64

	mu       sync.Mutex // guards out, and progress is called under it
	out      Verified
	progress func(float64)
}

// problem notes what is wrong with the slide, and gives back what is not its
// fault: a store that failed, a context that ended.
func (v *verification) problem(err error) error {
	switch fault.KindOf(err) {
	case fault.Internal, fault.Canceled, fault.Busy, fault.Denied:
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.out.Problems) < maxProblems {
		v.out.Problems = append(v.out.Problems, *reasonOf(err))
	} else {
		v.out.MoreProblems++
	}
	return nil
}

// objects looks at everything that the manifest names.
func (v *verification) objects(ctx context.Context) error {
	m := v.slide.Manifest()
	for _, want := range m.Sources {
		store, key, err := v.im.placeOf(want)
		if err != nil {
			return err
		}
		o, err := store.Stat(ctx, key)
		if err == nil && (o.ETag != want.ETag || o.Size != want.Size) {
			err = fault.New(fault.Changed, "source-replaced",
				"the source %s is not the one that was imported: %d bytes with ETag %s, expected %d with %s", want.Key, o.Size, o.ETag, want.Size, want.ETag)
		}
		if err != nil {
			if err := v.problem(err); err != nil {
				return err
			}
		}
	}
	keys := []string{v.slide.ID().MetadataKey(), v.slide.ID().AnnotationsKey()}
	for _, a := range m.Associated {
		keys = append(keys, a.Key)
	}
	for _, key := range keys {
		if _, err := v.im.deps.Slides.Stat(ctx, key); err != nil {
			if err := v.problem(err); err != nil {
				return err
			}
		}
	}
	return nil
}

// part is a run of tiles of one plane of one level.
type part struct {
	level int
	plane formats.Plane
	first int
	count int
}

// tiles walks the whole index. Workers take parts from a channel; the first
// error that is not the slide's stops all.
func (v *verification) tiles(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	parts := make(chan part)
	var workers sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		workers.Go(func() {
			for p := range parts {
				if err := v.part(ctx, p); err != nil {
					cancel(err)
				}
			}
		})
	}
	v.parts(ctx, parts)
	close(parts)
	workers.Wait()
	return context.Cause(ctx)
}

// parts sends all parts, as far as ctx allows.
func (v *verification) parts(ctx context.Context, to chan<- part) {
	d := &v.slide.Manifest().Description
	for level := len(d.Levels) - 1; level >= 0; level-- {
		total := d.Levels[level].Tiles()
		for plane := range d.Planes() {
			for first := 0; first < total; first += verifyStride {
				p := part{level: level, plane: planeAt(d, plane), first: first, count: min(verifyStride, total-first)}
				select {
				case to <- p:
				case <-ctx.Done():
					return
				}
			}
		}
	}
}

// part checks the extents of one page and reads those that are to be decoded.
func (v *verification) part(ctx context.Context, p part) error {
	l := v.slide.Manifest().Description.Levels[p.level]
	var wanted []int
	if !v.full {
		wanted = spread(l.TilesAcross(), l.TilesDown())
	}
	var numbers []int
	var extents []formats.Extent
	var blank int64
	for n := p.first; n < p.first+p.count; n++ {
		e, err := v.slide.Locate(ctx, p.level, p.plane, n)
		if err != nil {
			if err := v.problem(err); err != nil {
				return err
			}
			if fault.CodeOf(err) == "sidecar-page-crc" {
				break // the same page would be read again for every tile
			}
			continue
		}
		if e.Blank {
			blank++
		} else if v.full || slices.Contains(wanted, n) {
			numbers, extents = append(numbers, n), append(extents, e)
		}
		if len(extents) == verifyBatch {
			if err := v.decode(ctx, p, l, numbers, extents); err != nil {
				return err
			}
			numbers, extents = numbers[:0], extents[:0]
		}
	}
	if err := v.decode(ctx, p, l, numbers, extents); err != nil {
		return err
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.out.Tiles += int64(p.count)
	v.out.Blank += blank
	if v.progress != nil {
		v.progress(float64(v.out.Tiles) / float64(v.total))
	}
	return nil
}

// decode reads and decodes one batch.
func (v *verification) decode(ctx context.Context, p part, l formats.Level, numbers []int, extents []formats.Extent) error {
	if len(extents) == 0 {
		return nil
	}
	tiles, err := v.slide.ReadTiles(ctx, extents)
	if err != nil {
		return v.problem(err)
	}
	var decoded, skipped, size int64
	for i, data := range tiles {
		size += int64(len(data))
		raster, err := decodeTile(v.slide.Manifest().Encodings, l, data, p.level, numbers[i])
		switch {
		case err != nil:
			if err := v.problem(err); err != nil {
				return err
			}
		case raster == nil:
			skipped++
		default:
			decoded++
		}
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.out.Decoded, v.out.Skipped, v.out.Bytes = v.out.Decoded+decoded, v.out.Skipped+skipped, v.out.Bytes+size
	return nil
}
