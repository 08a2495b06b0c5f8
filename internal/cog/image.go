package cog

import (
	"math"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/tiff"
)

// Image is what a file says besides where its tiles are.
type Image struct {
	Levels    []formats.Level    // finest first; Encoding counts in Encodings
	Encodings []formats.Encoding // all of the same byte order
	Planes    int                // of every level

	Description   string
	Software      string
	AcquiredAt    *time.Time
	ICCProfile    []byte
	PhysicalSizeX *float64 // µm a pixel of level 0; nil when not known
	PhysicalSizeY *float64
}

// schemes are the codecs that a TIFF file can hold, as they are stored.
var schemes = map[formats.Codec]tiff.Scheme{
	formats.CodecNone: tiff.CompressionNone, formats.CodecJPEG: tiff.CompressionJPEG,
	formats.CodecDeflate: tiff.CompressionAdobeDeflate, formats.CodecLZW: tiff.CompressionLZW,
	formats.CodecPackBits: tiff.CompressionPackBits, formats.CodecZstd: tiff.CompressionZstd,
	formats.CodecWebP: tiff.CompressionWebP, formats.CodecJPEG2000: tiff.CompressionAperioJP2000RGB,
	formats.CodecPNG: tiff.CompressionPNG, formats.CodecJPEGXL: tiff.CompressionJPEGXL,
	formats.CodecJPEGXR: tiff.CompressionJPEGXR,
}

var photometrics = map[formats.Photometric]tiff.Photometric{
	formats.PhotometricMinIsBlack: tiff.PhotometricMinIsBlack, formats.PhotometricMinIsWhite: tiff.PhotometricMinIsWhite,
	formats.PhotometricRGB: tiff.PhotometricRGB, formats.PhotometricYCbCr: tiff.PhotometricYCbCr,
	formats.PhotometricPalette: tiff.PhotometricPalette, formats.PhotometricCMYK: tiff.PhotometricSeparated,
}

// directory is one directory; its segments are filled in by the layout.
func (m *Image) directory(level int) *tiff.Directory {
	l := m.Levels[level]
	e := m.Encodings[l.Encoding]
	short := func(tag tiff.Tag, values ...uint64) tiff.Field { return tiff.NumberField(tag, tiff.Short, values...) }
	long := func(tag tiff.Tag, v int) tiff.Field { return tiff.NumberField(tag, tiff.Long, uint64(v)) }
	reduced := 0
	if level > 0 {
		reduced = 1
	}
	fields := []tiff.Field{
		long(tiff.NewSubfileType, reduced), long(tiff.ImageWidth, l.Width), long(tiff.ImageLength, l.Height),
		short(tiff.BitsPerSample, repeat(uint64(e.BitsPerSample), e.Samples)...),
		short(tiff.Compression, uint64(schemeOf(e))), short(tiff.PhotometricInterpretation, uint64(photometrics[e.Photometric])),
		short(tiff.SamplesPerPixel, uint64(e.Samples)), short(tiff.PlanarConfiguration, 1),
		long(tiff.TileWidth, l.TileWidth), long(tiff.TileLength, l.TileHeight),
	}
	if e.Predictor > 1 {
		fields = append(fields, short(tiff.Predictor, uint64(e.Predictor)))
	}
	if format := sampleFormat(e.PixelType); format != 1 {
		fields = append(fields, short(tiff.SampleFormat, repeat(format, e.Samples)...))
	}
	if extra := extraSamples(e); len(extra) > 0 {
		fields = append(fields, short(tiff.ExtraSamples, extra...))
	}
	if len(e.JPEGTables) > 0 {
		fields = append(fields, tiff.BytesField(tiff.JPEGTables, tiff.Undefined, e.JPEGTables))
	}
	if e.Photometric == formats.PhotometricYCbCr && e.SubsamplingX > 0 {
		fields = append(fields, short(tiff.YCbCrSubSampling, uint64(e.SubsamplingX), uint64(e.SubsamplingY)))
	}
	if len(e.Palette) > 0 {
		fields = append(fields, short(tiff.ColorMap, colorMap(e.Palette)...))
	}
	return &tiff.Directory{Fields: append(fields, m.resolution(level)...), Tiled: true}
}

// firstFields are those that only the first directory has.
func (m *Image) firstFields() []tiff.Field {
	var fields []tiff.Field
	if m.Description != "" {
		fields = append(fields, tiff.TextField(tiff.ImageDescription, m.Description))
	}
	if m.Software != "" {
		fields = append(fields, tiff.TextField(tiff.Software, m.Software))
	}
	if m.AcquiredAt != nil {
		fields = append(fields, tiff.TextField(tiff.DateTime, m.AcquiredAt.Format("2006:01:02 15:04:05")))
	}
	if len(m.ICCProfile) > 0 {
		fields = append(fields, tiff.BytesField(tiff.ICCProfile, tiff.Undefined, m.ICCProfile))
	}
	return fields
}

// resolution is pixels a centimetre, of the level's own pixels.
func (m *Image) resolution(level int) []tiff.Field {
	perCentimetre := func(micrometres *float64, full, reduced int) (num, den uint32, ok bool) {
		if micrometres == nil || !(*micrometres > 0) {
			return 0, 0, false
		}
		return fraction(1e4 / *micrometres * float64(reduced) / float64(full))
	}
	base, l := m.Levels[0], m.Levels[level]
	xn, xd, okX := perCentimetre(m.PhysicalSizeX, base.Width, l.Width)
	yn, yd, okY := perCentimetre(m.PhysicalSizeY, base.Height, l.Height)
	if !okX || !okY {
		return nil
	}
	const centimetre = 3
	return []tiff.Field{
		tiff.RatioField(tiff.XResolution, xn, xd), tiff.RatioField(tiff.YResolution, yn, yd),
		tiff.NumberField(tiff.ResolutionUnit, tiff.Short, centimetre),
	}
}

// fraction is a positive number as a fraction of 32-bit numbers, as exact as
// its size allows.
func fraction(v float64) (num, den uint32, ok bool) {
	if !(v > 0) || v > math.MaxUint32 {
		return 0, 0, false
	}
	d := 1.0
	for d < 1e6 && v*d*10 <= math.MaxUint32 {
		d *= 10
	}
	n := math.Round(v * d)
	return uint32(n), uint32(d), n >= 1
}

// schemeOf: YCbCr inside a JPEG 2000 codestream that does not say so has a
// number of its own.
func schemeOf(e formats.Encoding) tiff.Scheme {
	if e.Codec == formats.CodecJPEG2000 && e.Photometric == formats.PhotometricYCbCr {
		return tiff.CompressionAperioJP2000YCbCr
	}
	return schemes[e.Codec]
}

// sampleFormat is TIFF 6.0 §19's number.
func sampleFormat(t pixel.Type) uint64 {
	switch t {
	case pixel.Int8, pixel.Int16, pixel.Int32:
		return 2
	case pixel.Float32, pixel.Float64:
		return 3
	default:
		return 1
	}
}

// extraSamples says what the samples are that the photometric does not explain.
func extraSamples(e formats.Encoding) []uint64 {
	const unspecified, unassociatedAlpha = 0, 2
	explained := 1
	switch e.Photometric {
	case formats.PhotometricRGB, formats.PhotometricYCbCr:
		explained = 3
	case formats.PhotometricCMYK:
		explained = 4
	}
	if e.Samples <= explained {
		return nil
	}
	extra := repeat(unspecified, e.Samples-explained)
	if e.Alpha {
		extra[len(extra)-1] = unassociatedAlpha
	}
	return extra
}

// colorMap is TIFF's: 16-bit values, all reds, all greens, all blues.
func colorMap(palette []byte) []uint64 {
	n := len(palette) / 3
	out := make([]uint64, 3*n)
	for i := range n {
		for c := range 3 {
			out[c*n+i] = uint64(palette[3*i+c]) * 257
		}
	}
	return out
}

func repeat(v uint64, n int) []uint64 {
	out := make([]uint64, n)
	for i := range out {
		out[i] = v
	}
	return out
}

// check refuses what no TIFF file can say.
func (m *Image) check() error {
	if len(m.Levels) == 0 || m.Planes < 1 {
		return fault.New(fault.Internal, "cog-empty", "A file of %d levels and %d planes cannot be written.", len(m.Levels), m.Planes)
	}
	big := m.bigEndian()
	for i, l := range m.Levels {
		if l.Encoding < 0 || l.Encoding >= len(m.Encodings) || l.TileWidth%16 != 0 || l.TileHeight%16 != 0 {
			return fault.New(fault.Internal, "cog-level",
				"Level %d has encoding %d of %d and tiles of %d × %d pixels; multiples of 16 are needed.", i, l.Encoding, len(m.Encodings), l.TileWidth, l.TileHeight)
		}
		e := m.Encodings[l.Encoding]
		if _, ok := schemes[e.Codec]; !ok {
			return fault.New(fault.Unsupported, "cog-codec", "Tiles of codec %q have no place in a TIFF file.", e.Codec)
		}
		if ordered(e) && e.BigEndian != big {
			return fault.New(fault.Unsupported, "cog-byte-order", "Level %d has another byte order than the other levels.", i)
		}
	}
	return nil
}

// ordered tells whether the byte order of the file matters for the samples.
func ordered(e formats.Encoding) bool {
	switch e.Codec {
	case formats.CodecNone, formats.CodecDeflate, formats.CodecLZW, formats.CodecPackBits, formats.CodecZstd:
		return e.BitsPerSample > 8 && e.Predictor != 3
	}
	return false
}

// bigEndian is the byte order that the file must have.
func (m *Image) bigEndian() bool {
	for _, l := range m.Levels {
		if e := m.Encodings[l.Encoding]; ordered(e) {
			return e.BigEndian
		}
	}
	return false
}
