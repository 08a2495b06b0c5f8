package codec

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

// FuzzDecode runs every codec but JPEG, which has targets of its own, with
// every way of storing samples.
func FuzzDecode(f *testing.F) {
	codecs := []formats.Codec{
		formats.CodecNone, formats.CodecDeflate, formats.CodecLZW, formats.CodecPackBits, formats.CodecZstd,
		formats.CodecPNG, formats.CodecWebP, formats.CodecJPEG2000,
	}
	photometrics := []formats.Photometric{
		formats.PhotometricMinIsBlack, formats.PhotometricMinIsWhite, formats.PhotometricRGB,
		formats.PhotometricPalette, formats.PhotometricCMYK, formats.PhotometricYCbCr,
	}
	raw := make([]byte, 12*8*4)
	pngData, err := Encode(ramp(12, 8, 3, pixel.Uint8), Output{MediaType: "image/png"})
	if err != nil {
		f.Fatal(err)
	}
	for p := range photometrics {
		f.Add(raw, uint8(0), uint8(p), uint8(8), uint8(4), uint8(1))
		f.Add(deflated(f, raw), uint8(1), uint8(p), uint8(8), uint8(3), uint8(2))
		f.Add(lzwLiterals(raw), uint8(2), uint8(p), uint8(16), uint8(1), uint8(2))
		f.Add(packed(raw), uint8(3), uint8(p), uint8(1), uint8(1), uint8(1))
	}
	f.Add(pngData, uint8(5), uint8(2), uint8(8), uint8(3), uint8(1))
	f.Add([]byte("(\xb5/\xfd\x04\x00\x09\x00\x00abc"), uint8(4), uint8(0), uint8(8), uint8(1), uint8(1))
	f.Fuzz(func(t *testing.T, data []byte, codec, photometric, bits, samples, predictor uint8) {
		enc := formats.Encoding{
			Codec: codecs[int(codec)%len(codecs)], Photometric: photometrics[int(photometric)%len(photometrics)],
			Samples: int(samples % 6), BitsPerSample: int(bits % 65), Predictor: int(predictor % 4),
			BigEndian: predictor&128 != 0, SubsamplingX: int(samples >> 4 & 3), SubsamplingY: int(samples >> 6 & 3),
		}
		switch {
		case bits%65 > 32:
			enc.PixelType = pixel.Float64
		case bits%65 > 16:
			enc.PixelType = pixel.Float32
		case bits%65 > 8:
			enc.PixelType = pixel.Uint16
		}
		if enc.Photometric == formats.PhotometricPalette {
			enc.Palette = make([]byte, 3<<min(enc.BitsPerSample, 16))
		}
		r, err := Decode(enc, data, 12, 8)
		again, againErr := intoUsed(enc, data, 12, 8)
		if fault.CodeOf(err) != fault.CodeOf(againErr) {
			t.Errorf("%v, and into a used buffer %v", err, againErr)
		}
		if err != nil {
			if k := fault.KindOf(err); k == fault.Internal {
				t.Errorf("unclassified error %v", err)
			}
			return
		}
		if r.Width != 12 || r.Height != 8 || len(r.Pix) < r.Stride*r.Height {
			t.Errorf("a raster of %d × %d in %d bytes", r.Width, r.Height, len(r.Pix))
		}
		if diff := cmp.Diff(r, again); diff != "" {
			t.Errorf("into a used buffer (-own +used):\n%s", diff)
		}
	})
}

func FuzzDecodeImage(f *testing.F) {
	for _, media := range []string{"image/png", "image/jpeg"} {
		data, err := Encode(ramp(12, 8, 3, pixel.Uint8), Output{MediaType: media})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := DecodeImage(data)
		if err != nil && fault.KindOf(err) == fault.Internal {
			t.Errorf("unclassified error %v", err)
		}
		if err == nil && len(r.Pix) < r.Stride*r.Height {
			t.Errorf("a raster of %d × %d in %d bytes", r.Width, r.Height, len(r.Pix))
		}
	})
}
