package codectest

import (
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

// Sample is one good tile for Run.
type Sample struct {
	Encoding      formats.Encoding
	Data          []byte
	Width, Height int
	Want          *pixel.Raster // what it must decode to; nil leaves the pixels unchecked
}

// Decode is the function under test.
type Decode func(enc formats.Encoding, data []byte, width, height int) (*pixel.Raster, error)

// Run proves that a decoder gives the sample's pixels, that it refuses cut
// data, other sizes and garbage with a classified error, and never panics.
func Run(t *testing.T, s Sample, decode Decode) {
	t.Run("decodes", func(t *testing.T) {
		got, err := decode(s.Encoding, s.Data, s.Width, s.Height)
		if err != nil {
			t.Fatal(err)
		}
		checkShape(t, got, s.Width, s.Height)
		if s.Want != nil {
			checkEqual(t, s.Want, got)
		}
	})
	t.Run("leaves its input alone", func(t *testing.T) {
		before := append([]byte(nil), s.Data...)
		got, err := decode(s.Encoding, s.Data, s.Width, s.Height)
		if err != nil {
			t.Fatal(err)
		}
		clear(got.Pix)
		if string(before) != string(s.Data) {
			t.Error("decoding, or changing the result, changed the tile's bytes")
		}
	})
	t.Run("truncated", func(t *testing.T) {
		step := max(len(s.Data)/64, 1)
		for n := 0; n <= len(s.Data)/2; n += step {
			if _, err := decode(s.Encoding, s.Data[:n], s.Width, s.Height); !classified(err) {
				t.Fatalf("the first %d of %d bytes: %v, want kind corrupt", n, len(s.Data), err)
			}
		}
	})
	t.Run("garbage", func(t *testing.T) {
		garbage := make([]byte, len(s.Data))
		for seed := range uint32(8) {
			state := seed*7919 + 1
			for i := range garbage {
				state = state*1664525 + 1013904223
				garbage[i] = byte(state >> 24)
			}
			got, err := decode(s.Encoding, garbage, s.Width, s.Height)
			if err == nil {
				checkShape(t, got, s.Width, s.Height) // raw samples decode to anything
			} else if fault.KindOf(err) == fault.Internal {
				t.Fatalf("garbage: unclassified error %v", err)
			}
		}
	})
	t.Run("flipped bytes", func(t *testing.T) {
		for i := 0; i < len(s.Data); i += max(len(s.Data)/97, 1) {
			flipped := append([]byte(nil), s.Data...)
			flipped[i] ^= 0xFF
			got, err := decode(s.Encoding, flipped, s.Width, s.Height)
			if err == nil {
				checkShape(t, got, s.Width, s.Height)
			} else if fault.KindOf(err) == fault.Internal {
				t.Fatalf("byte %d flipped: unclassified error %v", i, err)
			}
		}
	})
	t.Run("a size that is larger than the data", func(t *testing.T) {
		for _, size := range [][2]int{{s.Width * 64, s.Height * 64}, {s.Width, s.Height * 4096}, {1 << 30, 1 << 30}, {1 << 14, 1 << 14}} {
			if _, err := decode(s.Encoding, s.Data, size[0], size[1]); !classified(err) && fault.KindOf(err) != fault.TooLarge {
				t.Errorf("%d × %d: %v, want kind corrupt or too-large", size[0], size[1], err)
			}
		}
		for _, size := range [][2]int{{0, 0}, {-1, 5}, {5, 0}} {
			if _, err := decode(s.Encoding, s.Data, size[0], size[1]); fault.KindOf(err) != fault.Invalid {
				t.Errorf("%d × %d: %v, want kind invalid", size[0], size[1], err)
			}
		}
	})
}

func classified(err error) bool { return fault.KindOf(err) == fault.Corrupt && err != nil }

func checkShape(t *testing.T, r *pixel.Raster, width, height int) {
	t.Helper()
	if r.Width != width || r.Height != height || r.Stride < width*r.Samples*r.Type.Bytes() || len(r.Pix) < r.Stride*height {
		t.Fatalf("a raster of %d × %d × %d %s, stride %d, %d bytes; want %d × %d",
			r.Width, r.Height, r.Samples, r.Type, r.Stride, len(r.Pix), width, height)
	}
}

func checkEqual(t *testing.T, want, got *pixel.Raster) {
	t.Helper()
	if got.Samples != want.Samples || got.Type != want.Type {
		t.Fatalf("%d × %s, want %d × %s", got.Samples, got.Type, want.Samples, want.Type)
	}
	for y := range want.Height {
		if a, b := want.Row(y), got.Row(y); string(a) != string(b) {
			t.Fatalf("row %d is %v, want %v", y, head(b), head(a))
		}
	}
}

func head(b []byte) []byte { return b[:min(len(b), 24)] }
