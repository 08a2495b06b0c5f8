package render

import (
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/pixel"
)

// jpegPlane is a slide of one level in one JPEG tile of 512² with a soft slope.
func jpegPlane(t *testing.T) *planes {
	t.Helper()
	return paddedPlane(t, 512, 512)
}

// paddedPlane is a slide whose tile of 512² is black beyond its border.
func paddedPlane(t *testing.T, width, height int) *planes {
	t.Helper()
	const side = 512
	picture := pixel.New(side, side, 3, pixel.Uint8)
	for y := range height {
		for x := range width {
			at := picture.Row(y)[3*x:]
			at[0], at[1], at[2] = byte(x/2), byte(y/2), byte((x+y)/4)
		}
	}
	body, err := codec.Encode(picture, codec.Output{MediaType: "image/jpeg", Quality: 95})
	if err != nil {
		t.Fatal(err)
	}
	s := newPlanes(width, height, 3, 1, 1, pixel.Uint8, 8)
	s.m.Description.Levels[0].TileWidth, s.m.Description.Levels[0].TileHeight = side, side
	s.m.Encodings[0].Codec, s.m.Encodings[0].Photometric = formats.CodecJPEG, formats.PhotometricYCbCr
	s.pixels[formats.Plane{}] = body
	return s
}

func TestLargeRectanglesOfJPEGAreDecodedSmaller(t *testing.T) {
	s := jpegPlane(t)
	p, err := planFor(t.Context(), s, Default(&s.m))
	if err != nil {
		t.Fatal(err)
	}
	odd := &plan{before: []step{toGrey{}}}
	none := newPlanes(512, 512, 3, 1, 1, pixel.Uint8, 8)
	for _, row := range []struct {
		what string
		s    *planes
		p    *plan
		rect Rect
		side int
		want int
	}{
		{"the same size", s, p, Rect{0, 0, 512, 512}, 512, 1},
		{"half the size, which the usual resizing makes", s, p, Rect{0, 0, 512, 512}, 256, 1},
		{"a quarter", s, p, Rect{0, 0, 512, 512}, 128, 2},
		{"an eighth", s, p, Rect{0, 0, 512, 512}, 64, 4},
		{"a sixteenth", s, p, Rect{0, 0, 512, 512}, 32, 8},
		{"less than a sixteenth", s, p, Rect{0, 0, 512, 512}, 5, 8},
		{"a rectangle between pixels of an eighth", s, p, Rect{4, 0, 508, 512}, 16, 4},
		{"an odd rectangle", s, p, Rect{1, 0, 511, 512}, 16, 1},
		{"steps on the stored samples", s, odd, Rect{0, 0, 512, 512}, 16, 1},
		{"no JPEG", none, p, Rect{0, 0, 512, 512}, 16, 1},
	} {
		if got := shrinkOf(&row.s.m, 0, row.rect, row.p, row.side, row.side); got != row.want {
			t.Errorf("%s: decoded at 1/%d, want 1/%d", row.what, got, row.want)
		}
	}
}

// TestSmallerDecodingLooksTheSame holds the picture of tiles that were decoded
// smaller against that of whole ones.
func TestSmallerDecodingLooksTheSame(t *testing.T) {
	s := jpegPlane(t)
	r := New(Config{Concurrency: 1, MaxPixels: 1 << 24, MaxMemory: 1 << 28, MaxTile: 1 << 24})
	for _, row := range []struct {
		rect Rect
		side int
	}{{Rect{0, 0, 512, 512}, 128}, {Rect{0, 0, 512, 512}, 32}, {Rect{64, 128, 352, 352}, 33}} {
		p, err := planFor(t.Context(), s, Default(&s.m))
		if err != nil {
			t.Fatal(err)
		}
		small, err := r.picture(t.Context(), s, 0, row.rect, p, row.side, row.side)
		if err != nil {
			t.Fatal(err)
		}
		if p.shrink < 2 {
			t.Fatalf("%v for %d pixels was decoded at 1/%d, want less", row.rect, row.side, p.shrink)
		}
		whole, err := r.plane(t.Context(), s, 0, formats.Plane{}, row.rect, 1)
		if err != nil {
			t.Fatal(err)
		}
		want := pixel.Thumbnail(whole, row.side, row.side)
		for i, v := range small.Pix {
			if d := int(v) - int(want.Pix[i]); d > 3 || d < -3 {
				t.Fatalf("%v for %d pixels: sample %d is %d, %d when decoded whole", row.rect, row.side, i, v, want.Pix[i])
			}
		}
	}
}

// TestWholeSlidesAreDecodedSmaller makes the picture of a slide without coarser
// levels.
func TestWholeSlidesAreDecodedSmaller(t *testing.T) {
	s := jpegPlane(t)
	r := New(Config{Concurrency: 1, MaxPixels: 1 << 24, MaxMemory: 1 << 28, MaxTile: 1 << 24})
	for _, row := range []struct{ width, height, shrink int }{
		{300, 300, 1}, {128, 128, 2}, {64, 64, 4}, {20, 20, 8}, {7, 7, 8}, {128, 20, 2},
	} {
		p, err := planFor(t.Context(), s, Default(&s.m))
		if err != nil {
			t.Fatal(err)
		}
		small, err := r.scaled(t.Context(), s, p, row.width, row.height)
		if err != nil {
			t.Fatal(err)
		}
		if max(p.shrink, 1) != row.shrink {
			t.Errorf("%d×%d was decoded at 1/%d, want 1/%d", row.width, row.height, p.shrink, row.shrink)
		}
		whole, err := r.plane(t.Context(), s, 0, formats.Plane{}, Rect{0, 0, 512, 512}, 1)
		if err != nil {
			t.Fatal(err)
		}
		want := pixel.Shrink(whole, 512/small.Width, 512/small.Height)
		if want.Width != small.Width || want.Height != small.Height {
			t.Fatalf("%d×%d came from %d×%d pixels, which is no whole part of 512", row.width, row.height, small.Width, small.Height)
		}
		for i, v := range small.Pix {
			if d := int(v) - int(want.Pix[i]); d > 3 || d < -3 {
				t.Fatalf("%d×%d: sample %d is %d, %d when decoded whole", row.width, row.height, i, v, want.Pix[i])
			}
		}
	}
}

// TestNothingBeyondTheBorderShows decodes tiles smaller whose level ends between
// two of their pixels, with black beyond.
func TestNothingBeyondTheBorderShows(t *testing.T) {
	r := New(Config{Concurrency: 1, MaxPixels: 1 << 24, MaxMemory: 1 << 28, MaxTile: 1 << 24})
	for _, size := range [][2]int{{497, 509}, {496, 499}, {500, 504}} {
		s := paddedPlane(t, size[0], size[1])
		for _, shrink := range []int{2, 4, 8} {
			small, err := r.plane(t.Context(), s, 0, formats.Plane{}, Rect{0, 0, size[0], size[1]}, shrink)
			if err != nil {
				t.Fatal(err)
			}
			x, y := small.Width-1, small.Height-1
			for _, at := range [][2]int{{x, y / 2}, {x / 2, y}, {x, y}} {
				got := small.Row(at[1])[3*at[0]:]
				for i, want := range []int{at[0] * shrink / 2, at[1] * shrink / 2, (at[0] + at[1]) * shrink / 4} {
					if d := int(got[i]) - want; d > 12 || d < -12 {
						t.Errorf("%v at 1/%d: sample %d at %v is %d, want about %d", size, shrink, i, at, got[i], want)
					}
				}
			}
		}
	}
}
