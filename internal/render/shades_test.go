package render

import (
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

func TestShades(t *testing.T) {
	for value, want := range map[int]int{
		0: 0, 65535: 255,
		// Below 1/255 of the light the curve is the line to (1, 13): 13/12.92 shades
		// for each 257 values.
		127: 0, 128: 1, 383: 1, 384: 2,
		// 11.4 of 255: its light, 0.9 of 255, lies on the line to (1, 13).
		2924: 11, 2925: 12,
		// 0.5 is 0.2140 of the light, 54.58 of 255; the curve is at 127 at 54 and at 128 at 55.
		32768: 128,
	} {
		if got := shadeOf(value); got != want {
			t.Errorf("%d is shade %d, want %d", value, got, want)
		}
	}
}

// What PIMS counts is 256 shades, so bounds are multiples of 257.
func TestBoundsAreThoseThatPIMSFinds(t *testing.T) {
	deep := newPlanes(1, 1, 1, 1, 1, pixel.Uint16, 16).m
	twelve := newPlanes(1, 1, 1, 1, 1, pixel.Uint16, 12).m
	bytes := newPlanes(1, 1, 1, 1, 1, pixel.Uint8, 8).m
	dicom := newPlanes(1, 1, 1, 1, 1, pixel.Uint16, 16).m
	dicom.Description.Format = "DICOM"
	for name, row := range map[string]struct {
		got  func() (int, int)
		want [2]int
	}{
		"16 bits":               {func() (int, int) { return DisplayBounds(&deep, 82, 2457) }, [2]int{0, 10 * 257}},
		"16 bits, brighter":     {func() (int, int) { return DisplayBounds(&deep, 246, 3685) }, [2]int{257, 14 * 257}},
		"close together":        {func() (int, int) { return DisplayBounds(&deep, 10000, 10400) }, [2]int{10000, 10400}},
		"up to the top":         {func() (int, int) { return DisplayBounds(&twelve, 0, 4095) }, [2]int{0, 4095}},
		"of 8 bits":             {func() (int, int) { return DisplayBounds(&bytes, 3, 250) }, [2]int{3, 250}},
		"without a color space": {func() (int, int) { return DisplayBounds(&dicom, 32896, 34959) }, [2]int{32896, 34959}},
		"beyond the type":       {func() (int, int) { return DisplayBounds(&bytes, -1, 300) }, [2]int{0, 255}},
	} {
		if low, high := row.got(); [2]int{low, high} != row.want {
			t.Errorf("%s: the bounds are %d to %d, want %v", name, low, high, row.want)
		}
	}
}

// The whole slide in 8 bits shows shades, in more it keeps its precision.
func TestSmallPicturesHaveShades(t *testing.T) {
	s := newPlanes(1, 1, 1, 1, 1, pixel.Uint16, 16)
	s.pixels[formats.Plane{}] = []byte{0xd0, 0x07} // 2000
	r := New(Config{MaxPixels: 1 << 20, MaxMemory: 1 << 24, MaxTile: 1 << 20})
	for bits, want := range map[int]uint16{16: 2000, 8: 8} { // 2000 is shade 8, 2056; of 65534, 255ths: 8.0
		v := Default(&s.m)
		v.Windows, v.Bits = full(16, 1), bits
		picture, err := r.Scaled(t.Context(), s, ScaledRequest{Width: 1, Height: 1, View: v})
		if err != nil {
			t.Fatal(err)
		}
		got := uint16(picture.Pix[0])
		if bits > 8 {
			got = word(picture.Row(0), 0)
		}
		if got != want {
			t.Errorf("2000 is shown as %d in %d bits, want %d", got, bits, want)
		}
	}
}
