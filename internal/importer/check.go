package importer

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
)

// Bounds on what a description may claim. They are far above the largest known
// slides (some 3 million pixels a side) and keep arithmetic within int.
const (
	maxSidePx   = 1 << 30
	maxTileSide = 1 << 17
	maxLevels   = 64
	maxPlanes   = 1 << 22
	maxChannels = 1 << 16
	maxTiles    = 1 << 28 // native tiles of all levels and planes: 3 GiB of index
)

// check opens the image, tests that what it says of itself is possible, and
// decodes a sample of its tiles.
func check(ctx context.Context, w *attempt) error {
	w.failed = ErrorIntegrity
	w.tell(ctx, StartIntegrityCheck)
	if err := w.open(ctx); err != nil {
		return w.stale(ctx, err)
	}
	encs := w.encs
	if w.locator == nil {
		encs = make([]formats.Encoding, 1) // a level of pixels names none
	}
	if err := checkDescription(w.desc, encs); err != nil {
		return err
	}
	w.decided = w.im.config.decide(w.format.Info(), w.desc, w.encs)
	if checker, ok := w.image.(formats.Checker); ok {
		if err := checker.Check(ctx); err != nil {
			return w.stale(ctx, err)
		}
	}
	d := w.desc
	w.note(func(r *Report) {
		r.Width, r.Height, r.Levels, r.Tiles = d.Width, d.Height, len(d.Levels), tilesOf(d)
		r.Viewable, r.PixelsIdentical = w.decided.viewable, w.decided.viewable
		if why := undecodable(w.encs); why != "" {
			r.Viewable, r.PixelsIdentical = false, false
			r.Why = why
			r.warn(fault.New(fault.Unsupported, "codec-needs-fallback", "%s", why))
		}
	})
	if err := w.progress(ctx, 0.12); err != nil {
		return err
	}
	checked := 0
	if w.locator != nil {
		var err error
		if checked, err = w.sample(ctx); err != nil {
			return w.stale(ctx, err)
		}
	}
	w.note(func(r *Report) { r.TilesChecked = checked })
	w.tell(ctx, EndIntegrityCheck)
	return nil
}

// open reads the structure.
func (w *attempt) open(ctx context.Context) (err error) {
	if w.image, err = w.format.Open(ctx, w.bundle); err != nil {
		return err
	}
	if w.desc, err = w.image.Describe(ctx); err != nil {
		return err
	}
	if locator, ok := w.image.(formats.TileLocator); ok {
		w.locator, w.encs = locator, locator.Encodings()
		return nil
	}
	region, ok := w.image.(formats.RegionReader)
	if !ok || w.im.config.Convert == ConvertNever {
		return fault.New(fault.Unsupported, "conversion-needed",
			"%s files have no tiles that can be read one by one; they must be converted first, which CONVERT=%s does not allow or this format does not offer",
			w.format.Info().Name, w.im.config.Convert)
	}
	w.region = region
	return nil
}

// undecodable is the sentence for tiles that this build cannot decode, "" when
// it can decode all.
func undecodable(encs []formats.Encoding) string {
	for _, e := range encs {
		if !codec.CanDecode(e) {
			return "tiles are stored as " + string(e.Codec) + ", which this build cannot decode; " +
				"run a build with libvips, or convert the slide, to view it"
		}
	}
	return ""
}

func tilesOf(d *formats.Description) int64 {
	var n int64
	for _, l := range d.Levels {
		n += int64(l.TilesAcross()) * int64(l.TilesDown())
	}
	return n * int64(d.Planes())
}

func broken(code, format string, args ...any) *fault.Error {
	return fault.New(fault.Corrupt, code, format, args...)
}

// checkDescription tests what a format says of an image before anything is
// computed from it: formats are written by many hands, files by anybody.
func checkDescription(d *formats.Description, encs []formats.Encoding) error {
	if d == nil || len(d.Levels) == 0 {
		return broken("no-levels", "the file has no level of pixels")
	}
	if len(d.Levels) > maxLevels {
		return broken("too-many-levels", "the file has %d levels, at most %d are possible", len(d.Levels), maxLevels)
	}
	if d.Width != d.Levels[0].Width || d.Height != d.Levels[0].Height {
		return broken("level-size", "the image is %d×%d pixels, its finest level %d×%d", d.Width, d.Height, d.Levels[0].Width, d.Levels[0].Height)
	}
	for i, l := range d.Levels {
		if err := checkLevel(d, i, l, len(encs)); err != nil {
			return err
		}
	}
	return checkPlanes(d)
}

func checkLevel(d *formats.Description, i int, l formats.Level, encs int) error {
	if l.Width < 1 || l.Height < 1 || l.Width > maxSidePx || l.Height > maxSidePx {
		return broken("level-size", "level %d is %d×%d pixels, 1 to %d a side are possible", i, l.Width, l.Height, maxSidePx)
	}
	// Strips have the level's width, which is bounded above.
	if l.TileWidth < 1 || l.TileHeight < 1 || !l.Strips && (l.TileWidth > maxTileSide || l.TileHeight > maxTileSide) {
		return broken("tile-size", "tiles of level %d are %d×%d pixels, 1 to %d a side are possible", i, l.TileWidth, l.TileHeight, maxTileSide)
	}
	if l.Encoding < 0 || l.Encoding >= encs {
		return broken("level-encoding", "level %d uses encoding %d of %d", i, l.Encoding, encs)
	}
	if i > 0 && (l.Width > d.Levels[i-1].Width || l.Height > d.Levels[i-1].Height) {
		return broken("level-order", "level %d is %d×%d pixels, larger than the finer level before it", i, l.Width, l.Height)
	}
	return nil
}

func checkPlanes(d *formats.Description) error {
	if d.Depth < 1 || d.Duration < 1 || d.ConcreteChannels < 1 || d.Samples < 1 {
		return broken("plane-count", "the image has %d slices, %d frames, %d channels of %d samples; at least 1 of each is needed",
			d.Depth, d.Duration, d.ConcreteChannels, d.Samples)
	}
	if d.Depth > maxPlanes || d.Duration > maxPlanes || d.ConcreteChannels > maxChannels || d.Samples > maxChannels ||
		int64(d.Depth)*int64(d.Duration) > maxPlanes || int64(d.Planes()) > maxPlanes {
		return broken("plane-count", "the image claims %d slices, %d frames, %d channels of %d samples, too many to be true",
			d.Depth, d.Duration, d.ConcreteChannels, d.Samples)
	}
	if want := d.ConcreteChannels * d.Samples; len(d.Channels) != want {
		return fault.New(fault.Internal, "channel-count", "the format describes %d channels, the image has %d", len(d.Channels), want)
	}
	for i, l := range d.Levels {
		if n := int64(l.TilesAcross()) * int64(l.TilesDown()); n > maxTiles || n*int64(d.Planes()) > maxTiles {
			return fault.New(fault.TooLarge, "too-many-tiles", "level %d has %d tiles in each of %d planes, at most %d are possible", i, n, d.Planes(), maxTiles)
		}
	}
	return nil
}
