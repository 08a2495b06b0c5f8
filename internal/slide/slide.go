package slide

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/cache"
	"github.com/pims-cloud/pims/internal/histogram"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/telemetry/timing"
	"github.com/pims-cloud/pims/source"
)

// Slide is an open slide: its manifest and how to find its tiles. It does not
// change, is safe for concurrent use, and holds nothing that needs closing.
type Slide struct {
	id         ID
	manifest   *Manifest
	pagesStart int64  // byte of the sidecar where the pages begin
	etag       string // of the sidecar, so that pages never come from another one
	modTime    time.Time
	coarse     []byte // the pages that came with the prefix, from pagesStart on
	stores     *Stores
	pages      *cache.Cache
	ahead      *ahead                         // nil: nothing is read ahead
	histogram  atomic.Pointer[histogram.File] // once it was asked for
	opened     time.Time
	memo       sync.Map // see Memo
}

// ID names the slide.
func (s *Slide) ID() ID { return s.id }

// Manifest is what the sidecar says. It must not be changed.
func (s *Slide) Manifest() *Manifest { return s.manifest }

// Path is how PIMS' URLs name the slide: "<id>/<name>".
func (s *Slide) Path() string { return string(s.id) + "/" + s.manifest.Name }

// Version identifies the slide's bytes in ETags and cache keys.
func (s *Slide) Version() string { return s.manifest.Version }

// ModTime is when the sidecar was written.
func (s *Slide) ModTime() time.Time { return s.modTime }

// HeapBytes is about what the open slide holds besides its manifest's text.
func (s *Slide) HeapBytes() int { return cap(s.coarse) }

// Locate gives where a native tile is: from the pages that came with the
// sidecar's first read, from memory, or by one read of one page. Kind Invalid
// when level, plane or tile do not exist.
func (s *Slide) Locate(ctx context.Context, level int, plane formats.Plane, tile int) (formats.Extent, error) {
	d := &s.manifest.Description
	if level < 0 || level >= len(d.Levels) {
		return formats.Extent{}, fault.New(fault.Invalid, "no-such-level", "Level %d does not exist, the slide has %d.", level, len(d.Levels))
	}
	total := d.Levels[level].Tiles()
	if tile < 0 || tile >= total {
		return formats.Extent{}, fault.New(fault.Invalid, "no-such-tile", "Tile %d of level %d does not exist, it has %d.", tile, level, total)
	}
	if plane.C < 0 || plane.C >= d.ConcreteChannels || plane.Z < 0 || plane.Z >= d.Depth || plane.T < 0 || plane.T >= d.Duration {
		return formats.Extent{}, fault.New(fault.Invalid, "no-such-plane", "Plane c=%d z=%d t=%d does not exist, the slide has %d×%d×%d.",
			plane.C, plane.Z, plane.T, d.ConcreteChannels, d.Depth, d.Duration)
	}
	page, err := s.page(ctx, level, plane, tile)
	if err != nil {
		return formats.Extent{}, err
	}
	return s.checked(entryAt(page, tile%TilesPerPage), level, tile)
}

// pageOf gives where the page of a tile that exists begins, counted from the
// first page, and how long it is.
func (s *Slide) pageOf(level int, plane formats.Plane, tile int) (start int64, length int) {
	d, index := &s.manifest.Description, s.manifest.Index[level]
	number := tile / TilesPerPage
	start = index.Offset + int64(d.PlaneNumber(plane))*index.PlaneBytes + int64(number)*fullPage
	count := min(TilesPerPage, d.Levels[level].Tiles()-number*TilesPerPage)
	return start, count*entryBytes + pageCRCBytes
}

// pageKey names a page in the cache.
func (s *Slide) pageKey(start int64) string {
	return "page:" + string(s.id) + ":" + s.etag + ":" + strconv.FormatInt(start, 10)
}

// page gives the page of the index that a tile stands in.
func (s *Slide) page(ctx context.Context, level int, plane formats.Plane, tile int) ([]byte, error) {
	start, length := s.pageOf(level, plane, tile)
	if end := start + int64(length); end <= int64(len(s.coarse)) {
		return s.coarse[start:end], nil
	}
	page, _, err := s.pages.Get(ctx, s.pageKey(start), func(ctx context.Context) ([]byte, error) {
		defer timing.Start(ctx, timing.Read).Stop()
		want := source.Range{Offset: s.pagesStart + start, Length: int64(length)}
		got, err := s.stores.Slides.ReadRanges(ctx, s.id.SidecarKey(), s.etag, []source.Range{want})
		if err != nil {
			return nil, err
		}
		return got[0], s.checkPage(got[0], start)
	})
	return page, err
}

func (s *Slide) checkPage(page []byte, start int64) error {
	body := page[:len(page)-pageCRCBytes]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(page[len(body):]) {
		return corrupt(s.id, "sidecar-page-crc", "The index page at byte %d of %s does not have the checksum that it states.", s.pagesStart+start, s.id)
	}
	return nil
}

// checked refuses an extent that a damaged or forged sidecar may hold.
func (s *Slide) checked(e formats.Extent, level, tile int) (formats.Extent, error) {
	if err := checkExtent(s.manifest, e, level, tile); err != nil {
		return formats.Extent{}, err
	}
	return e, nil
}

// ReadTiles reads the bytes of several tiles in one batch a source, each read
// pinned to the version that was imported. A blank extent gives nil.
func (s *Slide) ReadTiles(ctx context.Context, extents []formats.Extent) ([][]byte, error) {
	defer timing.Start(ctx, timing.Read).Stop()
	out := make([][]byte, len(extents))
	for n := range s.manifest.Sources {
		var ranges []source.Range
		var positions []int
		for i, e := range extents {
			if !e.Blank && e.Source == n {
				ranges = append(ranges, source.Range{Offset: e.Offset, Length: e.Length})
				positions = append(positions, i)
			}
		}
		if len(ranges) == 0 {
			continue
		}
		got, err := s.readSource(ctx, s.manifest.Sources[n], ranges)
		if err != nil {
			return nil, err
		}
		for i, position := range positions {
			out[position] = got[i]
		}
	}
	return out, nil
}

// readSource reports a source that vanished as Changed: to whoever holds the
// slide, removed and replaced are both reasons to open it again.
func (s *Slide) readSource(ctx context.Context, o SourceObject, ranges []source.Range) ([][]byte, error) {
	store, key, err := s.stores.of(o)
	if err != nil {
		return nil, err
	}
	got, err := store.ReadRanges(ctx, key, o.ETag, ranges)
	if fault.KindOf(err) == fault.NotFound {
		return nil, fault.New(fault.Changed, "source-gone", "The source %s of slide %s is no longer there.", o.Key, s.id).Because(err)
	}
	return got, err
}

// ReadObject reads a whole object of the slide's own prefix, at most max bytes
// (associated images, metadata.json, histogram.json).
func (s *Slide) ReadObject(ctx context.Context, key string, max int64) ([]byte, error) {
	b, _, err := s.stores.Slides.Get(ctx, key, max)
	return b, err
}

// OpenSource gives the bundle of the slide's sources, pinned to the versions
// that were imported.
func (s *Slide) OpenSource(n int) (source.Reader, error) {
	if n < 0 || n >= len(s.manifest.Sources) {
		return nil, fault.New(fault.Invalid, "no-such-source", "Source %d does not exist, the slide has %d.", n, len(s.manifest.Sources))
	}
	return s.open(s.manifest.Sources[n])
}

// OpenUploaded is OpenSource for the objects as the user gave them.
func (s *Slide) OpenUploaded(n int) (source.Reader, error) {
	uploaded := s.manifest.Uploaded()
	if n < 0 || n >= len(uploaded) {
		return nil, fault.New(fault.Invalid, "no-such-source", "Upload %d does not exist, the slide has %d.", n, len(uploaded))
	}
	return s.open(uploaded[n])
}

func (s *Slide) open(o SourceObject) (source.Reader, error) {
	store, key, err := s.stores.of(o)
	if err != nil {
		return nil, err
	}
	return store.Source(objectstore.Object{Key: key, Size: o.Size, ETag: o.ETag}), nil
}
