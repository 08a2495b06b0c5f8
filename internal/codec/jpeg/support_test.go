package jpeg

import (
	"bytes"
	"image"
	"image/color"
	stdjpeg "image/jpeg"
	"os"
	"path/filepath"
	"testing"

	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
)

// drawing is a smooth coloured picture: gradients with a disc.
func drawing(width, height, samples int) *pixel.Raster {
	r := pixel.New(width, height, samples, pixel.Uint8)
	for y := range height {
		row := r.Row(y)
		for x := range width {
			p := row[x*samples : (x+1)*samples]
			p[0] = byte(40 + 180*x/width)
			if samples < 3 {
				continue
			}
			p[1] = byte(220 - 150*y/height)
			p[2] = byte(90 + 60*(x+y)/(width+height))
			if dx, dy := x-width/2, y-height/2; dx*dx+dy*dy < width*height/16 {
				p[0], p[1], p[2] = 200, 60, 140
			}
		}
	}
	return r
}

// mustEncode is a complete JPEG of a drawing.
func mustEncode(t testing.TB, r *pixel.Raster, o EncodeOptions) []byte {
	t.Helper()
	data, err := Encode(nil, r, o)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// abbreviate splits a complete JPEG into tables and scan as TIFF stores them,
// dropping APPn segments.
func abbreviate(t testing.TB, data []byte) (tables, scan []byte) {
	t.Helper()
	tables, scan = []byte{0xFF, markerSOI}, []byte{0xFF, markerSOI}
	w := walker{data: data}
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	for {
		s, err := w.next()
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case s.marker == markerSOS:
			scan = append(scan, data[s.start:]...)
			return append(tables, 0xFF, markerEOI), scan
		case s.marker == markerDQT || s.marker == markerDHT:
			tables = append(tables, data[s.start:s.end]...)
		case s.marker >= markerAPP0 && s.marker <= 0xEF:
		default:
			scan = append(scan, data[s.start:s.end]...)
		}
	}
}

// relabel rewrites the component ids of the frame and scan headers.
func relabel(t testing.TB, data []byte, ids ...byte) []byte {
	t.Helper()
	out := bytes.Clone(data)
	w := walker{data: out}
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	for {
		s, err := w.next()
		if err != nil {
			t.Fatal(err)
		}
		if isFrame(s.marker) {
			for i, id := range ids {
				s.payload[6+3*i] = id
			}
		}
		if s.marker == markerSOS {
			for i, id := range ids {
				s.payload[1+2*i] = id
			}
			return out
		}
	}
}

// standardPixels decodes with image/jpeg: what an independent decoder that
// knows nothing but the file sees.
func standardPixels(t testing.TB, data []byte) *pixel.Raster {
	t.Helper()
	r, ok := tryStandard(data)
	if !ok {
		t.Fatal("image/jpeg refuses the stream")
	}
	return r
}

// difference is the mean and the greatest absolute difference of two rasters.
func difference(t testing.TB, a, b *pixel.Raster) (mean float64, most int) {
	t.Helper()
	if a.Width != b.Width || a.Height != b.Height || a.Samples != b.Samples {
		t.Fatalf("shapes differ: %d×%d×%d and %d×%d×%d", a.Width, a.Height, a.Samples, b.Width, b.Height, b.Samples)
	}
	total := 0
	for y := range a.Height {
		p, q := a.Row(y), b.Row(y)
		for i := range p {
			d := max(int(p[i])-int(q[i]), int(q[i])-int(p[i]))
			total += d
			most = max(most, d)
		}
	}
	return float64(total) / float64(a.Width*a.Height*a.Samples), most
}

// near fails when two rasters differ by more than the freedom that T.81 leaves
// the inverse DCT and the upsampling.
func near(t testing.TB, what string, a, b *pixel.Raster, mean float64) {
	t.Helper()
	if got, most := difference(t, a, b); got > mean {
		t.Errorf("%s: mean difference %.2f (greatest %d), allowed %.2f", what, got, most, mean)
	}
}

// sharedFiles lists the files of a folder of the shared test data.
func sharedFiles(t testing.TB, folder string) map[string][]byte {
	t.Helper()
	dir := testfiles.Shared(t, folder)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if e.IsDir() {
			continue
		}
		data, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		files[e.Name()] = data
	}
	return files
}

// tryStandard is standardPixels for files that image/jpeg may refuse.
func tryStandard(data []byte) (*pixel.Raster, bool) {
	img, err := stdjpeg.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, false
	}
	b := img.Bounds()
	samples := 3
	if _, ok := img.(*image.Gray); ok {
		samples = 1
	}
	out := pixel.New(b.Dx(), b.Dy(), samples, pixel.Uint8)
	for y := range b.Dy() {
		for x := range b.Dx() {
			c := color.NRGBAModel.Convert(img.At(b.Min.X+x, b.Min.Y+y)).(color.NRGBA)
			copy(out.Row(y)[x*samples:(x+1)*samples], []byte{c.R, c.G, c.B})
		}
	}
	return out, true
}
