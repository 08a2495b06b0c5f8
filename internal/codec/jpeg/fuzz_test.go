package jpeg

import (
	"bytes"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
)

// seeds are streams of every kind that the parser distinguishes.
func seeds(f *testing.F) [][]byte {
	f.Helper()
	complete := mustEncode(f, drawing(24, 16, 3), EncodeOptions{})
	grey := mustEncode(f, drawing(9, 9, 1), EncodeOptions{})
	tables, bare := abbreviate(f, complete)
	return [][]byte{
		complete, grey, tables, bare, relabel(f, bare, 'R', 'G', 'B'), complete[:len(complete)/2], {0xFF, 0xD8},
		append([]byte{0xFF, 0xD8}, complete...), {0xFF, 0xD8, 0xFF, 0xC0, 0, 17, 8, 0xFF, 0xFF, 0xFF, 0xFF, 3},
	}
}

func FuzzParseHeader(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ParseHeader(data)
		if err != nil {
			if fault.KindOf(err) == fault.Internal {
				t.Errorf("unclassified error %v", err)
			}
			return
		}
		if h.Width < 1 || h.Height < 1 || h.ScanOffset < 2 || h.ScanOffset >= len(data) || data[h.ScanOffset+1] != markerSOS {
			t.Errorf("impossible header %+v", h)
		}
	})
}

// FuzzSplice: whatever the parts, an accepted result is one image that parses,
// that says the same size, and that does not change when spliced again.
func FuzzSplice(f *testing.F) {
	all := seeds(f)
	for _, s := range all {
		f.Add(all[2], s, true)
		f.Add([]byte(nil), s, false)
	}
	f.Fuzz(func(t *testing.T, tables, scan []byte, rgb bool) {
		p := formats.PhotometricYCbCr
		if rgb {
			p = formats.PhotometricRGB
		}
		out, err := Splice([]byte("x"), tables, scan, p)
		if err != nil {
			if string(out) != "x" || fault.KindOf(err) == fault.Internal {
				t.Fatalf("%q, %v", out, err)
			}
			return
		}
		out = out[1:]
		h, err := ParseHeader(scan)
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseHeader(out)
		if err != nil {
			t.Fatalf("the result does not parse: %v", err)
		}
		if got.Width != h.Width || got.Height != h.Height || len(got.Components) != len(h.Components) {
			t.Fatalf("%+v became %+v", h, got)
		}
		if len(h.Components) == 3 && (colourByIDs(got) == colourRGB) != rgb {
			t.Fatalf("the markers say %d, rgb is %v", colourByIDs(got), rgb)
		}
		again, err := Splice(nil, nil, out, p)
		if err != nil || !bytes.Equal(again, out) {
			t.Fatalf("spliced again: %v", err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add([]byte(nil), s, uint8(0))
	}
	f.Fuzz(func(t *testing.T, tables, data []byte, how uint8) {
		o := Options{Tables: tables, MaxPixels: 1 << 18, Lenient: how&1 != 0, Scale: 1 << (how >> 1 & 3)}
		if how&8 != 0 {
			o.Photometric = formats.PhotometricRGB
		}
		r, err := Decode(nil, data, o)
		if err != nil {
			if fault.KindOf(err) == fault.Internal {
				t.Errorf("unclassified error %v", err)
			}
			return
		}
		if r.Width < 1 || r.Height < 1 || len(r.Pix) != r.Stride*r.Height {
			t.Errorf("a raster of %d × %d in %d bytes", r.Width, r.Height, len(r.Pix))
		}
	})
}
