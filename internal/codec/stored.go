package codec

import (
	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

// stored is how the samples of a tile lie in memory once decompressed: TIFF
// 6.0 §7 and its supplements.
type stored struct {
	enc           formats.Encoding
	width, height int
	rowBytes      int64
	bytes         int64 // of the whole tile
	subX, subY    int   // of uncompressed YCbCr, 1 when every pixel has its colour
	predictor     int
}

// planStored checks that an encoding is one of those that are understood, and
// calculates its exact size. Nothing is allocated.
func planStored(enc formats.Encoding, width, height int) (stored, error) {
	s := stored{enc: enc, width: width, height: height, subX: 1, subY: 1, predictor: max(enc.Predictor, 1)}
	if _, ok := expansion(enc.Codec); !ok {
		return s, fault.New(fault.Unsupported, "codec-unsupported", "Tiles of codec %q cannot be decoded by this build.", enc.Codec)
	}
	if enc.Samples < 1 {
		return s, fault.New(fault.Invalid, "codec-samples", "An encoding of %d samples a pixel cannot be decoded.", enc.Samples)
	}
	bits := enc.BitsPerSample
	switch {
	case bits >= 1 && bits < 8 && enc.PixelType == pixel.Uint8:
	case bits > 8 && bits < 16 && enc.PixelType == pixel.Uint16:
	case bits == 24 && enc.PixelType == pixel.Uint32:
	case bits == 8*enc.PixelType.Bytes():
	default:
		return s, fault.New(fault.Unsupported, "codec-bits", "Samples of %d bits as %s cannot be decoded.", bits, enc.PixelType)
	}
	if err := s.checkPredictor(); err != nil {
		return s, err
	}
	if err := s.checkColours(); err != nil {
		return s, err
	}
	s.rowBytes = (int64(width)*int64(enc.Samples)*int64(bits) + 7) / 8
	s.bytes = s.rowBytes * int64(height)
	if s.subX > 1 || s.subY > 1 {
		across, down := (width+s.subX-1)/s.subX, (height+s.subY-1)/s.subY
		s.rowBytes = int64(across) * int64(s.subX*s.subY+2)
		s.bytes = s.rowBytes * int64(down)
	}
	return s, nil
}

func (s *stored) checkPredictor() error {
	bits := s.enc.BitsPerSample
	float := s.enc.PixelType == pixel.Float32 || s.enc.PixelType == pixel.Float64
	switch {
	case s.predictor == 1:
	case s.predictor == 2 && bits%8 == 0 && bits != 24:
	case s.predictor == 3 && float:
	default:
		return fault.New(fault.Unsupported, "codec-predictor",
			"Predictor %d on samples of %d bits as %s cannot be undone.", s.predictor, bits, s.enc.PixelType)
	}
	// The predictor belongs to the compressors that it helps (TIFF 6.0 §14).
	if s.enc.Codec == formats.CodecNone || s.enc.Codec == formats.CodecPackBits {
		s.predictor = 1
	}
	return nil
}

func (s *stored) checkColours() error {
	e := &s.enc
	refuse := func(why string) error {
		return fault.New(fault.Unsupported, "codec-photometric",
			"Photometric %s with %d samples of %d bits as %s cannot be decoded: %s.",
			e.Photometric, e.Samples, e.BitsPerSample, e.PixelType, why)
	}
	switch e.Photometric {
	case formats.PhotometricPalette:
		if e.PixelType != pixel.Uint8 && e.PixelType != pixel.Uint16 || e.BitsPerSample > 16 {
			return refuse("a palette needs unsigned indexes of at most 16 bits")
		}
		if len(e.Palette) != 3<<e.BitsPerSample {
			return refuse("the palette does not have 3 × 2^bits values")
		}
	case formats.PhotometricCMYK:
		if e.Samples < 4 || e.PixelType != pixel.Uint8 && e.PixelType != pixel.Uint16 {
			return refuse("ink needs 4 samples of uint8 or uint16")
		}
	case formats.PhotometricYCbCr:
		if e.Samples != 3 || e.BitsPerSample != 8 || e.PixelType != pixel.Uint8 {
			return refuse("3 samples of 8 bits are needed")
		}
		s.subX, s.subY = max(e.SubsamplingX, 1), max(e.SubsamplingY, 1)
		if s.subX > 4 || s.subY > 4 || s.subX == 3 || s.subY == 3 {
			return refuse("the subsampling is not 1, 2 or 4")
		}
		if (s.subX > 1 || s.subY > 1) && s.predictor != 1 {
			return refuse("subsampled colours have no predictor")
		}
	}
	return nil
}

func decodeStored(dst *pixel.Raster, enc formats.Encoding, data []byte, width, height int) (*pixel.Raster, error) {
	s, err := planStored(enc, width, height)
	if err != nil {
		return nil, err
	}
	var buffer []byte
	if dst != nil {
		buffer = dst.Pix
	}
	raw, err := decompress(enc.Codec, data, s.bytes, buffer)
	if err != nil {
		return nil, err
	}
	if s.predictor == 3 {
		s.undoFloat(raw) // gives little-endian whatever the file's order
	} else {
		if enc.BigEndian {
			swapBytes(raw, enc.BitsPerSample)
		}
		if s.predictor == 2 {
			s.undoDifferences(raw)
		}
	}
	if s.subX > 1 || s.subY > 1 {
		return s.unpackYCbCr(raw), nil
	}
	r := s.raster(raw)
	if enc.Signed {
		countFromLeast(r)
	}
	return s.colours(r), nil
}

// raster gives the samples a type of whole bytes: raw itself where it already
// has one.
func (s *stored) raster(raw []byte) *pixel.Raster {
	e := s.enc
	if e.BitsPerSample == 24 {
		out := pixel.New(s.width, s.height, e.Samples, e.PixelType)
		// Packed bits: most significant first, whatever the order of bytes.
		for i, j := 0, 0; i+3 <= len(raw); i, j = i+3, j+4 {
			out.Pix[j], out.Pix[j+1], out.Pix[j+2] = raw[i+2], raw[i+1], raw[i]
		}
		return out
	}
	if e.BitsPerSample%8 == 0 {
		return &pixel.Raster{
			Width: s.width, Height: s.height, Samples: e.Samples, Type: e.PixelType,
			Stride: int(s.rowBytes), Pix: raw,
		}
	}
	out := pixel.New(s.width, s.height, e.Samples, e.PixelType)
	// Indexes keep their values; intensities fill the byte: 1 bit → 0 and 255.
	scale := 1
	if e.BitsPerSample < 8 && e.Photometric != formats.PhotometricPalette {
		scale = 255
	}
	top := 1<<e.BitsPerSample - 1
	for y := range s.height {
		unpackBits(out.Row(y), raw[int64(y)*s.rowBytes:int64(y+1)*s.rowBytes], e.BitsPerSample, scale, top)
	}
	return out
}

// unpackBits reads samples packed most significant bit first. With 8 bits or
// less it writes v·scale/top (rounded) for scale 255 and v for scale 1; above,
// 16-bit values as they are.
func unpackBits(to, from []byte, bits, scale, top int) {
	var window uint32
	have := 0
	next := 0
	size := 1
	if bits > 8 {
		size = 2
	}
	for i := 0; i < len(to); i += size {
		for have < bits {
			window = window<<8 | uint32(from[next])
			next++
			have += 8
		}
		have -= bits
		v := int(window>>have) & top
		if size == 2 {
			to[i], to[i+1] = byte(v), byte(v>>8)
			continue
		}
		if scale != 1 {
			v = (v*scale + top/2) / top
		}
		to[i] = byte(v)
	}
}

// swapBytes turns big-endian samples of 16, 32 or 64 bits round.
func swapBytes(raw []byte, bits int) {
	switch bits {
	case 16:
		for i := 0; i+2 <= len(raw); i += 2 {
			raw[i], raw[i+1] = raw[i+1], raw[i]
		}
	case 32:
		for i := 0; i+4 <= len(raw); i += 4 {
			raw[i], raw[i+1], raw[i+2], raw[i+3] = raw[i+3], raw[i+2], raw[i+1], raw[i]
		}
	case 64:
		for i := 0; i+8 <= len(raw); i += 8 {
			b := raw[i : i+8]
			b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7] = b[7], b[6], b[5], b[4], b[3], b[2], b[1], b[0]
		}
	}
}

// countFromLeast turns two's complement into distances from the least value: it
// flips the top bit of every little-endian sample.
func countFromLeast(r *pixel.Raster) {
	size := r.Type.Bytes()
	for i := size - 1; i < len(r.Pix); i += size {
		r.Pix[i] ^= 0x80
	}
}
