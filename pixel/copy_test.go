package pixel

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
)

// bytesRaster makes a uint8 raster of given samples.
func bytesRaster(width, height, samples int, pix ...byte) *Raster {
	return &Raster{Width: width, Height: height, Samples: samples, Type: Uint8, Stride: width * samples, Pix: pix}
}

// shortsRaster makes a uint16 raster of given samples.
func shortsRaster(width, height, samples int, values ...uint16) *Raster {
	r := New(width, height, samples, Uint16)
	for i, v := range values {
		put16(r.Pix, 2*i, v)
	}
	return r
}

func shorts(r *Raster) []uint16 {
	out := make([]uint16, 0, r.Width*r.Height*r.Samples)
	for y := range r.Height {
		row := r.Row(y)
		for i := range r.Width * r.Samples {
			out = append(out, get16(row, 2*i))
		}
	}
	return out
}

func TestCropCopiesAndPadsWithZero(t *testing.T) {
	r := bytesRaster(3, 2, 1, 1, 2, 3, 4, 5, 6)
	for _, c := range []struct {
		x, y, w, h int
		want       []byte
	}{
		{1, 0, 2, 2, []byte{2, 3, 5, 6}},
		{2, 1, 2, 2, []byte{6, 0, 0, 0}},
		{-1, -1, 2, 2, []byte{0, 0, 0, 1}},
		{9, 9, 1, 1, []byte{0}},
		{0, 0, -5, 2, []byte{}},
	} {
		got := Crop(r, c.x, c.y, c.w, c.h)
		if diff := cmp.Diff(c.want, got.Pix); diff != "" {
			t.Errorf("crop %d,%d %d×%d (-want +got):\n%s", c.x, c.y, c.w, c.h, diff)
		}
	}
	got := Crop(r, 0, 0, 3, 2)
	got.Pix[0] = 99
	if r.Pix[0] != 1 {
		t.Error("a crop shares memory with its source")
	}
}

func TestCropReadsRowsOfAPaddedRaster(t *testing.T) {
	r := &Raster{Width: 2, Height: 2, Samples: 1, Stride: 3, Pix: []byte{1, 2, 77, 3, 4}}
	if diff := cmp.Diff([]byte{1, 2, 3, 4}, Crop(r, 0, 0, 2, 2).Pix); diff != "" {
		t.Errorf("padding leaked (-want +got):\n%s", diff)
	}
}

func TestPasteClipsAtEveryEdge(t *testing.T) {
	src := bytesRaster(2, 2, 1, 1, 2, 3, 4)
	for _, c := range []struct {
		x, y int
		want []byte
	}{
		{1, 1, []byte{0, 0, 0, 0, 1, 2, 0, 3, 4}},
		{-1, -1, []byte{4, 0, 0, 0, 0, 0, 0, 0, 0}},
		{2, 2, []byte{0, 0, 0, 0, 0, 0, 0, 0, 1}},
		{3, 0, make([]byte, 9)},
	} {
		dst := New(3, 3, 1, Uint8)
		if err := Paste(dst, src, c.x, c.y); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, dst.Pix); diff != "" {
			t.Errorf("paste at %d,%d (-want +got):\n%s", c.x, c.y, diff)
		}
	}
	if err := Paste(New(3, 3, 3, Uint8), src, 0, 0); fault.KindOf(err) != fault.Invalid {
		t.Errorf("grey pasted into RGB: %v, want kind invalid", err)
	}
}

func TestSelectChannels(t *testing.T) {
	got, err := SelectChannels(bytesRaster(2, 1, 3, 1, 2, 3, 4, 5, 6), []int{2, 0})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]byte{3, 1, 6, 4}, got.Pix); diff != "" {
		t.Errorf("channels 2, 0 (-want +got):\n%s", diff)
	}
	wide, err := SelectChannels(shortsRaster(2, 1, 2, 10, 2000, 30, 40000), []int{1})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint16{2000, 40000}, shorts(wide)); diff != "" {
		t.Errorf("channel 1 of 16 bits (-want +got):\n%s", diff)
	}
	for _, bad := range [][]int{nil, {3}, {-1}} {
		if _, err := SelectChannels(bytesRaster(1, 1, 3, 1, 2, 3), bad); fault.KindOf(err) != fault.Invalid {
			t.Errorf("channels %v: %v, want kind invalid", bad, err)
		}
	}
}

func TestFlattenAlpha(t *testing.T) {
	// Half over black: 200·128/255 = 100.39 → 100. Over white it gains
	// 255·127/255 = 127 → (200·128 + 255·127 + 127)/255 = 227.39 → 227.
	r := bytesRaster(3, 1, 2, 200, 128, 200, 0, 200, 255)
	black, err := FlattenAlpha(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]byte{100, 0, 200}, black.Pix); diff != "" {
		t.Errorf("over black (-want +got):\n%s", diff)
	}
	white, err := FlattenAlpha(r, []uint16{255})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]byte{227, 255, 200}, white.Pix); diff != "" {
		t.Errorf("over white (-want +got):\n%s", diff)
	}
	deep, err := FlattenAlpha(shortsRaster(2, 1, 2, 60000, 65535, 60000, 32768), []uint16{0})
	if err != nil {
		t.Fatal(err)
	}
	// 60000·32768/65535 = 30000.46
	if diff := cmp.Diff([]uint16{60000, 30000}, shorts(deep)); diff != "" {
		t.Errorf("16 bits (-want +got):\n%s", diff)
	}
	if _, err := FlattenAlpha(bytesRaster(1, 1, 1, 3), nil); fault.KindOf(err) != fault.Invalid {
		t.Errorf("grey without alpha: %v, want kind invalid", err)
	}
}
