package pixel

import "testing"

// TestThumbnailLiesWhereTheReferencesDoes: a white column in the middle of a
// row that grows by a pixel lies half a pixel further right than Resize puts
// it; rows that only shrink lie where they were.
func TestThumbnailLiesWhereTheReferencesDoes(t *testing.T) {
	r := New(40, 1, 1, Uint8)
	for x := range 40 {
		r.Pix[x] = byte(6 * x)
	}
	centred, moved := Resize(r, 41, 1), Thumbnail(r, 41, 1)
	for x := 4; x < 36; x++ {
		// A ramp of 6·40/41 = 5.85 a pixel: half a pixel is 2.9.
		d := int(centred.Pix[x]) - int(moved.Pix[x])
		if d < 2 || d > 4 {
			t.Errorf("pixel %d is %d, centred it is %d: want 3 less", x, moved.Pix[x], centred.Pix[x])
		}
	}
	small, same := Resize(r, 13, 1), Thumbnail(r, 13, 1)
	for x := range 13 {
		if small.Pix[x] != same.Pix[x] {
			t.Errorf("shrunk pixel %d is %d, want %d", x, same.Pix[x], small.Pix[x])
		}
	}
}

func TestThumbnailThatGrowsAndShrinks(t *testing.T) {
	r := New(10, 300, 3, Uint16)
	for i := range r.Pix {
		r.Pix[i] = 0x40
	}
	out := Thumbnail(r, 25, 40)
	if out.Width != 25 || out.Height != 40 {
		t.Fatalf("it is %d×%d, want 25×40", out.Width, out.Height)
	}
	for i := 0; i < len(out.Pix); i += 2 {
		if v := get16(out.Pix, i); v != 0x4040 {
			t.Fatalf("an even picture has value %#x, want 0x4040", v)
		}
	}
}

func TestCastClips(t *testing.T) {
	r := New(3, 1, 1, Uint16)
	for i, v := range []uint16{7, 255, 4095} {
		put16(r.Pix, 2*i, v)
	}
	out, err := Cast(r, Uint8)
	if err != nil || out.Pix[0] != 7 || out.Pix[1] != 255 || out.Pix[2] != 255 {
		t.Errorf("7, 255, 4095 in bytes are %v (%v), want 7, 255, 255", out.Pix, err)
	}
	if back, err := Cast(out, Uint16); err != nil || get16(back.Pix, 0) != 7 {
		t.Errorf("7 in words is %v (%v)", back, err)
	}
	if _, err := Cast(New(1, 1, 1, Float32), Uint8); err == nil {
		t.Error("floats are cast")
	}
}
