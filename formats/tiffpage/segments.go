package tiffpage

import (
	"context"
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/tiff"
)

// segmentPlan is how the segments of a page become pixels: reverse bits, undo
// fax, decode each, interleave, widen halves, apply colours.
type segmentPlan struct {
	parts    int              // segments a tile: the samples of a pixel, or 1
	stored   formats.Encoding // of one segment
	fax      tiff.Scheme      // 0 when the segment is not a fax
	reversed bool             // bits of every byte, FillOrder 2
	half     bool             // samples are 16-bit floating point
	// joined is the encoding of the interleaved samples before colours are
	// applied; its codec is none.
	joined formats.Encoding
	// shown is joined with whatever the samples become.
	shown formats.Encoding
}

func (s segmentPlan) same(o segmentPlan) bool {
	return s.parts == o.parts && s.fax == o.fax && s.reversed == o.reversed && s.half == o.half && sameEncoding(s.stored, o.stored) && sameEncoding(s.joined, o.joined)
}

// segmentPlan says how the page's segments are decoded. Kind Unsupported with
// the reason when they cannot be.
func (p Page) segmentPlan(ctx context.Context) (segmentPlan, error) {
	plan := segmentPlan{parts: 1}
	plain := *p.Layout // the page as it would be without what is special
	if plain.Planar == 2 {
		plan.parts, plain.Planar = plain.SamplesPerPixel, 1
	}
	switch plain.Compression {
	case tiff.CompressionCCITTRLE:
		return plan, refuseFaxRLE()
	case tiff.CompressionCCITTT4, tiff.CompressionCCITTT6:
		if err := p.checkFax(ctx); err != nil {
			return plan, err
		}
		plan.fax, plain.Compression = plain.Compression, tiff.CompressionNone
	}
	if isHalf(&plain) {
		if plain.Predictor == 3 {
			return plan, unsupported("tiff-half-predictor", "16-bit floating point samples with Predictor 3 are not read")
		}
		plan.half = true
		plain.SampleFormat = make([]int, plain.SamplesPerPixel)
		for i := range plain.SampleFormat {
			plain.SampleFormat[i] = 1
		}
	}
	order, _, err := p.IFD.Uint(ctx, tiff.FillOrder)
	if err != nil {
		return plan, err
	}
	plan.reversed = order == 2 && plain.Compression != tiff.CompressionJPEG
	whole := Page{IFD: p.IFD, Layout: &plain, Indexes: p.Indexes, Measured: p.Measured}
	encoding, err := whole.encoding(ctx, leeway{maxTileBytes: codec.MaxBytes, reversed: true})
	if err != nil {
		return plan, err
	}
	plan.split(encoding)
	if err := plan.check(p.Layout); err != nil {
		return plan, err
	}
	return plan, nil
}

// split derives the encodings of the steps.
func (s *segmentPlan) split(encoding formats.Encoding) {
	s.stored = encoding
	s.joined = encoding
	s.joined.Codec, s.joined.Predictor, s.joined.BigEndian, s.joined.JPEGTables = formats.CodecNone, 1, false, nil
	if s.parts > 1 {
		s.stored.Samples, s.stored.Alpha = 1, false
		s.stored.Photometric, s.stored.SubsamplingX, s.stored.SubsamplingY = formats.PhotometricMinIsBlack, 0, 0
		switch bits := encoding.BitsPerSample; {
		case bits < 8:
			s.joined.BitsPerSample = 8 // decoding a plane scales it to whole bytes
		case bits == 24:
			s.joined.BitsPerSample = 32
		}
	}
	s.shown = s.joined
	if s.half {
		s.shown.PixelType, s.shown.BitsPerSample = pixel.Float32, 32
	}
}

// check refuses combinations whose colours cannot be made.
func (s *segmentPlan) check(l *tiff.Layout) error {
	e := s.joined
	switch {
	case s.half && e.Photometric != formats.PhotometricMinIsBlack && e.Photometric != formats.PhotometricRGB,
		s.parts > 1 && (e.Photometric == formats.PhotometricPalette || e.Photometric == formats.PhotometricMinIsWhite),
		s.parts > 1 && e.Photometric == formats.PhotometricYCbCr && (e.SubsamplingX > 1 || e.SubsamplingY > 1),
		s.parts > 1 && e.BitsPerSample > 8 && e.BitsPerSample < 16 && e.Photometric != formats.PhotometricMinIsBlack && e.Photometric != formats.PhotometricRGB:
		return unsupported("tiff-separate-colours", "samples of %d bits with PhotometricInterpretation %s in %d planes are not read", e.BitsPerSample, l.Photometric, s.parts)
	}
	if !codec.CanDecode(s.stored) {
		return unsupported("tiff-codec", "segments of codec %s with %d bits a sample cannot be decoded by this build", s.stored.Codec, s.stored.BitsPerSample)
	}
	return nil
}

func isHalf(l *tiff.Layout) bool {
	for i, b := range l.BitsPerSample {
		if b != 16 || l.SampleFormat[i] != 3 {
			return false
		}
	}
	return true
}

// decode makes the pixels of one tile of its segments: as many samples as are
// shown, alpha laid over black.
func (s *segmentPlan) decode(segments [][]byte, width, height, colours int) (*pixel.Raster, error) {
	parts := make([]*pixel.Raster, len(segments))
	for i, data := range segments {
		if s.reversed && s.fax == 0 {
			data = reverseBits(data)
		}
		if s.fax != 0 {
			var err error
			if data, err = decodeFax(data, s.fax, s.reversed, width, height); err != nil {
				return nil, err
			}
		}
		part, err := codec.Decode(s.stored, data, width, height)
		if err != nil {
			return nil, err
		}
		parts[i] = part
	}
	whole := parts[0]
	if len(parts) > 1 {
		whole = interleave(parts)
		if s.recolours() {
			var err error
			if whole, err = codec.Decode(s.joined, whole.Pix, width, height); err != nil {
				return nil, err
			}
		}
	}
	if s.half {
		whole = widenHalves(whole)
	}
	return shownSamples(whole, s.joined.Alpha, colours)
}

// recolours tells whether interleaved samples are not yet grey or RGB.
func (s *segmentPlan) recolours() bool {
	return s.joined.Photometric == formats.PhotometricCMYK || s.joined.Photometric == formats.PhotometricYCbCr
}

// shownSamples leaves out what is not shown: alpha is laid over black where the
// type allows it.
func shownSamples(r *pixel.Raster, alpha bool, colours int) (*pixel.Raster, error) {
	narrow := r.Type == pixel.Uint8 || r.Type == pixel.Uint16
	switch {
	case r.Samples == colours:
		return r, nil
	case r.Samples == colours+1 && alpha && narrow:
		return pixel.FlattenAlpha(r, nil)
	case r.Samples > colours:
		first := make([]int, colours)
		for i := range first {
			first[i] = i
		}
		return pixel.SelectChannels(r, first)
	}
	return nil, fault.New(fault.Corrupt, "tiff-samples", "a tile decodes to %d samples a pixel, %d are shown", r.Samples, colours)
}

// interleave joins rasters of one sample a pixel, all of one size and type.
func interleave(parts []*pixel.Raster) *pixel.Raster {
	first := parts[0]
	out := pixel.New(first.Width, first.Height, len(parts), first.Type)
	size := first.Type.Bytes()
	step := size * len(parts)
	for i, part := range parts {
		for y := range out.Height {
			from, to := part.Row(y), out.Row(y)
			for x := range out.Width {
				copy(to[x*step+i*size:], from[x*size:(x+1)*size])
			}
		}
	}
	return out
}

func reverseBits(data []byte) []byte {
	out := make([]byte, len(data))
	for i, b := range data {
		out[i] = bits.Reverse8(b)
	}
	return out
}

// widenHalves turns 16-bit floating point samples (IEEE 754 binary16) into
// 32-bit ones, which hold every value exactly.
func widenHalves(r *pixel.Raster) *pixel.Raster {
	out := pixel.New(r.Width, r.Height, r.Samples, pixel.Float32)
	for y := range r.Height {
		from, to := r.Row(y), out.Row(y)
		for i := 0; 2*i < len(from); i++ {
			binary.LittleEndian.PutUint32(to[4*i:], halfBits(binary.LittleEndian.Uint16(from[2*i:])))
		}
	}
	return out
}

// halfBits is the binary32 of a binary16.
func halfBits(h uint16) uint32 {
	sign, exponent, fraction := uint32(h>>15)<<31, uint32(h>>10)&0x1f, uint32(h)&0x3ff
	switch exponent {
	case 0: // zero and subnormals: fraction × 2^-24
		return sign | math.Float32bits(float32(fraction)/(1<<24))
	case 0x1f: // infinity and NaN
		return sign | 0xff<<23 | fraction<<13
	}
	return sign | (exponent+127-15)<<23 | fraction<<13
}
