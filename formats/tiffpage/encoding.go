package tiffpage

import (
	"context"
	"encoding/binary"
	"math"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/tiff"
)

// Page is one directory with its checked layout.
type Page struct {
	IFD    *tiff.IFD
	Layout *tiff.Layout
	// Indexes says that the values are measured although the page has a
	// palette: it only suggests colours. So it is in OME-TIFF and ImageJ.
	Indexes bool
	// Measured says that every sample is a channel of its own: none is left out
	// because there are more than colours. So it is in OME-TIFF.
	Measured bool
}

// ReadPage reads and checks the layout of a directory.
func ReadPage(ctx context.Context, ifd *tiff.IFD) (Page, error) {
	layout, err := ifd.Layout(ctx)
	if err != nil {
		return Page{}, err
	}
	return Page{IFD: ifd, Layout: layout}, nil
}

const (
	// maxSamples is how many samples a pixel may have: multispectral scanners
	// stay below 64.
	maxSamples = 256
	// maxTileBytes is what one decoded tile may weigh. Real tiles are below
	// 16 MiB; a larger one is better converted than decoded for every view.
	maxTileBytes = 256 << 20
)

// Encoding says how the tiles or strips of a page are encoded. Kind
// Unsupported, with the remedy, for what no tile reader of ours can serve.
func (p Page) Encoding(ctx context.Context) (formats.Encoding, error) {
	return p.encoding(ctx, leeway{maxTileBytes: maxTileBytes, cutStrips: true})
}

// leeway is what a reader of tiles can do beyond decoding them.
type leeway struct {
	maxTileBytes uint64 // of one decoded tile or strip
	cutStrips    bool   // parts of uncompressed strips are read, so they may be larger
	reversed     bool   // bits in reversed order are turned round
}

// encoding is Encoding for a reader with some leeway.
func (p Page) encoding(ctx context.Context, can leeway) (formats.Encoding, error) {
	l := p.Layout
	enc := formats.Encoding{
		Samples:   l.SamplesPerPixel,
		Alpha:     l.SamplesPerPixel > 1 && endsInAlpha(l),
		Predictor: l.Predictor,
	}
	var err error
	if enc.Codec, err = p.codec(ctx, can.reversed); err != nil {
		return formats.Encoding{}, err
	}
	if l.Planar == 2 {
		return formats.Encoding{}, unsupported("tiff-planar-separate",
			"the %d samples of a pixel lie in separate planes (PlanarConfiguration 2), so no tile is in one place", l.SamplesPerPixel)
	}
	if enc.PixelType, err = p.pixelType(enc.Codec); err != nil {
		return formats.Encoding{}, err
	}
	enc.BitsPerSample = l.BitsPerSample[0]
	if enc.Photometric, err = p.photometric(); err != nil {
		return formats.Encoding{}, err
	}
	if err := p.checkTileSize(enc, can); err != nil {
		return formats.Encoding{}, err
	}
	if err := p.complete(ctx, &enc); err != nil {
		return formats.Encoding{}, err
	}
	return enc, nil
}

// complete fills in what depends on codec and photometric.
func (p Page) complete(ctx context.Context, enc *formats.Encoding) error {
	enc.BigEndian = enc.BitsPerSample > 8 && p.IFD.File().ByteOrder() == binary.ByteOrder(binary.BigEndian)
	switch enc.Codec {
	case formats.CodecJPEG:
		if enc.Samples != 1 && enc.Samples != 3 && enc.Photometric != formats.PhotometricCMYK {
			return unsupported("tiff-jpeg-samples", "JPEG tiles have %d components that are not ink; 1 and 3 are read", enc.Samples)
		}
		enc.JPEGTables = p.Layout.JPEGTables
		fallthrough
	case formats.CodecJPEG2000, formats.CodecWebP, formats.CodecPNG, formats.CodecJPEGXL, formats.CodecJPEGXR:
		enc.BigEndian, enc.Predictor = false, 1 // meaningless there, so never a difference
	}
	if enc.Predictor < 1 || enc.Predictor > 3 {
		return unsupported("tiff-predictor", "Predictor %d is unknown; expected 1, 2 or 3", enc.Predictor)
	}
	if enc.Photometric == formats.PhotometricYCbCr {
		enc.SubsamplingX, enc.SubsamplingY = p.Layout.SubsamplingX, p.Layout.SubsamplingY
		if enc.SubsamplingX == 0 || enc.SubsamplingY == 0 {
			enc.SubsamplingX, enc.SubsamplingY = 1, 1
		}
	}
	if enc.Photometric == formats.PhotometricPalette {
		palette, err := p.palette(ctx, enc.BitsPerSample)
		if err != nil {
			return err
		}
		enc.Palette = palette
	}
	return nil
}

// codec maps the compression scheme.
func (p Page) codec(ctx context.Context, reversed bool) (formats.Codec, error) {
	if p.Layout.Compression != tiff.CompressionJPEG && !reversed {
		order, ok, err := p.IFD.Uint(ctx, tiff.FillOrder)
		if err != nil {
			return "", err
		}
		if ok && order == 2 {
			return "", unsupported("tiff-fill-order", "the bits of every byte stand in reversed order (FillOrder 2), so tiles cannot be served as they are")
		}
	}
	switch p.Layout.Compression {
	case tiff.CompressionNone:
		return formats.CodecNone, nil
	case tiff.CompressionLZW:
		return formats.CodecLZW, nil
	case tiff.CompressionJPEG:
		return formats.CodecJPEG, nil
	case tiff.CompressionAdobeDeflate, tiff.CompressionDeflate:
		return formats.CodecDeflate, nil
	case tiff.CompressionPackBits:
		return formats.CodecPackBits, nil
	case tiff.CompressionAperioJP2000YCbCr, tiff.CompressionAperioJP2000RGB, tiff.CompressionJPEG2000, tiff.CompressionJPEG2000Lossy:
		return formats.CodecJPEG2000, nil
	case tiff.CompressionZstd:
		return formats.CodecZstd, nil
	case tiff.CompressionWebP:
		return formats.CodecWebP, nil
	case tiff.CompressionPNG:
		return formats.CodecPNG, nil
	case tiff.CompressionJPEGXL:
		return formats.CodecJPEGXL, nil
	case tiff.CompressionJPEGXR:
		return formats.CodecJPEGXR, nil
	}
	switch p.Layout.Compression {
	case tiff.CompressionOldJPEG:
		return "", unsupported("tiff-old-jpeg", "tiles are compressed with the JPEG of TIFF 6.0 (OJPEG, 6), which was withdrawn in 1995 and is not read; rewrite the file with tiffcp -c jpeg or save it anew")
	case tiff.CompressionCCITTRLE, tiff.CompressionCCITTT4, tiff.CompressionCCITTT6:
		return "", unsupported("tiff-fax", "strips are faxes compressed with %s, which cannot be served as they are", p.Layout.Compression)
	}
	return "", unsupported("tiff-compression", "tiles are compressed with %s (%d), which this server does not read", p.Layout.Compression, uint16(p.Layout.Compression))
}

// pixelType needs all samples alike and of a size that the codec can unpack.
func (p Page) pixelType(codec formats.Codec) (pixel.Type, error) {
	l := p.Layout
	if l.SamplesPerPixel > maxSamples {
		return 0, unsupported("tiff-samples", "a pixel has %d samples; this server reads up to %d", l.SamplesPerPixel, maxSamples)
	}
	bits, format := l.BitsPerSample[0], l.SampleFormat[0]
	for i := range l.BitsPerSample {
		if l.BitsPerSample[i] != bits || l.SampleFormat[i] != format {
			return 0, unsupported("tiff-mixed-samples", "the samples of a pixel have different types (bits %v, formats %v), which is not read", l.BitsPerSample, l.SampleFormat)
		}
	}
	t, ok := pixelType(bits, format)
	packed := bits%8 != 0
	if !ok || packed && !unpacksBits(codec) || codec == formats.CodecJPEG && bits != 8 {
		return 0, unsupported("tiff-sample-type", "samples have %d bits of format %d (1 unsigned, 2 signed, 3 floating point), compressed with %s, which is not read", bits, format, l.Compression)
	}
	return t, nil
}

// pixelType is the raster type for a number of bits and a SampleFormat (TIFF
// 6.0 §19). Samples of other than whole bytes are widened by the codec.
func pixelType(bits, format int) (pixel.Type, bool) {
	const unsigned, signed, float, void = 1, 2, 3, 4
	switch {
	case (format == unsigned || format == void) && bits >= 1 && bits <= 8:
		return pixel.Uint8, true
	case (format == unsigned || format == void) && bits > 8 && bits <= 16:
		return pixel.Uint16, true
	case (format == unsigned || format == void) && (bits == 24 || bits == 32):
		return pixel.Uint32, true
	case format == signed && bits == 8:
		return pixel.Int8, true
	case format == signed && bits == 16:
		return pixel.Int16, true
	case format == signed && bits == 32:
		return pixel.Int32, true
	case format == float && bits == 32:
		return pixel.Float32, true
	case format == float && bits == 64:
		return pixel.Float64, true
	}
	return 0, false
}

// unpacksBits reports whether samples lie in the data as TIFF packs them.
func unpacksBits(codec formats.Codec) bool {
	switch codec {
	case formats.CodecNone, formats.CodecLZW, formats.CodecDeflate, formats.CodecPackBits, formats.CodecZstd:
		return true
	}
	return false
}

// photometric maps the tag; Aperio's own JPEG 2000 schemes decide by
// themselves (synthetic-slides §1: files with either tag value exist).
func (p Page) photometric() (formats.Photometric, error) {
	samples, need := p.Layout.SamplesPerPixel, 1
	meaning := p.Layout.Photometric
	switch p.Layout.Compression {
	case tiff.CompressionAperioJP2000YCbCr:
		meaning = tiff.PhotometricYCbCr
	case tiff.CompressionAperioJP2000RGB:
		meaning = tiff.PhotometricRGB
	}
	if p.Indexes && meaning == tiff.PhotometricPalette {
		meaning = tiff.PhotometricMinIsBlack
	}
	var out formats.Photometric
	switch meaning {
	case tiff.PhotometricMinIsBlack, tiff.PhotometricMask:
		out = formats.PhotometricMinIsBlack
	case tiff.PhotometricMinIsWhite:
		out = formats.PhotometricMinIsWhite
	case tiff.PhotometricRGB:
		out, need = formats.PhotometricRGB, 3
	case tiff.PhotometricPalette:
		out = formats.PhotometricPalette
	case tiff.PhotometricSeparated:
		out, need = formats.PhotometricCMYK, 4
	case tiff.PhotometricYCbCr:
		out, need = formats.PhotometricYCbCr, 3
	default:
		return "", unsupported("tiff-photometric", "PhotometricInterpretation is %s (%d), which is not read", meaning, uint16(meaning))
	}
	if samples < need {
		return "", fault.New(fault.Corrupt, "tiff-samples",
			"PhotometricInterpretation %s needs %d samples a pixel, but the directory at byte %d has %d", meaning, need, p.IFD.Offset, samples)
	}
	return out, nil
}

// checkTileSize bounds what decoding one tile would allocate.
func (p Page) checkTileSize(enc formats.Encoding, can leeway) error {
	l := p.Layout
	if can.cutStrips && !l.Tiled && enc.Codec == formats.CodecNone && l.SubsamplingX <= 1 && l.SubsamplingY <= 1 {
		return nil
	}
	pixels := uint64(l.TileWidth) * uint64(l.TileHeight) // each below 2^31
	if bytesPerPixel := uint64(enc.Samples * enc.PixelType.Bytes()); pixels > can.maxTileBytes/bytesPerPixel {
		return unsupported("tiff-tile-too-large",
			"one tile or strip of %d × %d pixels weighs more than %d MiB", l.TileWidth, l.TileHeight, can.maxTileBytes>>20)
	}
	return nil
}

// palette converts the 16-bit ColorMap (all reds, all greens, all blues) to 8
// bits, entry by entry. Some writers store 8-bit values there.
func (p Page) palette(ctx context.Context, bits int) ([]byte, error) {
	if bits > 8 {
		return nil, unsupported("tiff-palette", "the palette has %d bits; up to 8 are read", bits)
	}
	values, err := p.IFD.Uints(ctx, tiff.ColorMap)
	if err != nil {
		return nil, err
	}
	entries := 1 << bits
	if len(values) != 3*entries {
		return nil, fault.New(fault.Corrupt, "tiff-palette", "ColorMap of the directory at byte %d has %d values, expected %d", p.IFD.Offset, len(values), 3*entries)
	}
	shift := 0
	for _, v := range values {
		if v > math.MaxUint8 {
			shift = 8
		}
	}
	palette := make([]byte, 3*entries)
	for i := range entries {
		for c := range 3 {
			palette[3*i+c] = byte(values[c*entries+i] >> shift)
		}
	}
	return palette, nil
}

// Extra sample meanings (TIFF 6.0 §18).
const (
	associatedAlpha   = 1
	unassociatedAlpha = 2
)

func endsInAlpha(l *tiff.Layout) bool {
	if len(l.ExtraSamples) == 0 || len(l.ExtraSamples) >= l.SamplesPerPixel {
		return false
	}
	last := l.ExtraSamples[len(l.ExtraSamples)-1]
	return last == associatedAlpha || last == unassociatedAlpha
}

// Colours is the number of samples of a pixel as PIMS counts them (pims-api
// §5.4, TIFF): alpha is not counted; more than three samples that are not
// declared as extra are shown as three, two as one. A palette is shown as the
// colours it holds.
func (p Page) Colours() int {
	l := p.Layout
	switch {
	case l.Photometric == tiff.PhotometricPalette && !p.Indexes:
		return 3
	case l.Photometric == tiff.PhotometricSeparated && l.SamplesPerPixel >= 4:
		return 3 // decoded from ink; what follows is no colour
	case l.SamplesPerPixel > 1 && endsInAlpha(l):
		return l.SamplesPerPixel - 1
	case l.SamplesPerPixel == 1, l.SamplesPerPixel == 3, len(l.ExtraSamples) > 0, p.Measured:
		return l.SamplesPerPixel
	case l.SamplesPerPixel > 3:
		return 3
	default:
		return 1
	}
}

func unsupported(code, format string, args ...any) *fault.Error {
	return fault.New(fault.Unsupported, code, format, args...)
}
