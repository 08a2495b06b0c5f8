package jpeg_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec/codectest"
	"github.com/pims-cloud/pims/internal/codec/jpeg"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
)

// Real tiles after Splice: any decoder that knows the file alone must see what
// the container's decoder sees.
func TestSplicedRealTilesShowTheRightColours(t *testing.T) {
	for _, name := range []string{"svs/CMU-1-Small-Region.svs", "synthetic/aperio-jpeg.svs", "generic-tiff/small_HE_levels.tiff", "synthetic/philips.tiff", "synthetic/leica-2010-10-01.scn"} {
		t.Run(name, func(t *testing.T) {
			pages, ok := codectest.Pages(t, testfiles.Shared(t, name))
			if !ok {
				t.Fatal("package tiff cannot read it")
			}
			tiles := 0
			for n, p := range pages {
				if !jpeg.PassthroughOK(p.Encoding) {
					continue
				}
				for i := 0; i < p.Tiles(); i += max(p.Tiles()/5, 1) {
					data, w, h := p.Tile(t, i)
					if data == nil || !p.Layout.Tiled {
						continue
					}
					tiles++
					checkSpliced(t, fmt.Sprintf("page %d tile %d", n, i), p.Encoding, data, w, h)
				}
			}
			if tiles == 0 {
				t.Skip("has no tile for passthrough")
			}
		})
	}
}

func checkSpliced(t *testing.T, what string, enc formats.Encoding, data []byte, w, h int) {
	t.Helper()
	direct, err := jpeg.Decode(nil, data, jpeg.Options{Tables: enc.JPEGTables, Photometric: enc.Photometric, Width: w, Height: h})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	spliced, err := jpeg.SpliceTile(nil, enc, data, w, h)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if n := bytes.Count(spliced, []byte{0xFF, 0xD8}); n != 1 || !bytes.HasPrefix(spliced, []byte{0xFF, 0xD8, 0xFF}) {
		t.Errorf("%s: %d start of image markers", what, n)
	}
	if n := bytes.Count(spliced, []byte{0xFF, 0xD9}); n != 1 || !bytes.HasSuffix(spliced, []byte{0xFF, 0xD9}) {
		t.Errorf("%s: %d end of image markers", what, n)
	}
	alone, err := jpeg.Decode(nil, spliced, jpeg.Options{})
	if err != nil {
		t.Fatalf("%s: the spliced file: %v", what, err)
	}
	if !bytes.Equal(direct.Pix, alone.Pix) {
		t.Errorf("%s: the spliced file decodes to other pixels", what)
	}
	// image/jpeg repeats colour samples where libjpeg-turbo interpolates, so
	// edges differ a little in 4:2:0 and 4:2:2 tiles.
	if mean, most := jpeg.Difference(t, direct, jpeg.StandardPixels(t, spliced)); mean > 4 {
		t.Errorf("%s: image/jpeg sees other colours: mean difference %.2f, greatest %d", what, mean, most)
	}
	again, err := jpeg.Splice(nil, nil, spliced, enc.Photometric)
	if err != nil || !bytes.Equal(again, spliced) {
		t.Errorf("%s: splicing twice changes the file (%v)", what, err)
	}
}

// photometrics of TIFF and how streams are marked, in every combination: what
// counts is what an independent decoder sees.
func TestSpliceMarksColours(t *testing.T) {
	picture := jpeg.Drawing(48, 48, 3)
	complete, err := jpeg.Encode(nil, picture, jpeg.EncodeOptions{Quality: 90})
	if err != nil {
		t.Fatal(err)
	}
	tables, bare := jpeg.Abbreviate(t, complete)
	rgbIDs := jpeg.Relabel(t, bare, 'R', 'G', 'B')
	adobe := func(transform byte, data []byte) []byte {
		return append([]byte{0xFF, 0xD8, 0xFF, 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, transform}, data[2:]...)
	}
	jfif := func(data []byte) []byte {
		return append([]byte{0xFF, 0xD8, 0xFF, 0xE0, 0, 16, 'J', 'F', 'I', 'F', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0}, data[2:]...)
	}
	for name, scan := range map[string][]byte{
		"bare":            bare,
		"JFIF":            jfif(bare),
		"Adobe 0":         adobe(0, bare),
		"Adobe 1":         adobe(1, bare),
		"Adobe 0, JFIF":   adobe(0, jfif(bare)),
		"Adobe 1, JFIF":   jfif(adobe(1, bare)),
		"ids RGB":         rgbIDs,
		"ids RGB, JFIF":   jfif(rgbIDs),
		"ids RGB Adobe 1": adobe(1, rgbIDs),
		"ids 0 1 2":       jpeg.Relabel(t, bare, 0, 1, 2),
		"two SOI":         append([]byte{0xFF, 0xD8}, bare...),
		"fill bytes":      append([]byte{0xFF, 0xD8, 0xFF, 0xFF, 0xFF}, bare[3:]...),
	} {
		for _, p := range []formats.Photometric{formats.PhotometricRGB, formats.PhotometricYCbCr} {
			what := name + " as " + string(p)
			want, err := jpeg.Decode(nil, scan, jpeg.Options{Tables: tables, Photometric: p})
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			got, err := jpeg.Splice([]byte("kept"), tables, scan, p)
			if err != nil || !bytes.HasPrefix(got, []byte("kept")) {
				t.Fatalf("%s: %v", what, err)
			}
			got = got[4:]
			alone, err := jpeg.Decode(nil, got, jpeg.Options{})
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			if !bytes.Equal(want.Pix, alone.Pix) {
				t.Errorf("%s: the markers lead our decoder to other colours", what)
			}
			if mean, _ := jpeg.Difference(t, want, jpeg.StandardPixels(t, got)); mean > 6 {
				t.Errorf("%s: the markers lead image/jpeg to other colours (mean difference %.1f)", what, mean)
			}
		}
	}
}

// The bytes of a spliced RGB tile, marker by marker.
func TestSpliceGolden(t *testing.T) {
	dqt := append([]byte{0xFF, 0xDB, 0, 67, 0}, bytes.Repeat([]byte{1}, 64)...)
	dht := []byte{0xFF, 0xC4, 0, 20, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5}
	app1 := []byte{0xFF, 0xE1, 0, 4, 'x', 'y'}
	sof := []byte{0xFF, 0xC0, 0, 17, 8, 0, 8, 0, 8, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0}
	sos := []byte{0xFF, 0xDA, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 63, 0}
	bits := []byte{0x12, 0xFF, 0, 0x34}
	join := func(parts ...[]byte) []byte { return bytes.Join(parts, nil) }
	soi, eoi := []byte{0xFF, 0xD8}, []byte{0xFF, 0xD9}
	adobe := []byte{0xFF, 0xEE, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0}

	got, err := jpeg.Splice(nil, join(soi, app1, dqt, dht, eoi), join(soi, sof, sos, bits, eoi, []byte{0, 0}), formats.PhotometricRGB)
	if err != nil {
		t.Fatal(err)
	}
	if want := join(soi, adobe, dqt, dht, sof, sos, bits, eoi); !bytes.Equal(got, want) {
		t.Errorf("abbreviated RGB tile with padding\n got %x\nwant %x", got, want)
	}
	got, err = jpeg.Splice(nil, nil, join(soi, dqt, dht, sof, sos, bits, []byte{0xFF}), formats.PhotometricYCbCr)
	if err != nil {
		t.Fatal(err)
	}
	if want := join(soi, dqt, dht, sof, sos, bits, eoi); !bytes.Equal(got, want) {
		t.Errorf("complete YCbCr tile that lacks its EOI\n got %x\nwant %x", got, want)
	}
}

func TestSpliceAddsStandardTablesToMotionJPEG(t *testing.T) {
	complete, err := jpeg.Encode(nil, jpeg.Drawing(32, 32, 3), jpeg.EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	without := jpeg.WithoutHuffman(t, complete)
	got, err := jpeg.Splice(nil, nil, without, formats.PhotometricYCbCr)
	if err != nil {
		t.Fatal(err)
	}
	want, err := jpeg.Decode(nil, complete, jpeg.Options{})
	if err != nil {
		t.Fatal(err)
	}
	alone, err := jpeg.Decode(nil, got, jpeg.Options{})
	if err != nil || !bytes.Equal(alone.Pix, want.Pix) {
		t.Errorf("with standard tables the pixels differ (%v)", err)
	}
}

func TestSpliceRefuses(t *testing.T) {
	complete, err := jpeg.Encode(nil, jpeg.Drawing(32, 16, 3), jpeg.EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	_, bare := jpeg.Abbreviate(t, complete)
	enc := formats.Encoding{Codec: formats.CodecJPEG, Photometric: formats.PhotometricYCbCr, Samples: 3, BitsPerSample: 8, PixelType: pixel.Uint8}
	for _, c := range []struct {
		what         string
		tables, scan []byte
		kind         fault.Kind
	}{
		{"no tables anywhere", nil, bare, fault.Corrupt},
		{"an image as tables", complete, bare, fault.Corrupt},
		{"garbage as tables", []byte("garbage"), bare, fault.Corrupt},
		{"nothing", nil, nil, fault.Corrupt},
		{"a text", nil, []byte("no JPEG at all"), fault.Corrupt},
		{"a header without a scan", nil, complete[:100], fault.Corrupt},
	} {
		dst := []byte("before")
		got, err := jpeg.Splice(dst, c.tables, c.scan, formats.PhotometricYCbCr)
		if fault.KindOf(err) != c.kind || err == nil || string(got) != "before" {
			t.Errorf("%s: %q, %v; want dst untouched and kind %s", c.what, got, err, c.kind)
		}
	}
	if _, err := jpeg.SpliceTile(nil, enc, complete, 16, 16); fault.CodeOf(err) != "jpeg-size-mismatch" {
		t.Errorf("a tile of another size: %v", err)
	}
	enc.Photometric = formats.PhotometricCMYK
	if _, err := jpeg.SpliceTile(nil, enc, complete, 32, 16); fault.KindOf(err) != fault.Unsupported {
		t.Errorf("ink: %v, want kind unsupported", err)
	}
}

func TestPassthroughOK(t *testing.T) {
	good := formats.Encoding{Codec: formats.CodecJPEG, Photometric: formats.PhotometricRGB, Samples: 3, BitsPerSample: 8, PixelType: pixel.Uint8}
	grey := formats.Encoding{Codec: formats.CodecJPEG, Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 8, PixelType: pixel.Uint8}
	if !jpeg.PassthroughOK(good) || !jpeg.PassthroughOK(grey) {
		t.Error("RGB and grey tiles must pass")
	}
	for what, change := range map[string]func(*formats.Encoding){
		"JPEG 2000":  func(e *formats.Encoding) { e.Codec = formats.CodecJPEG2000 },
		"12 bits":    func(e *formats.Encoding) { e.BitsPerSample = 12 },
		"ink":        func(e *formats.Encoding) { e.Photometric = formats.PhotometricCMYK; e.Samples = 4 },
		"alpha":      func(e *formats.Encoding) { e.Alpha = true },
		"inverted":   func(e *formats.Encoding) { e.Photometric = formats.PhotometricMinIsWhite; e.Samples = 1 },
		"16-bit":     func(e *formats.Encoding) { e.PixelType = pixel.Uint16 },
		"2 samples":  func(e *formats.Encoding) { e.Samples = 2 },
		"grey × 3":   func(e *formats.Encoding) { e.Photometric = formats.PhotometricMinIsBlack },
		"colour × 1": func(e *formats.Encoding) { e.Samples = 1 },
	} {
		e := good
		change(&e)
		if jpeg.PassthroughOK(e) {
			t.Errorf("%s passes", what)
		}
	}
}

func BenchmarkSplice(b *testing.B) {
	complete, err := jpeg.Encode(nil, jpeg.Drawing(256, 256, 3), jpeg.EncodeOptions{})
	if err != nil {
		b.Fatal(err)
	}
	tables, bare := jpeg.Abbreviate(b, complete)
	dst := make([]byte, 0, 1<<20)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := jpeg.Splice(dst, tables, bare, formats.PhotometricRGB); err != nil {
			b.Fatal(err)
		}
	}
}
