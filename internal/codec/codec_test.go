package codec

import (
	"bytes"
	"compress/zlib"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

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

// intoUsed is Decode into the buffer of a larger raster of another form.
func intoUsed(enc formats.Encoding, data []byte, widthPx, heightPx int) (*pixel.Raster, error) {
	used := pixel.New(100, 100, 4, pixel.Uint16)
	for i := range used.Pix {
		used.Pix[i] = 0xa5
	}
	return DecodeInto(used, enc, data, widthPx, heightPx)
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
		t.Run(name+" into a used buffer", func(t *testing.T) { codectest.Run(t, s, intoUsed) })
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
