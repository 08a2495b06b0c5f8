package codec

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec/codectest"
	"github.com/pims-cloud/pims/internal/codec/vips"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
)

func ramp(width, height, samples int, t pixel.Type) *pixel.Raster {
	r := pixel.New(width, height, samples, t)
	for y := range height {
		row := r.Row(y)
		for i := range row {
			row[i] = byte(i*3 + y*7)
		}
	}
	return r
}

func encodingOf(c formats.Codec, r *pixel.Raster) formats.Encoding {
	p := formats.PhotometricMinIsBlack
	if r.Samples >= 3 {
		p = formats.PhotometricRGB
	}
	return formats.Encoding{Codec: c, Photometric: p, Samples: r.Samples, PixelType: r.Type, BitsPerSample: 8 * r.Type.Bytes()}
}

func deflated(t testing.TB, raw []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	if _, err := w.Write(raw); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// packed stores raw as PackBits literals.
func packed(raw []byte) []byte {
	var out []byte
	for len(raw) > 0 {
		n := min(len(raw), 128)
		out = append(append(out, byte(n-1)), raw[:n]...)
		raw = raw[n:]
	}
	return out
}

// lzwLiterals stores raw as TIFF LZW of 9-bit literals, clearing the table
// before codes would grow.
func lzwLiterals(raw []byte) []byte {
	var out []byte
	window, have := uint32(0), 0
	put := func(code uint32) {
		window = window<<9 | code
		for have += 9; have >= 8; have -= 8 {
			out = append(out, byte(window>>(have-8)))
		}
	}
	for i, v := range raw {
		if i%200 == 0 {
			put(256)
		}
		put(uint32(v))
	}
	put(257)
	return append(out, byte(window<<(8-have)))
}

func TestConformance(t *testing.T) {
	z, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	rgb, deep := ramp(48, 32, 3, pixel.Uint8), ramp(48, 32, 2, pixel.Uint16)
	jpg, err := Encode(rgb, Output{MediaType: "image/jpeg"})
	if err != nil {
		t.Fatal(err)
	}
	pngData, err := Encode(rgb, Output{MediaType: "image/png"})
	if err != nil {
		t.Fatal(err)
	}
	ycbcr := encodingOf(formats.CodecJPEG, rgb)
	ycbcr.Photometric = formats.PhotometricYCbCr
	for name, s := range map[string]codectest.Sample{
		"none":     {Encoding: encodingOf(formats.CodecNone, rgb), Data: rgb.Pix, Width: 48, Height: 32, Want: rgb},
		"none 16":  {Encoding: encodingOf(formats.CodecNone, deep), Data: deep.Pix, Width: 48, Height: 32, Want: deep},
		"deflate":  {Encoding: encodingOf(formats.CodecDeflate, rgb), Data: deflated(t, rgb.Pix), Width: 48, Height: 32, Want: rgb},
		"lzw":      {Encoding: encodingOf(formats.CodecLZW, rgb), Data: lzwLiterals(rgb.Pix), Width: 48, Height: 32, Want: rgb},
		"packbits": {Encoding: encodingOf(formats.CodecPackBits, rgb), Data: packed(rgb.Pix), Width: 48, Height: 32, Want: rgb},
		"zstd":     {Encoding: encodingOf(formats.CodecZstd, rgb), Data: z.EncodeAll(rgb.Pix, nil), Width: 48, Height: 32, Want: rgb},
		"jpeg":     {Encoding: ycbcr, Data: jpg, Width: 48, Height: 32},
		"png":      {Encoding: encodingOf(formats.CodecPNG, rgb), Data: pngData, Width: 48, Height: 32, Want: rgb},
	} {
		t.Run(name, func(t *testing.T) { codectest.Run(t, s, Decode) })
	}
	if !vips.Available {
		return
	}
	webp, err := Encode(rgb, Output{MediaType: "image/webp"})
	if err != nil {
		t.Fatal(err)
	}
	t.Run("webp", func(t *testing.T) {
		codectest.Run(t, codectest.Sample{Encoding: encodingOf(formats.CodecWebP, rgb), Data: webp, Width: 48, Height: 32}, Decode)
	})
}

func TestConformanceJPEG2000(t *testing.T) {
	if !vips.Available {
		t.Skip("this build has no libvips")
	}
	for _, name := range []string{"aperio-j2k-33003-ycbcr.svs", "aperio-j2k-33005-rgb.svs"} {
		pages, ok := codectest.Pages(t, testfiles.Shared(t, "synthetic/"+name))
		if !ok || len(pages) == 0 {
			t.Fatalf("package tiff cannot read %s", name)
		}
		data, w, h := pages[0].Tile(t, 0)
		t.Run(name, func(t *testing.T) {
			codectest.Run(t, codectest.Sample{Encoding: pages[0].Encoding, Data: data, Width: w, Height: h}, Decode)
		})
	}
}

// All slides of testdata/synthetic show one picture: whatever codec and
// colours a slide uses, it must look like that picture.
func TestSyntheticSlidesShowTheirPicture(t *testing.T) {
	data, err := os.ReadFile(testfiles.Shared(t, "synthetic/source-A.png"))
	if err != nil {
		t.Fatal(err)
	}
	want, err := DecodeImage(data)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"aperio-jpeg.svs", "aperio-j2k-33003-ycbcr.svs", "aperio-j2k-33005-rgb.svs",
		"generic-tiled-pyramid.tif",
	} {
		t.Run(name, func(t *testing.T) {
			if strings.Contains(name, "j2k") && !vips.Available {
				t.Skip("this build has no libvips")
			}
			pages, ok := codectest.Pages(t, testfiles.Shared(t, "synthetic/"+name))
			if !ok || len(pages) == 0 {
				t.Fatal("package tiff cannot read it")
			}
			got, err := pages[0].Decode(t, Decode)
			if err != nil {
				t.Fatal(err)
			}
			w, h := min(want.Width, got.Width), min(want.Height, got.Height)
			mean := meanDifference(t, pixel.Crop(want, 0, 0, w, h), pixel.Crop(got, 0, 0, w, h))
			t.Logf("%d × %d, mean difference %.2f", w, h, mean)
			if mean > 6 {
				t.Errorf("mean difference from source-A.png: %.2f", mean)
			}
		})
	}
}

func meanDifference(t testing.TB, a, b *pixel.Raster) float64 {
	t.Helper()
	if a.Samples != b.Samples || a.Width != b.Width || a.Height != b.Height || a.Type != b.Type {
		t.Fatalf("shapes differ: %d×%d×%d %s and %d×%d×%d %s", a.Width, a.Height, a.Samples, a.Type, b.Width, b.Height, b.Samples, b.Type)
	}
	total := 0.0
	for i := range a.Pix {
		total += math.Abs(float64(a.Pix[i]) - float64(b.Pix[i]))
	}
	return total / float64(len(a.Pix))
}

func TestStoredForms(t *testing.T) {
	le := binary.LittleEndian
	for name, c := range map[string]struct {
		enc    formats.Encoding
		data   []byte
		w, h   int
		want   []byte
		sample int
		typ    pixel.Type
	}{
		"1 bit fills the byte; rows start anew": {
			enc:  formats.Encoding{Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 1},
			data: []byte{0b10110000, 0b01000000}, w: 4, h: 2, want: []byte{255, 0, 255, 255, 0, 255, 0, 0}, sample: 1,
		},
		"1 bit, white is 0": {
			enc:  formats.Encoding{Photometric: formats.PhotometricMinIsWhite, Samples: 1, BitsPerSample: 1},
			data: []byte{0b10000000}, w: 2, h: 1, want: []byte{0, 255}, sample: 1,
		},
		"2 bits are 0 85 170 255": {
			enc:  formats.Encoding{Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 2},
			data: []byte{0b00011011}, w: 4, h: 1, want: []byte{0, 85, 170, 255}, sample: 1,
		},
		"4 bits": {
			enc:  formats.Encoding{Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 4},
			data: []byte{0x0F, 0x70}, w: 3, h: 1, want: []byte{0, 255, 119}, sample: 1,
		},
		"12 bits keep their values": {
			enc:  formats.Encoding{Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 12, PixelType: pixel.Uint16},
			data: []byte{0xAB, 0xC1, 0x23}, w: 2, h: 1, want: le.AppendUint16(le.AppendUint16(nil, 0xABC), 0x123), sample: 1, typ: pixel.Uint16,
		},
		"12 bits, white is 0": {
			enc:  formats.Encoding{Photometric: formats.PhotometricMinIsWhite, Samples: 1, BitsPerSample: 12, PixelType: pixel.Uint16},
			data: []byte{0xFF, 0xF0}, w: 1, h: 1, want: []byte{0, 0}, sample: 1, typ: pixel.Uint16,
		},
		"16 bits big-endian": {
			enc:  formats.Encoding{Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 16, PixelType: pixel.Uint16, BigEndian: true},
			data: []byte{0x12, 0x34}, w: 1, h: 1, want: []byte{0x34, 0x12}, sample: 1, typ: pixel.Uint16,
		},
		"palette of 2 bits": {
			enc:  formats.Encoding{Photometric: formats.PhotometricPalette, Samples: 1, BitsPerSample: 2, Palette: []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
			data: []byte{0b11000000}, w: 2, h: 1, want: []byte{10, 11, 12, 1, 2, 3}, sample: 3,
		},
		"ink, with alpha behind": {
			// (255−51)·(255−0)/255 = 204; full black gives 0.
			enc:  formats.Encoding{Photometric: formats.PhotometricCMYK, Samples: 5, BitsPerSample: 8, Alpha: true},
			data: []byte{51, 0, 255, 0, 9, 0, 0, 0, 255, 8}, w: 2, h: 1, want: []byte{204, 255, 0, 9, 0, 0, 0, 8}, sample: 4,
		},
		"YCbCr 2×2: one colour for four pixels": {
			enc:  formats.Encoding{Photometric: formats.PhotometricYCbCr, Samples: 3, BitsPerSample: 8, SubsamplingX: 2, SubsamplingY: 2},
			data: []byte{10, 20, 30, 40, 128, 128, 50, 0, 60, 0, 128, 128}, w: 3, h: 2,
			want: []byte{10, 10, 10, 20, 20, 20, 50, 50, 50, 30, 30, 30, 40, 40, 40, 60, 60, 60}, sample: 3,
		},
		"min-is-white keeps alpha": {
			enc:  formats.Encoding{Photometric: formats.PhotometricMinIsWhite, Samples: 2, BitsPerSample: 8, Alpha: true},
			data: []byte{0, 7, 255, 8}, w: 2, h: 1, want: []byte{255, 7, 0, 8}, sample: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.enc.Codec = formats.CodecNone
			got, err := Decode(c.enc, c.data, c.w, c.h)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got.Pix); diff != "" || got.Samples != c.sample || got.Type != c.typ {
				t.Errorf("%d × %s (-want +got):\n%s", got.Samples, got.Type, diff)
			}
		})
	}
}

func TestPredictors(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	check := func(name string, enc formats.Encoding, raw []byte, w int, want []byte) {
		t.Helper()
		enc.Codec, enc.Photometric = formats.CodecDeflate, formats.PhotometricMinIsBlack
		got, err := Decode(enc, deflated(t, raw), w, 1)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got.Pix); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	check("8 bits, 2 samples", formats.Encoding{Samples: 2, BitsPerSample: 8, Predictor: 2},
		[]byte{1, 100, 2, 200, 255, 1}, 3, []byte{1, 100, 3, 44, 2, 45})
	check("16 bits big-endian", formats.Encoding{Samples: 1, BitsPerSample: 16, PixelType: pixel.Uint16, Predictor: 2, BigEndian: true},
		be.AppendUint16(be.AppendUint16(nil, 1000), 500), 2, le.AppendUint16(le.AppendUint16(nil, 1000), 1500))
	check("32 bits", formats.Encoding{Samples: 1, BitsPerSample: 32, PixelType: pixel.Uint32, Predictor: 2},
		le.AppendUint32(le.AppendUint32(nil, 1<<31), 1<<31+5), 2, le.AppendUint32(le.AppendUint32(nil, 1<<31), 5))
	// 1.5 = 3FC00000, −2 = C0000000: bytes by significance 3F C0 | C0 00 | 00 00 | 00 00,
	// then differences.
	check("float", formats.Encoding{Samples: 1, BitsPerSample: 32, PixelType: pixel.Float32, Predictor: 3, BigEndian: true},
		[]byte{0x3F, 0xC0 - 0x3F, 0, 0x40, 0, 0, 0, 0}, 2,
		le.AppendUint32(le.AppendUint32(nil, math.Float32bits(1.5)), math.Float32bits(-2)))
}

func TestBombsAreRefusedBeforeAllocation(t *testing.T) {
	enc := formats.Encoding{Photometric: formats.PhotometricRGB, Samples: 3, BitsPerSample: 8}
	for codec, data := range map[formats.Codec][]byte{
		formats.CodecDeflate: deflated(t, make([]byte, 1<<10)), formats.CodecLZW: {0x80, 0, 0}, formats.CodecPackBits: {0x81, 0},
		formats.CodecNone: {1, 2, 3}, formats.CodecZstd: []byte("(\xb5/\xfd"), formats.CodecJPEG: {0xFF, 0xD8}, formats.CodecPNG: []byte(pngSignature),
	} {
		enc.Codec = codec
		for _, size := range [][2]int{{16000, 16000}, {1 << 20, 1 << 20}} {
			before := testing.AllocsPerRun(1, func() {
				_, err := Decode(enc, data, size[0], size[1])
				if k := fault.KindOf(err); k != fault.Corrupt && k != fault.TooLarge {
					t.Errorf("%s of %d bytes as %v: %v", codec, len(data), size, err)
				}
			})
			if before > 60 {
				t.Errorf("%s: %v allocations", codec, before)
			}
		}
	}
}

func TestUnknownEncodingsAreUnsupported(t *testing.T) {
	base := formats.Encoding{Codec: formats.CodecNone, Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 8}
	for name, change := range map[string]func(*formats.Encoding){
		"JPEG XL":         func(e *formats.Encoding) { e.Codec = formats.CodecJPEGXL },
		"24 bits":         func(e *formats.Encoding) { e.BitsPerSample, e.PixelType = 24, pixel.Float32 },
		"half floats":     func(e *formats.Encoding) { e.BitsPerSample, e.PixelType = 16, pixel.Float32 },
		"predictor 9":     func(e *formats.Encoding) { e.Predictor = 9 },
		"float of ints":   func(e *formats.Encoding) { e.Predictor = 3 },
		"short palette":   func(e *formats.Encoding) { e.Photometric, e.Palette = formats.PhotometricPalette, make([]byte, 3) },
		"ink × 3":         func(e *formats.Encoding) { e.Photometric, e.Samples = formats.PhotometricCMYK, 3 },
		"subsampled by 3": func(e *formats.Encoding) { e.Photometric, e.Samples, e.SubsamplingX = formats.PhotometricYCbCr, 3, 3 },
	} {
		e := base
		change(&e)
		if CanDecode(e) {
			t.Errorf("%s: CanDecode says yes", name)
		}
		if _, err := Decode(e, make([]byte, 64), 2, 2); fault.KindOf(err) != fault.Unsupported {
			t.Errorf("%s: %v, want kind unsupported", name, err)
		}
	}
	if !CanDecode(base) {
		t.Error("plain grey: CanDecode says no")
	}
}

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

func TestHostileFilesAreRefused(t *testing.T) {
	for _, folder := range []string{"png", "webp", "jp2", "jpeg", "other"} {
		dir := testfiles.Shared(t, "hostile/"+folder)
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			data, err := os.ReadFile(filepath.Join(dir, e.Name()))
			if err != nil {
				continue
			}
			if _, err := DecodeImage(data); err != nil && fault.KindOf(err) == fault.Internal {
				t.Errorf("%s: unclassified error %v", e.Name(), err)
			}
			for _, c := range []formats.Codec{formats.CodecWebP, formats.CodecJPEG2000, formats.CodecPNG, formats.CodecDeflate} {
				enc := formats.Encoding{Codec: c, Photometric: formats.PhotometricRGB, Samples: 3, BitsPerSample: 8}
				if _, err := Decode(enc, data, 64, 64); err != nil && fault.KindOf(err) == fault.Internal {
					t.Errorf("%s as %s: unclassified error %v", e.Name(), c, err)
				}
			}
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

func TestOpaqueTilesFitAmongTransparentOnes(t *testing.T) {
	rgb := ramp(8, 8, 3, pixel.Uint8)
	data, err := Encode(rgb, Output{MediaType: "image/png"})
	if err != nil {
		t.Fatal(err)
	}
	enc := encodingOf(formats.CodecPNG, rgb)
	enc.Samples, enc.Alpha = 4, true
	got, err := Decode(enc, data, 8, 8)
	if err != nil || got.Samples != 4 || !bytes.Equal(got.Pix[:8], []byte{rgb.Pix[0], rgb.Pix[1], rgb.Pix[2], 255, rgb.Pix[3], rgb.Pix[4], rgb.Pix[5], 255}) {
		t.Errorf("an RGB tile of an RGBA level: %v, %v", got, err)
	}
	enc.Samples, enc.Alpha = 1, false
	grey, err := Encode(ramp(8, 8, 2, pixel.Uint8), Output{MediaType: "image/png"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := Decode(enc, grey, 8, 8); err != nil || got.Samples != 1 {
		t.Errorf("a tile with alpha of a grey level: %v, %v", got, err)
	}
	enc.PixelType, enc.BitsPerSample = pixel.Uint16, 16
	if _, err := Decode(enc, grey, 8, 8); fault.CodeOf(err) != "codec-samples-mismatch" {
		t.Errorf("8 bits where 16 are expected: %v, want codec-samples-mismatch", err)
	}
}

func TestZstdWindowClaimsAllocateNothing(t *testing.T) {
	// A frame that claims a window of 1.75 GiB and holds one run of 96 bytes.
	data := []byte{0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA7, 0x03, 0x03, 0x00, 42}
	enc := formats.Encoding{Codec: formats.CodecZstd, Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 8}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Decode(enc, data, 12, 8)
	runtime.ReadMemStats(&after)
	if k := fault.KindOf(err); err != nil && k != fault.Corrupt {
		t.Errorf("%v, want nothing or kind corrupt", err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("%d bytes were allocated for a tile of 96", grown)
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

func BenchmarkDecodeDeflate(b *testing.B) {
	r := ramp(256, 256, 3, pixel.Uint8)
	enc := encodingOf(formats.CodecDeflate, r)
	enc.Predictor = 2
	data := deflated(b, r.Pix)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(enc, data, 256, 256); err != nil {
			b.Fatal(err)
		}
	}
}
