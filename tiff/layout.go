package tiff

import (
	"context"
	"math"
	"math/bits"

	"github.com/pims-cloud/pims/fault"
)

const (
	// maxDimension is the largest width or height in pixels.
	maxDimension = math.MaxInt32
	// maxJPEGTablesBytes bounds JPEGTables: four quantisation and eight Huffman
	// tables weigh less than 3 KiB; the rest is room for useless segments.
	maxJPEGTablesBytes = 1 << 20
)

// Layout says how the pixels of one directory are cut into tiles or strips and
// how those are encoded. Defaults of the specification are filled in.
type Layout struct {
	Width, Height int // pixels, 1 to 2^31-1
	Tiled         bool
	// TileWidth and TileHeight are those of one segment in pixels. A strip has
	// the width of the image and RowsPerStrip rows.
	TileWidth, TileHeight int
	Compression           Scheme
	Photometric           Photometric
	SamplesPerPixel       int
	BitsPerSample         []int // one a sample
	SampleFormat          []int // one a sample: 1 unsigned, 2 signed, 3 floating point, …
	Planar                int   // 1 samples interleaved, 2 one plane a sample
	Predictor             int   // 1 none, 2 horizontal, 3 floating point
	// SubsamplingX and SubsamplingY are of YCbCr images, else 0. For JPEG the
	// frame header has the truth.
	SubsamplingX, SubsamplingY int
	NewSubfileType             uint32 // bit 0: reduced resolution
	ExtraSamples               []int  // one an extra sample: 0 unspecified, 1 associated, 2 unassociated alpha
	Orientation                int    // 1 is top left
	JPEGTables                 []byte // nil when absent
}

// Across is the number of tiles in a row; 1 for strips.
func (l *Layout) Across() int { return (l.Width-1)/l.TileWidth + 1 }

// Down is the number of rows of tiles, or of strips.
func (l *Layout) Down() int { return (l.Height-1)/l.TileHeight + 1 }

// Segments is the number of tiles or strips; with Planar 2 those of all
// samples, one plane after the other.
func (l *Layout) Segments() int {
	n := l.Across() * l.Down()
	if l.Planar == 2 {
		n *= l.SamplesPerPixel
	}
	return n
}

// Layout reads and validates the fields that describe the pixels: sizes are
// positive, and there is an offset and a byte count for every segment. The
// kind of the error is Corrupt when they contradict each other.
func (d *IFD) Layout(ctx context.Context) (*Layout, error) {
	r := fieldReader{ctx: ctx, d: d}
	l := &Layout{
		Width:           r.dimension(ImageWidth),
		Height:          r.dimension(ImageLength),
		Compression:     Scheme(r.small(Compression, 1)),
		SamplesPerPixel: r.small(SamplesPerPixel, 1),
		Planar:          r.small(PlanarConfiguration, 1),
		Predictor:       r.small(Predictor, 1),
		Orientation:     r.small(Orientation, 1),
		NewSubfileType:  uint32(r.uint(NewSubfileType, 0)),
		Tiled:           d.Has(TileWidth) || d.Has(TileLength) || d.Has(TileOffsets),
	}
	if r.err == nil && (l.SamplesPerPixel == 0 || l.Planar < 1 || l.Planar > 2) {
		r.err = d.contradiction("SamplesPerPixel is %d and PlanarConfiguration %d; expected at least 1, and 1 or 2", l.SamplesPerPixel, l.Planar)
	}
	if r.err != nil {
		return nil, r.err
	}
	if l.Planar == 2 && l.SamplesPerPixel == 1 {
		l.Planar = 1 // the same thing, and one case less for decoders
	}
	l.BitsPerSample = r.perSample(BitsPerSample, l.SamplesPerPixel)
	l.SampleFormat = r.perSample(SampleFormat, l.SamplesPerPixel)
	l.ExtraSamples = r.ints(ExtraSamples)
	r.photometric(l)
	r.segments(l)
	if d.Count(JPEGTables) > maxJPEGTablesBytes {
		return nil, d.contradiction("JPEGTables claims %d bytes; real tables have fewer than %d", d.Count(JPEGTables), maxJPEGTablesBytes)
	}
	if d.Count(JPEGTables) > 0 && r.err == nil {
		l.JPEGTables, _, r.err = d.Bytes(ctx, JPEGTables)
	}
	if r.err != nil {
		return nil, r.err
	}
	if err := d.checkSegments(l); err != nil {
		return nil, err
	}
	return l, nil
}

func (d *IFD) contradiction(format string, args ...any) error {
	args = append([]any{d.Offset}, args...)
	return fault.New(fault.Corrupt, "tiff-bad-layout", "In the directory at byte %d "+format+".", args...)
}

// segmentTags are the tags that locate segments. Some writers use the strip
// tags for tiles, which TIFF 6.0 §15 does not forbid.
func (d *IFD) segmentTags() (offsets, counts Tag) {
	offsets, counts = StripOffsets, StripByteCounts
	if d.Has(TileOffsets) {
		offsets = TileOffsets
	}
	if d.Has(TileByteCounts) {
		counts = TileByteCounts
	}
	return offsets, counts
}

// checkSegments compares the number of segments that the sizes require with the
// offsets and byte counts that the file has.
func (d *IFD) checkSegments(l *Layout) error {
	grid := uint64(l.Across()) * uint64(l.Down()) // each < 2^31
	planes := uint64(1)
	if l.Planar == 2 {
		planes = uint64(l.SamplesPerPixel)
	}
	high, need := bits.Mul64(grid, planes)
	if high != 0 || need > math.MaxInt64 {
		return d.contradiction("%d × %d pixels in segments of %d × %d need more segments than a file can have", l.Width, l.Height, l.TileWidth, l.TileHeight)
	}
	offsets, counts := d.segmentTags()
	if !d.Has(offsets) && l.Compression == CompressionOldJPEG {
		return nil // located by JPEGInterchangeFormat alone (TIFF 6.0 §22)
	}
	if have := d.Count(offsets); have < need {
		return d.contradiction("%d × %d pixels in segments of %d × %d need %d offsets, but tag %s has %d", l.Width, l.Height, l.TileWidth, l.TileHeight, need, offsets, have)
	}
	if have := d.Count(counts); have < need && !d.countsDerivable(l) {
		return d.contradiction("%d × %d pixels in segments of %d × %d need %d byte counts, but tag %s has %d", l.Width, l.Height, l.TileWidth, l.TileHeight, need, counts, have)
	}
	return nil
}

// countsDerivable reports whether the byte counts may be missing: one segment,
// uncompressed.
func (d *IFD) countsDerivable(l *Layout) bool {
	_, counts := d.segmentTags()
	return l.Segments() == 1 && l.Compression == CompressionNone && d.Count(counts) == 0
}

// fieldReader reads numbers and remembers the first error, so that Layout reads
// like a list.
type fieldReader struct {
	ctx context.Context
	d   *IFD
	err error
}

// uint is the first value of the tag, or the default when it has none.
func (r *fieldReader) uint(tag Tag, byDefault uint64) uint64 {
	if r.err != nil {
		return byDefault
	}
	v, ok, err := r.d.Uint(r.ctx, tag)
	if err != nil {
		r.err = err
	}
	if err != nil || !ok {
		return byDefault
	}
	return v
}

// dimension is a size in pixels, which must be there and positive.
func (r *fieldReader) dimension(tag Tag) int {
	v := r.uint(tag, 0)
	if r.err == nil && (v == 0 || v > maxDimension) {
		r.err = r.d.contradiction("%s is %d; expected 1 to %d", tag, v, maxDimension)
	}
	if r.err != nil {
		return 1
	}
	return int(v)
}

// small is a number that TIFF stores in 16 bits.
func (r *fieldReader) small(tag Tag, byDefault uint64) int {
	v := r.uint(tag, byDefault)
	if r.err == nil && v > math.MaxUint16 {
		r.err = r.d.contradiction("%s is %d; expected at most %d", tag, v, math.MaxUint16)
		return int(byDefault)
	}
	return int(v)
}

// ints are all values of a short list.
func (r *fieldReader) ints(tag Tag) []int {
	if r.err != nil || r.d.Count(tag) == 0 {
		return nil
	}
	vs, err := r.d.UintsAt(r.ctx, tag, 0, int(min(r.d.Count(tag), math.MaxUint16)))
	if err != nil {
		r.err = err
		return nil
	}
	out := make([]int, len(vs))
	for i, v := range vs {
		out[i] = int(min(v, maxDimension))
	}
	return out
}

// perSample is a list with one value a sample. Writers often store only one for
// all; the default of both lists is 1 (TIFF 6.0 §8, §19).
func (r *fieldReader) perSample(tag Tag, samples int) []int {
	got := r.ints(tag)
	if len(got) == 0 {
		got = []int{1}
	}
	out := make([]int, samples)
	for i := range out {
		out[i] = got[min(i, len(got)-1)]
	}
	return out
}

// photometric fills in what the samples mean; a missing tag is guessed by the
// number of samples, as every reader does.
func (r *fieldReader) photometric(l *Layout) {
	guess := PhotometricMinIsBlack
	if l.SamplesPerPixel >= 3 {
		guess = PhotometricRGB
	}
	l.Photometric = Photometric(r.small(PhotometricInterpretation, uint64(guess)))
	if l.Photometric != PhotometricYCbCr {
		return
	}
	l.SubsamplingX, l.SubsamplingY = 2, 2 // the default of TIFF 6.0 §21
	if s := r.ints(YCbCrSubSampling); len(s) >= 2 {
		l.SubsamplingX, l.SubsamplingY = s[0], s[1]
	}
}

// segments fills in the size of one tile or strip.
func (r *fieldReader) segments(l *Layout) {
	if l.Tiled {
		l.TileWidth, l.TileHeight = r.dimension(TileWidth), r.dimension(TileLength)
		return
	}
	l.TileWidth = l.Width
	rows := r.uint(RowsPerStrip, math.MaxUint32)
	if rows == 0 || rows > uint64(l.Height) {
		rows = uint64(l.Height) // "all rows", written as 0 by some
	}
	l.TileHeight = int(rows)
}
