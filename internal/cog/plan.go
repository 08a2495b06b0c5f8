package cog

import (
	"context"
	"fmt"
	"io"
	"runtime"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
)

// Source is a slide that is to be rewritten. Exactly one of Locate and Region
// is set.
type Source struct {
	Description *formats.Description
	ICCProfile  []byte

	// Locate gives the extents of count tiles of a level and plane number.
	Locate func(ctx context.Context, level, plane, first, count int) ([]formats.Extent, error)
	// Encodings is what Level.Encoding of the description counts in.
	Encodings []formats.Encoding
	// Read gives the bytes of extents, none of them blank, in one batch.
	Read func(ctx context.Context, extents []formats.Extent) ([][]byte, error)

	// Region gives pixels of what has no addressable tiles.
	Region formats.RegionReader

	// Download copies the whole file, for pictures that only a streaming
	// decoder can hold; nil when that cannot be had.
	Download func(ctx context.Context, w io.Writer) error
}

// Compression is what is written where tiles are encoded.
type Compression string

// The compressions.
const (
	Auto    Compression = "auto"    // JPEG where the source was lossy, else deflate
	JPEG    Compression = "jpeg"    // where the samples allow it, else deflate
	Deflate Compression = "deflate" // without loss
)

// Options say how tiles are made.
type Options struct {
	Compression Compression // Auto when empty
	Quality     int         // of JPEG, 1 to 100; 90 when 0
	TileSide    int         // pixels of tiles whose size is not the source's: 256 or 512; 256 when 0
	Workers     int         // decoding and encoding at the same time; all cores when 0
	TempDir     string      // of the temporary file; the system's when empty
	Software    string      // program and version, written into the file
	// Progress is told how much of Prepare's work is done, 0 to 1, by one
	// goroutine at a time; nil when nobody wants to know.
	Progress func(done float64)
}

func (o Options) orDefault() Options {
	if o.Compression == "" {
		o.Compression = Auto
	}
	if o.Quality == 0 {
		o.Quality = 90
	}
	if o.TileSide == 0 {
		o.TileSide = 256
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return o
}

// Way is how a slide is rewritten.
type Way string

// The ways, the cheapest first.
const (
	Copy      Way = "copy"      // encoded tiles are moved, no stored pixel is touched
	Transcode Way = "transcode" // pixels are decoded and encoded
)

// Plan is how a slide will be rewritten. It is immutable.
type Plan struct {
	Way Way
	// Why says what decided between the ways.
	Why string

	source  Source
	options Options
	levels  []planned
}

// planned is one level of the file.
type planned struct {
	formats.Level     // Encoding is set by Prepare where the level is made
	stored        int // level of the source that is copied, -1 for one that is made
}

const made = -1

// NewPlan decides how; nothing is read. Kind Unsupported when neither way is
// possible in this build.
func NewPlan(s Source, o Options) (*Plan, error) {
	p := &Plan{source: s, options: o.orDefault()}
	if why := p.cannotCopy(); why != "" {
		return p, p.planTranscode(why)
	}
	return p, nil
}

// cannotCopy plans a copy, or says why there is none.
func (p *Plan) cannotCopy() string {
	s := p.source
	if s.Locate == nil {
		return "the pixels do not lie in tiles of their own"
	}
	for i, l := range s.Description.Levels {
		if why := noTIFFTile(l, s.Encodings[l.Encoding]); why != "" {
			return fmt.Sprintf("level %d has %s", i, why)
		}
	}
	p.levels = pyramidOf(s.Description.Levels)
	copied, added := 0, 0
	for i, l := range p.levels {
		if l.stored != made {
			copied++
			continue
		}
		added++
		if from := p.levels[i-1]; from.stored != made && !plain(s.Encodings[from.Encoding]) {
			return fmt.Sprintf("levels must be made from tiles of codec %s, %s, whose decoded pixels have another form",
				s.Encodings[from.Encoding].Codec, s.Encodings[from.Encoding].Photometric)
		}
	}
	image := Image{Encodings: s.Encodings, Planes: 1, Levels: s.Description.Levels}
	if err := image.check(); err != nil {
		return fault.Sentence(err)
	}
	p.Way = Copy
	p.Why = fmt.Sprintf("tiles are encoded as a TIFF file can hold them: %d levels are copied, %d are made", copied, added)
	return ""
}

// Sides of tiles that are kept: smaller ones cost a read for a few pixels,
// larger ones are decoded for pixels that nobody looks at.
const (
	minTileSide = 64
	maxTileSide = 1024
)

func noTIFFTile(l formats.Level, e formats.Encoding) string {
	if _, ok := schemes[e.Codec]; !ok {
		return "tiles of codec " + string(e.Codec) + ", which have no place in a TIFF file"
	}
	if l.Strips {
		return "strips instead of tiles"
	}
	if !goodGrid(l) {
		return fmt.Sprintf("tiles of %d × %d pixels; multiples of 16 from %d to %d are kept", l.TileWidth, l.TileHeight, minTileSide, maxTileSide)
	}
	return ""
}

func goodGrid(l formats.Level) bool {
	ok := func(n int) bool { return n >= minTileSide && n <= maxTileSide && n%16 == 0 }
	return ok(l.TileWidth) && ok(l.TileHeight)
}

// plain tells whether a decoded tile has the samples that are stored.
func plain(e formats.Encoding) bool {
	switch e.Photometric {
	case formats.PhotometricMinIsBlack, formats.PhotometricMinIsWhite, formats.PhotometricRGB, formats.PhotometricYCbCr:
		return codec.CanDecode(e) && e.BitsPerSample == 8*e.PixelType.Bytes()
	}
	return false
}

// maxStep is the largest factor between neighbouring levels that is left
// alone: vendors' pyramids go in steps of 2 or 4.
const maxStep = 4.5

// pyramidOf lists the stored levels, with levels of half the size where they
// are missing: between, and after the last until one tile holds the picture.
func pyramidOf(stored []formats.Level) []planned {
	out := []planned{{Level: stored[0], stored: 0}}
	next := 1
	for {
		last := out[len(out)-1]
		for next < len(stored) && (stored[next].Width > last.Width || stored[next].Height > last.Height ||
			stored[next].Width == last.Width && stored[next].Height == last.Height) {
			next++ // no reduction of what is there
		}
		if next < len(stored) && step(last.Level, stored[next]) <= maxStep {
			out = append(out, planned{Level: stored[next], stored: next})
			next++
			continue
		}
		if last.Tiles() == 1 {
			return out
		}
		out = append(out, planned{Level: half(last.Level), stored: made})
	}
}

func step(a, b formats.Level) float64 {
	return max(float64(a.Width)/float64(b.Width), float64(a.Height)/float64(b.Height))
}

// half is the next level: half the size rounded up, in tiles of the same size.
func half(l formats.Level) formats.Level {
	l.Width, l.Height = (l.Width+1)/2, (l.Height+1)/2
	return l
}

// planTranscode keeps a grid of tiles that is fit for viewing.
func (p *Plan) planTranscode(why string) error {
	s := p.source
	p.Way, p.Why = Transcode, why
	base := s.Description.Levels[0]
	if s.Locate != nil {
		if e := s.Encodings[base.Encoding]; !codec.CanDecode(e) {
			return fault.New(fault.Unsupported, "convert-codec",
				"tiles are stored as %s, which this build cannot decode; use a build with libvips", e.Codec)
		}
	}
	if s.Locate == nil || !goodGrid(base) || base.Strips {
		base.Strips = false
		base.TileWidth, base.TileHeight = p.options.TileSide, p.options.TileSide
	}
	p.levels = []planned{{Level: base, stored: made}}
	for p.levels[len(p.levels)-1].Tiles() > 1 {
		p.levels = append(p.levels, planned{Level: half(p.levels[len(p.levels)-1].Level), stored: made})
	}
	return nil
}

// MadeLevels is how many levels are made rather than copied.
func (p *Plan) MadeLevels() (n int) {
	for _, l := range p.levels {
		if l.stored == made {
			n++
		}
	}
	return n
}

// Levels is how many levels the file will have.
func (p *Plan) Levels() int { return len(p.levels) }
