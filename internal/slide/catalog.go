package slide

import (
	"bytes"
	"context"
	"iter"
	"time"

	"github.com/maypok86/otter/v2"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/cache"
	"github.com/pims-cloud/pims/internal/config/units"
	"github.com/pims-cloud/pims/internal/nowait"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/telemetry/timing"
	"github.com/pims-cloud/pims/source"
)

// Config says how many slides stay open and for how long.
type Config struct {
	// Open is how many slides are held in memory.
	Open int `env:"SLIDES_OPEN" envDefault:"512" desc:"How many slides stay open in memory; each holds about 64 KiB"`
	// Recheck is how long an open slide is trusted before its sidecar is read again.
	Recheck time.Duration `env:"SLIDES_RECHECK" envDefault:"5m" desc:"How long an open slide is used before its sidecar is read again"`
	// ReadAhead is how many bytes of the next tiles of a row one read may bring.
	ReadAhead units.Bytes `env:"READ_AHEAD" envDefault:"0" desc:"How many bytes of the following tiles of a row are read together with a tile, into the cache (CACHE_MEMORY); 256KiB is about 14 tiles; 0: none"`
}

// maxReadAhead bounds ReadAhead: more takes longer than a viewer stays.
const maxReadAhead = 8 * units.MiB

// Validate says which variable is wrong, what it holds and what is expected.
func (c Config) Validate() error {
	if c.Open < 1 {
		return fault.New(fault.Invalid, "config", "SLIDES_OPEN is %d, expected at least 1.", c.Open)
	}
	if c.Recheck < time.Second {
		return fault.New(fault.Invalid, "config", "SLIDES_RECHECK is %s, expected at least 1s.", c.Recheck)
	}
	if c.ReadAhead < 0 || c.ReadAhead > maxReadAhead {
		return fault.New(fault.Invalid, "config", "READ_AHEAD is %d, expected 0 to %d bytes.", int64(c.ReadAhead), int64(maxReadAhead))
	}
	return nil
}

// Stores is where slides and their sources lie.
type Stores struct {
	Slides  *objectstore.Store
	Uploads *objectstore.Store
	// File opens a file of this machine that was registered in place, and says
	// under which key the store has it. nil where that is not offered.
	File func(path string) (store *objectstore.Store, key string, err error)
}

func (s *Stores) of(o SourceObject) (*objectstore.Store, string, error) {
	switch {
	case o.In == InSlides && s.Slides != nil:
		return s.Slides, o.Key, nil
	case o.In == InUploads && s.Uploads != nil:
		return s.Uploads, o.Key, nil
	case o.In == InFile && s.File != nil:
		return s.File(o.Key)
	}
	return nil, "", fault.New(fault.Unsupported, "source-place", "A source lies in %q, which this process can not read.", o.In)
}

// Catalog opens slides and keeps them open. It is safe for concurrent use.
type Catalog struct {
	stores  Stores
	pages   *cache.Cache
	open    *otter.Cache[ID, *Slide]
	ahead   *ahead // nil: nothing is read ahead
	flights cache.Flights[*Slide]
}

// NewCatalog makes a catalog whose index pages share the given cache.
func NewCatalog(stores Stores, pages *cache.Cache, c Config) (*Catalog, error) {
	open, err := otter.New(&otter.Options[ID, *Slide]{
		MaximumSize:      c.Open,
		ExpiryCalculator: otter.ExpiryWriting[ID, *Slide](c.Recheck),
	})
	if err != nil {
		return nil, fault.New(fault.Internal, "catalog", "The catalog of open slides can not be made.").Because(err)
	}
	return &Catalog{stores: stores, pages: pages, open: open, ahead: newAhead(int64(c.ReadAhead), pages)}, nil
}

// Open gives the slide from memory, or by reading the first 64 KiB of its
// sidecar (and the rest of an unusually long manifest). Kind NotFound when
// there is none, Corrupt or Unsupported when the sidecar is not usable,
// nowait.Refused when it would be read in a context that must not wait.
func (c *Catalog) Open(ctx context.Context, id ID) (*Slide, error) {
	return c.openWith(ctx, id, PrefixBytes)
}

// openWith is Open with another length of the first read.
func (c *Catalog) openWith(ctx context.Context, id ID, prefixBytes int64) (*Slide, error) {
	if s, ok := c.open.GetIfPresent(id); ok {
		return s, nil
	}
	if nowait.In(ctx) {
		return nil, nowait.Refused{}
	}
	s, _, err := c.flights.Do(ctx, string(id), func(ctx context.Context) (*Slide, error) {
		// Another flight may have landed between the look and the start.
		if s, ok := c.open.GetIfPresent(id); ok {
			return s, nil
		}
		defer timing.Start(ctx, timing.Open).Stop()
		s, err := c.load(ctx, id, prefixBytes)
		if err == nil {
			s.opened = time.Now()
			c.open.Set(id, s)
		}
		return s, err
	})
	return s, err
}

func (c *Catalog) load(ctx context.Context, id ID, prefixBytes int64) (*Slide, error) {
	manifest, object, pagesStart, prefix, err := readManifest(ctx, c.stores.Slides, id, prefixBytes)
	if err != nil {
		return nil, err
	}
	s := &Slide{
		id: id, manifest: manifest, pagesStart: pagesStart, etag: object.ETag, modTime: object.ModTime,
		stores: &c.stores, pages: c.pages, ahead: c.ahead,
	}
	return s, s.keepCoarse(prefix[pagesStart:])
}

// ReadManifest reads a slide's manifest as it is stored now, and tells of which
// sidecar it is, for who replaces that one. Kinds as those of Catalog.Open.
func ReadManifest(ctx context.Context, slides *objectstore.Store, id ID) (*Manifest, objectstore.Object, error) {
	m, object, _, _, err := readManifest(ctx, slides, id, PrefixBytes)
	return m, object, err
}

// readManifest gives the bytes that were read as well, which may hold pages
// from pagesStart on.
func readManifest(ctx context.Context, slides *objectstore.Store, id ID, prefixBytes int64) (m *Manifest, object objectstore.Object, pagesStart int64, prefix []byte, err error) {
	prefix, object, err = slides.ReadPrefix(ctx, id.SidecarKey(), prefixBytes)
	if fault.KindOf(err) == fault.NotFound {
		err = fault.New(fault.NotFound, "slide-not-found", "There is no slide %q.", string(id)).Because(err)
	}
	if err != nil {
		return nil, object, 0, nil, err
	}
	h, err := decodeHeader(id, prefix, object.Size)
	if err != nil {
		return nil, object, 0, nil, err
	}
	pagesStart = headerBytes + h.manifestBytes
	if missing := pagesStart - int64(len(prefix)); missing > 0 {
		rest, err := slides.ReadRanges(ctx, object.Key, object.ETag, []source.Range{{Offset: int64(len(prefix)), Length: missing}})
		if err != nil {
			return nil, object, 0, nil, err
		}
		prefix = append(prefix, rest[0]...)
	}
	m, err = decodeManifest(id, h, prefix[headerBytes:pagesStart], object.Size)
	return m, object, pagesStart, prefix, err
}

// keepCoarse checks the pages that lie wholly in what was read. The slide holds
// those of the first PrefixBytes of the sidecar, the cache of pages the others.
func (s *Slide) keepCoarse(read []byte) error {
	hold := max(PrefixBytes-s.pagesStart, 0)
	var end, held int64
	for start, length := range s.allPages() {
		end = start + length
		if end > int64(len(read)) {
			break
		}
		page := read[start:end]
		if err := s.checkPage(page, start); err != nil {
			return err
		}
		if end <= hold {
			held = end
		} else {
			s.pages.Put(s.pageKey(start), bytes.Clone(page))
		}
	}
	s.coarse = bytes.Clone(read[:held])
	return nil
}

// allPages walks where every page begins and how long it is, as they lie in the
// sidecar.
func (s *Slide) allPages() iter.Seq2[int64, int64] {
	return func(yield func(start, length int64) bool) {
		d := &s.manifest.Description
		var start int64
		for level := len(d.Levels) - 1; level >= 0; level-- {
			total := d.Levels[level].Tiles()
			for range d.Planes() {
				for first := 0; first < total; first += TilesPerPage {
					length := int64(min(TilesPerPage, total-first)*entryBytes + pageCRCBytes)
					if !yield(start, length) {
						return
					}
					start += length
				}
			}
		}
	}
}

// Forget drops an open slide, after it was imported again or deleted.
func (c *Catalog) Forget(id ID) { c.open.Invalidate(id) }

// Fresh opens the slide and runs do. When do finds that an object changed under
// it (kind Changed), the slide is opened again and do runs once more, from the
// start: no answer ever mixes two versions.
func (c *Catalog) Fresh(ctx context.Context, id ID, do func(*Slide) error) error {
	return c.fresh(ctx, id, PrefixBytes, do)
}

// FreshForTiles is Fresh for a do that will ask for tiles: opening the slide
// reads more of the index at once.
func (c *Catalog) FreshForTiles(ctx context.Context, id ID, do func(*Slide) error) error {
	return c.fresh(ctx, id, TilesPrefixBytes, do)
}

func (c *Catalog) fresh(ctx context.Context, id ID, prefixBytes int64, do func(*Slide) error) error {
	s, err := c.openWith(ctx, id, prefixBytes)
	if err != nil {
		return err
	}
	err = do(s)
	if err == nil || fault.KindOf(err) != fault.Changed {
		return err
	}
	// Only the handle that failed is dropped: another request may already have
	// put a fresh one in its place.
	c.open.ComputeIfPresent(id, func(held *Slide) (*Slide, otter.ComputeOp) {
		if held == s {
			return nil, otter.InvalidateOp
		}
		return held, otter.CancelOp
	})
	if s, err = c.openWith(ctx, id, prefixBytes); err != nil {
		return err
	}
	return do(s)
}

// List walks the ids of everything that was ever uploaded, in id order, slides
// and failed imports alike.
func (c *Catalog) List(ctx context.Context) iter.Seq2[ID, error] {
	return func(yield func(ID, error) bool) {
		for folder, err := range c.stores.Slides.Folders(ctx, "") {
			if err != nil {
				yield("", err)
				return
			}
			id, notOurs := ParseID(folder)
			if notOurs != nil {
				continue
			}
			if !yield(id, nil) {
				return
			}
		}
	}
}
