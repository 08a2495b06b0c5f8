package codec

import (
	"image/color"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec/bmp"
	"github.com/pims-cloud/pims/internal/codec/jpeg"
	"github.com/pims-cloud/pims/internal/codec/vips"
	"github.com/pims-cloud/pims/pixel"
)

// MaxBytes bounds one decoded raster. A tile is below 1 MiB; whole strips of
// associated images reach some hundred.
const MaxBytes = 1 << 30

// CanDecode tells whether this build decodes tiles of an encoding.
func CanDecode(enc formats.Encoding) bool {
	switch enc.Codec {
	case formats.CodecJPEG:
		return enc.BitsPerSample == 8
	case formats.CodecJPEG2000:
		return vips.Available
	case formats.CodecPNG, formats.CodecBMP, formats.CodecWebP, formats.CodecJPEGLossless:
		return true
	default:
		_, err := planStored(enc, 1, 1)
		return err == nil
	}
}

// Decode decodes one tile of widthPx × heightPx pixels, its stored size, not
// what of it lies within the slide. The raster belongs to the caller.
//
// Colours come as grey or RGB whatever the storage (YCbCr, palette, CMYK,
// inverted grey); alpha and other extra samples stay behind them, not
// premultiplied by us. Samples of less than 8 bits are scaled to 8; of 9 to 15
// bits they keep their values in 16. Kinds: Corrupt, Unsupported, TooLarge.
func Decode(enc formats.Encoding, data []byte, widthPx, heightPx int) (*pixel.Raster, error) {
	return DecodeInto(nil, enc, data, widthPx, heightPx)
}

// DecodeInto is Decode that may take the buffer of dst for the result: the
// caller uses dst no more. dst may be nil.
func DecodeInto(dst *pixel.Raster, enc formats.Encoding, data []byte, widthPx, heightPx int) (*pixel.Raster, error) {
	if err := checkSize(enc, widthPx, heightPx); err != nil {
		return nil, err
	}
	switch enc.Codec {
	case formats.CodecJPEG:
		return decodeJPEG(dst, enc, data, widthPx, heightPx, 1)
	case formats.CodecJPEG2000:
		r, err := vips.DecodeJPEG2000(data, widthPx, heightPx, enc.Reduce, enc.BitsPerSample, enc.Photometric == formats.PhotometricYCbCr)
		return asMeant(enc, r, err)
	case formats.CodecJPEGLossless:
		r, err := jpeg.DecodeLossless(data, widthPx, heightPx)
		return asMeant(enc, r, err)
	case formats.CodecWebP:
		r, err := decodeWebP(data, widthPx, heightPx)
		return agree(enc, r, err)
	case formats.CodecBMP:
		r, err := bmp.Decode(data, widthPx, heightPx)
		return agree(enc, r, err)
	case formats.CodecPNG:
		r, err := decodePNGTile(data, widthPx, heightPx)
		return agree(enc, r, err)
	default:
		return decodeStored(dst, enc, data, widthPx, heightPx)
	}
}

// DecodeScaled is Decode at 1/scale of the size, rounded up; scale is 1, 2, 4
// or 8. For JPEG it is cheaper than decoding in full, for others the same as
// decoding and averaging.
func DecodeScaled(enc formats.Encoding, data []byte, widthPx, heightPx, scale int) (*pixel.Raster, error) {
	if enc.Codec == formats.CodecJPEG {
		if err := checkSize(enc, widthPx, heightPx); err != nil {
			return nil, err
		}
		return decodeJPEG(nil, enc, data, widthPx, heightPx, scale)
	}
	r, err := Decode(enc, data, widthPx, heightPx)
	if err != nil || scale <= 1 {
		return r, err
	}
	return pixel.Shrink(r, scale, scale), nil
}

func checkSize(enc formats.Encoding, width, height int) error {
	if width < 1 || height < 1 || width > 1<<30 || height > 1<<30 {
		return fault.New(fault.Invalid, "codec-tile-size", "A tile of %d × %d pixels cannot be decoded.", width, height)
	}
	samples := int64(max(enc.Samples, 1))
	if enc.Photometric == formats.PhotometricPalette {
		samples += 2
	}
	// Division keeps the product from overflowing.
	if samples > 1<<16 || int64(width)*int64(height) > MaxBytes/samples/int64(max(enc.PixelType.Bytes(), 1)) {
		return fault.New(fault.TooLarge, "codec-tile-too-large",
			"A tile of %d × %d pixels of %d × %s needs more than the allowed %d bytes.",
			width, height, samples, enc.PixelType, MaxBytes)
	}
	return nil
}

// agree brings a raster whose codec has its own idea of samples to what the
// container says, so that all tiles of a level fit together: encoders drop the
// alpha of tiles that are opaque throughout, and add one that is.
func agree(enc formats.Encoding, r *pixel.Raster, err error) (*pixel.Raster, error) {
	if err != nil {
		return nil, err
	}
	typeOK := r.Type == enc.PixelType
	switch {
	case typeOK && (r.Samples == enc.Samples || enc.Samples == 0):
		return r, nil
	case typeOK && r.Samples == enc.Samples-1 && enc.Alpha:
		return withAlpha(r), nil
	case typeOK && r.Samples == enc.Samples+1 && r.Samples%2 == 0:
		channels := []int{0, 1, 2}
		return pixel.SelectChannels(r, channels[:enc.Samples])
	// WebP has no grey.
	case typeOK && r.Samples == 3 && enc.Samples == 1:
		return pixel.SelectChannels(r, []int{0})
	case typeOK && r.Samples == 4 && enc.Samples == 2:
		return pixel.SelectChannels(r, []int{0, 3})
	default:
		return nil, fault.New(fault.Corrupt, "codec-samples-mismatch",
			"The tile has %d × %s a pixel, but its container says %d × %s.", r.Samples, r.Type, enc.Samples, enc.PixelType)
	}
}

// asMeant gives decoded samples the type and the meaning that the container
// says: a codec of its own may store 12 bits of 16, or signs.
func asMeant(enc formats.Encoding, r *pixel.Raster, err error) (*pixel.Raster, error) {
	if err != nil {
		return nil, err
	}
	if r.Type == pixel.Uint8 && enc.PixelType == pixel.Uint16 {
		r = widened(r)
	}
	if enc.Signed && r.Type.Bytes() == enc.PixelType.Bytes() {
		countFromLeast(r)
		r.Type = enc.PixelType // the unsigned one of the same size
	}
	if r, err = agree(enc, r, nil); err != nil {
		return nil, err
	}
	switch {
	case enc.Photometric == formats.PhotometricMinIsWhite && r.Samples == 1:
		invert(r, enc.BitsPerSample)
	case enc.Photometric == formats.PhotometricYCbCr && enc.Codec == formats.CodecJPEGLossless && r.Samples == 3 && r.Type == pixel.Uint8:
		for i := 0; i+3 <= len(r.Pix); i += 3 {
			p := r.Pix[i : i+3]
			p[0], p[1], p[2] = color.YCbCrToRGB(p[0], p[1], p[2])
		}
	}
	return r, nil
}

// widened gives 8-bit samples 16 bits, values as they are.
func widened(r *pixel.Raster) *pixel.Raster {
	out := pixel.New(r.Width, r.Height, r.Samples, pixel.Uint16)
	for y := range r.Height {
		to := out.Row(y)
		for i, v := range r.Row(y)[:r.Width*r.Samples] {
			to[2*i] = v
		}
	}
	return out
}

// withAlpha adds an opaque last sample.
func withAlpha(r *pixel.Raster) *pixel.Raster {
	out := pixel.New(r.Width, r.Height, r.Samples+1, r.Type)
	size := r.Type.Bytes()
	from, to := r.Samples*size, out.Samples*size
	for y := range r.Height {
		source, target := r.Row(y), out.Row(y)
		for i, j := 0, 0; j < len(target); i, j = i+from, j+to {
			copy(target[j:], source[i:i+from])
			for k := from; k < to; k++ {
				target[j+k] = 0xFF
			}
		}
	}
	return out
}

func decodeJPEG(dst *pixel.Raster, enc formats.Encoding, data []byte, width, height, scale int) (*pixel.Raster, error) {
	r, err := jpeg.Decode(dst, data, jpeg.Options{
		Tables: enc.JPEGTables, Photometric: enc.Photometric, Scale: scale,
		Width: width, Height: height, MaxPixels: int64(width) * int64(height),
	})
	if err != nil {
		return nil, err
	}
	want := enc.Samples
	if want == 4 { // ink becomes RGB
		want = 3
	}
	if enc.Samples != 0 && r.Samples != want {
		return nil, fault.New(fault.Corrupt, "codec-samples-mismatch",
			"The JPEG tile has %d samples a pixel, but its container says %d.", r.Samples, enc.Samples)
	}
	if enc.Samples == 4 {
		r = managedInk(enc, data, width, height, max(scale, 1), r)
	}
	if enc.Photometric == formats.PhotometricMinIsWhite && r.Samples == 1 {
		for i, v := range r.Pix {
			r.Pix[i] = 255 - v
		}
	}
	return r, nil
}
