package jpeg

import (
	"bytes"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

func TestEncodeDecodeKeepsThePicture(t *testing.T) {
	for _, samples := range []int{1, 3} {
		for _, size := range [][2]int{{256, 240}, {1, 1}, {17, 33}, {8, 1}} {
			r := drawing(size[0], size[1], samples)
			data := mustEncode(t, r, EncodeOptions{Quality: 95, Subsampling: Subsampling444})
			got, err := Decode(nil, data, Options{Width: size[0], Height: size[1]})
			if err != nil {
				t.Fatalf("%v × %d: %v", size, samples, err)
			}
			allowed := 4.0
			if Library != "libjpeg-turbo" {
				allowed = 8 // image/jpeg writes colour at half size only
			}
			near(t, "round trip", r, got, allowed)
			near(t, "image/jpeg on our stream", got, standardPixels(t, data), 2)
		}
	}
}

func TestEncodeAppendsAndGrows(t *testing.T) {
	r := drawing(64, 64, 3)
	whole := mustEncode(t, r, EncodeOptions{})
	prefix := []byte("prefix")
	for _, room := range []int{0, 1, 100, len(whole) - 1, len(whole), 1 << 16} {
		dst := make([]byte, len(prefix), len(prefix)+room)
		copy(dst, prefix)
		got, err := Encode(dst, r, EncodeOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, append(bytes.Clone(prefix), whole...)) {
			t.Errorf("with room for %d bytes the stream differs", room)
		}
	}
}

func TestEncodeRefusesWhatIsNoJPEG(t *testing.T) {
	for _, r := range []*pixel.Raster{
		pixel.New(4, 4, 4, pixel.Uint8), pixel.New(4, 4, 1, pixel.Uint16), pixel.New(0, 4, 1, pixel.Uint8),
		pixel.New(maxSide+1, 1, 1, pixel.Uint8), {Width: 4, Height: 4, Samples: 1, Stride: 4, Pix: make([]byte, 15)},
	} {
		if _, err := Encode(nil, r, EncodeOptions{}); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%d × %d × %d %s: %v, want kind invalid", r.Width, r.Height, r.Samples, r.Type, err)
		}
	}
}

func TestDecodeIntoTheCallersBuffer(t *testing.T) {
	data := mustEncode(t, drawing(32, 16, 3), EncodeOptions{})
	dst := pixel.New(64, 64, 3, pixel.Uint8)
	got, err := Decode(dst, data, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if got != dst || &got.Pix[0] != &dst.Pix[0] || got.Width != 32 || got.Stride != 96 || len(got.Pix) != 32*16*3 {
		t.Errorf("the buffer was not reused: %d × %d, stride %d", got.Width, got.Height, got.Stride)
	}
	small := pixel.New(2, 2, 1, pixel.Uint8)
	got, err = Decode(small, data, Options{})
	if err != nil || got == small {
		t.Errorf("a buffer that is too small was used (%v)", err)
	}
}

func TestPhotometricDecidesTheColours(t *testing.T) {
	r := drawing(64, 64, 3)
	data := mustEncode(t, r, EncodeOptions{Quality: 95, Subsampling: Subsampling444})
	_, bare := abbreviate(t, data)
	tables, _ := abbreviate(t, data)
	asYCbCr, err := Decode(nil, bare, Options{Tables: tables, Photometric: formats.PhotometricYCbCr})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "read as YCbCr", r, asYCbCr, 3)
	asRGB, err := Decode(nil, bare, Options{Tables: tables, Photometric: formats.PhotometricRGB})
	if err != nil {
		t.Fatal(err)
	}
	// Read as RGB the first sample is the luminance: far from the red.
	if mean, _ := difference(t, r, asRGB); mean < 10 {
		t.Errorf("read as RGB the colours were converted all the same (mean difference %.1f)", mean)
	}
	// The file's markers say YCbCr (JFIF); the container's word counts.
	over, err := Decode(nil, data, Options{Photometric: formats.PhotometricRGB})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "JFIF against the container", asRGB, over, 0.5)
}

func TestScaledDecodeIsTheShrunkPicture(t *testing.T) {
	r := drawing(250, 131, 3)
	data := mustEncode(t, r, EncodeOptions{Quality: 90})
	whole, err := Decode(nil, data, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, scale := range []int{2, 4, 8} {
		got, err := Decode(nil, data, Options{Scale: scale})
		if err != nil {
			t.Fatal(err)
		}
		near(t, "scaled", pixel.Shrink(whole, scale, scale), got, 4)
	}
	if _, err := Decode(nil, data, Options{Scale: 3}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("scale 3: %v, want kind invalid", err)
	}
}

func TestSizesAreChecked(t *testing.T) {
	data := mustEncode(t, drawing(32, 16, 3), EncodeOptions{})
	if _, err := Decode(nil, data, Options{Width: 32, Height: 32}); fault.CodeOf(err) != "jpeg-size-mismatch" {
		t.Errorf("a container that says 32 × 32: %v, want jpeg-size-mismatch", err)
	}
	if _, err := Decode(nil, data, Options{MaxPixels: 511}); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("512 pixels of 511 allowed: %v, want kind too-large", err)
	}
}

func TestAClaimBeyondItsBytesIsRefusedBeforeAllocation(t *testing.T) {
	data := mustEncode(t, drawing(32, 16, 3), EncodeOptions{})
	w := walker{data: data}
	_ = w.start()
	for {
		s, err := w.next()
		if err != nil {
			t.Fatal(err)
		}
		if isFrame(s.marker) {
			copy(s.payload[1:5], []byte{0x26, 0x00, 0x26, 0x00}) // 9728 × 9728
			break
		}
	}
	allocated := testing.AllocsPerRun(1, func() {
		if _, err := Decode(nil, data, Options{}); fault.CodeOf(err) != "jpeg-too-short" {
			t.Errorf("9728 × 9728 pixels in %d bytes: %v, want jpeg-too-short", len(data), err)
		}
	})
	if allocated > 40 {
		t.Errorf("%v allocations", allocated)
	}
}

func TestTruncatedTilesAreErrors(t *testing.T) {
	data := mustEncode(t, drawing(128, 128, 3), EncodeOptions{})
	h, err := ParseHeader(data)
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(data) - 8 {
		if n > h.ScanOffset+16 && n%37 != 0 {
			continue
		}
		if _, err := Decode(nil, data[:n], Options{}); fault.KindOf(err) != fault.Corrupt {
			t.Fatalf("the first %d of %d bytes: %v, want kind corrupt", n, len(data), err)
		}
	}
}

func TestAMissingEndOfImageLosesNothing(t *testing.T) {
	data := mustEncode(t, drawing(128, 128, 3), EncodeOptions{})
	want, err := Decode(nil, data, Options{})
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(nil, data[:len(data)-2], Options{})
	if err != nil {
		t.Fatal(err)
	}
	near(t, "without EOI", want, got, 0)
}

func TestLosslessAnd12BitAreUnsupported(t *testing.T) {
	files := sharedFiles(t, "codestreams")
	for _, name := range []string{
		"JPEG_Lossless__Non-Hierarchical__Process_14_-GRAYSCALE-16.jpg",
		"JPEG_Extended__Process_2_and_4_-GRAYSCALE-12.jpg",
	} {
		if _, err := Decode(nil, files[name], Options{}); fault.KindOf(err) != fault.Unsupported {
			t.Errorf("%s: %v, want kind unsupported", name, err)
		}
	}
}

func TestRealJPEGsDecodeLikeImageJPEG(t *testing.T) {
	for name, data := range sharedFiles(t, "jpeg") {
		got, err := Decode(nil, data, Options{})
		if err != nil {
			t.Logf("%s: %v", name, err)
			continue
		}
		if got.Width*got.Height > 4<<20 {
			continue
		}
		img, ok := tryStandard(data)
		if !ok || img.Samples != got.Samples {
			continue // image/jpeg reads fewer kinds
		}
		near(t, name, img, got, 4)
	}
}

func TestHostileJPEGsNeverBreakTheProcess(t *testing.T) {
	for name, data := range sharedFiles(t, "hostile/jpeg") {
		for _, o := range []Options{{}, {Lenient: true, MaxPixels: 1 << 24}, {Scale: 8}, {Photometric: formats.PhotometricRGB, Tables: data}} {
			r, err := Decode(nil, data, o)
			if err == nil && (r.Width < 1 || len(r.Pix) < r.Stride*r.Height) {
				t.Errorf("%s: a raster of %d × %d in %d bytes", name, r.Width, r.Height, len(r.Pix))
			}
			if err != nil && fault.KindOf(err) == fault.Internal {
				t.Errorf("%s: unclassified error %v", name, err)
			}
		}
	}
}

func TestWarningsAreTold(t *testing.T) {
	if Library != "libjpeg-turbo" {
		t.Skip("image/jpeg tells no warnings")
	}
	data := mustEncode(t, drawing(64, 64, 3), EncodeOptions{})
	var told []string
	_, err := Decode(nil, data[:len(data)-60], Options{Lenient: true, OnWarning: func(s string) { told = append(told, s) }})
	if err != nil || len(told) == 0 {
		t.Errorf("lenient decode of a truncated file: %v, warnings %q", err, told)
	}
}

func BenchmarkDecodeTile(b *testing.B) {
	data := mustEncode(b, drawing(256, 256, 3), EncodeOptions{})
	dst := pixel.New(256, 256, 3, pixel.Uint8)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(dst, data, Options{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecodeTileEighth(b *testing.B) {
	data := mustEncode(b, drawing(256, 256, 3), EncodeOptions{})
	dst := pixel.New(256, 256, 3, pixel.Uint8)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(dst, data, Options{Scale: 8}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEncodeTile(b *testing.B) {
	r := drawing(256, 256, 3)
	dst := make([]byte, 0, 1<<20)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Encode(dst, r, EncodeOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}
