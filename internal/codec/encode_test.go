package codec

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec/vips"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
)

func TestPNGKeepsEverySampleAndImagePNGAgrees(t *testing.T) {
	for _, typ := range []pixel.Type{pixel.Uint8, pixel.Uint16} {
		for samples := 1; samples <= 4; samples++ {
			r := ramp(33, 17, samples, typ)
			data, err := Encode(r, Output{MediaType: "image/png"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := png.Decode(bytes.NewReader(data)); err != nil {
				t.Errorf("image/png refuses %d × %s: %v", samples, typ, err)
			}
			got, err := DecodeImage(data)
			if err != nil {
				t.Fatal(err)
			}
			if got.Samples == 4 && samples == 3 || got.Samples != samples || got.Type != typ || !bytes.Equal(got.Pix, r.Pix) {
				t.Errorf("%d × %s came back as %d × %s, pixels equal: %v", samples, typ, got.Samples, got.Type, bytes.Equal(got.Pix, r.Pix))
			}
		}
	}
}

func TestRealPNGs(t *testing.T) {
	dir := testfiles.Shared(t, "png")
	names, err := filepath.Glob(filepath.Join(dir, "*.png"))
	if err != nil || len(names) == 0 {
		t.Fatal("no files")
	}
	for _, name := range names {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		want, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			continue
		}
		got, err := DecodeImage(data)
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(name), err)
			continue
		}
		b := want.Bounds()
		if got.Width != b.Dx() || got.Height != b.Dy() {
			t.Errorf("%s: %d × %d", filepath.Base(name), got.Width, got.Height)
			continue
		}
		x, y := b.Dx()/2, b.Dy()/2
		c := color.NRGBA64Model.Convert(want.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA64)
		p := got.Row(y)[x*got.Samples*got.Type.Bytes():]
		red := uint16(p[0]) * 257
		if got.Type == pixel.Uint16 {
			red = binary.LittleEndian.Uint16(p)
		}
		// Through Go's premultiplied colours a step may get lost.
		if c.A != 0 && max(red, c.R)-min(red, c.R) > 65535/max(c.A, 1) {
			t.Errorf("%s: red of the middle pixel is %d, image/png has %d", filepath.Base(name), red, c.R)
		}
	}
}

func TestJPEGOutputFlattensOverBlackAndTakes16Bits(t *testing.T) {
	r := pixel.New(16, 16, 4, pixel.Uint16)
	for i := 0; i < len(r.Pix); i += 8 {
		binary.LittleEndian.PutUint16(r.Pix[i:], 65535) // red, half transparent
		binary.LittleEndian.PutUint16(r.Pix[i+6:], 32896)
	}
	data, err := Encode(r, Output{MediaType: "image/jpeg", Quality: 95})
	if err != nil {
		t.Fatal(err)
	}
	got, err := DecodeImage(data)
	if err != nil {
		t.Fatal(err)
	}
	if p := got.Pix[:3]; p[0] < 124 || p[0] > 132 || p[1] > 6 || p[2] > 6 {
		t.Errorf("half red over black is %v", p)
	}
}

func TestWebPRoundTrip(t *testing.T) {
	if !vips.Available {
		if CanEncode("image/webp") {
			t.Error("CanEncode says yes without libvips")
		}
		_, err := Encode(ramp(8, 8, 3, pixel.Uint8), Output{MediaType: "image/webp"})
		if fault.CodeOf(err) != "codec-needs-libvips" || fault.KindOf(err) != fault.Unsupported {
			t.Errorf("%v, want codec-needs-libvips", err)
		}
		return
	}
	for samples := 1; samples <= 4; samples++ {
		r := pixel.New(40, 24, samples, pixel.Uint8)
		for i := range r.Pix {
			r.Pix[i] = 128
		}
		data, err := Encode(r, Output{MediaType: "image/webp"})
		if err != nil {
			t.Fatalf("%d samples: %v", samples, err)
		}
		got, err := Decode(encodingOf(formats.CodecWebP, r), data, 40, 24)
		if err != nil {
			t.Fatalf("%d samples: %v", samples, err)
		}
		for i, v := range got.Pix[:got.Samples] {
			if v < 126 || v > 130 {
				t.Errorf("%d samples: sample %d is %d, want 128", samples, i, v)
			}
		}
	}
}

func TestEncodeRefuses(t *testing.T) {
	for _, r := range []*pixel.Raster{pixel.New(4, 4, 5, pixel.Uint8), pixel.New(4, 4, 1, pixel.Float32), pixel.New(0, 0, 1, pixel.Uint8)} {
		if _, err := Encode(r, Output{MediaType: "image/png"}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%d × %d × %d %s: %v, want kind invalid", r.Width, r.Height, r.Samples, r.Type, err)
		}
	}
	if _, err := Encode(pixel.New(1, 1, 1, pixel.Uint8), Output{MediaType: "image/gif"}); fault.KindOf(err) != fault.Unsupported {
		t.Errorf("GIF: %v, want kind unsupported", err)
	}
}

func BenchmarkEncodePNG(b *testing.B) {
	r := pixel.New(256, 256, 3, pixel.Uint8)
	for y := range 256 {
		for x := range 256 {
			p := r.Row(y)[3*x:]
			p[0], p[1], p[2] = byte(x^y), byte(x+y/3), byte(x*y>>8)
		}
	}
	b.Run("own", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			data, err := Encode(r, Output{MediaType: "image/png"})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(len(data)), "bytes")
		}
	})
	b.Run("image-png", func(b *testing.B) {
		m := image.NewRGBA(image.Rect(0, 0, 256, 256))
		for i, j := 0, 0; i < len(r.Pix); i, j = i+3, j+4 {
			m.Pix[j], m.Pix[j+1], m.Pix[j+2], m.Pix[j+3] = r.Pix[i], r.Pix[i+1], r.Pix[i+2], 255
		}
		b.ReportAllocs()
		for b.Loop() {
			var out bytes.Buffer
			if err := png.Encode(&out, m); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(out.Len()), "bytes")
		}
	})
}
