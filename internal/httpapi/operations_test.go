package httpapi_test

import (
	"bytes"
	"fmt"
	"image/color"
	"image/png"
	"net/http"
	"testing"
)

// TestOperationsAreShown asks for every display operation of pims-api §3.0 and
// holds the picture to what must be true of each of its pixels.
func TestOperationsAreShown(t *testing.T) {
	s := newService(t, "")
	image := "/image/" + s.own("pyrtiff/deflate-predictor-pages.tif")
	plain := picture(t, s.get(image+"/thumb.png?length=64").want(t, http.StatusOK))
	for query, holds := range map[string]func(in, out []uint8) bool{
		"channels=0":                                       func(in, out []uint8) bool { return out[0] == in[0] && out[1] == 0 && out[2] == 0 },
		"channels=0,2":                                     func(in, out []uint8) bool { return out[0] == in[0] && out[1] == 0 && out[2] == in[2] },
		"channels=1:&colormaps=NONE,black":                 func(in, out []uint8) bool { return out[0] == in[1] && out[1] == in[1] && out[2] == in[1] },
		"channels=0&colormaps=!%23f00":                     func(in, out []uint8) bool { return near(out[0], 255-in[0], 1) && out[1] == 0 },
		`channels=0&colormaps=%22hsl(120,100%25,50%25)%22`: func(in, out []uint8) bool { return out[0] == 0 && out[1] == in[0] && out[2] == 0 }, // a comma within a value is quoted, as in CSV
		"c_reduction=MAX":                                  func(in, out []uint8) bool { return out[0] == max(in[0], in[1], in[2]) && out[1] == out[0] },
		"c_reduction=MIN":                                  func(in, out []uint8) bool { return out[0] == min(in[0], in[1], in[2]) },
		"c_reduction=MED": func(in, out []uint8) bool {
			return int(out[0]) == sum(in)-int(min(in[0], in[1], in[2]))-int(max(in[0], in[1], in[2]))
		},
		"channels=0&colormaps=NONE&min_intensities=100&max_intensities=101": func(in, out []uint8) bool {
			return (in[0] > 100) == (out[0] == 255) || in[0] == 100
		},
		"channels=0&colormaps=NONE&log=true": func(in, out []uint8) bool { return out[0] >= in[0] },
		"filters=OTSU":                       func(in, out []uint8) bool { return out[0] == 0 || out[0] == 255 },
		"filters=cmy-yellow":                 func(in, out []uint8) bool { return out[0] == 255 && out[1] == 255 && near(out[2], in[2], 1) },
		"filters=cmy-yellow,isodata":         func(in, out []uint8) bool { return out[0] == 0 || out[0] == 255 },
		"z_reduction=MAX&z_slices=0:1":       func(in, out []uint8) bool { return bytes.Equal(in, out) },
		"min_intensities=STRETCH_PLANE&max_intensities=STRETCH_IMAGE": func(in, out []uint8) bool { return near(out[0], in[0], 40) },
	} {
		t.Run(query, func(t *testing.T) {
			got := picture(t, s.get(image+"/thumb.png?length=64&"+query).want(t, http.StatusOK))
			for y := range got.Height {
				in, out := plain.Row(y), got.Row(y)
				for x := range got.Width {
					if !holds(in[3*x:3*x+3], out[3*x:3*x+3]) {
						t.Fatalf("pixel (%d, %d) is %v, shown plainly it is %v", x, y, out[3*x:3*x+3], in[3*x:3*x+3])
					}
				}
			}
		})
	}
}

func near(a, b, distance uint8) bool { return a-b <= distance || b-a <= distance }

func sum(values []uint8) int {
	out := 0
	for _, v := range values {
		out += int(v)
	}
	return out
}

func TestThresholdIsTransparent(t *testing.T) {
	s := newService(t, "")
	image := "/image/" + s.own("pyrtiff/grey8-lzw-pages.tif")
	got := s.get(image+"/normalized-tile/level/0/ti/0.png?threshold=0.5").want(t, http.StatusOK)
	decoded, err := png.Decode(bytes.NewReader(got.raw))
	if err != nil {
		t.Fatal(err)
	}
	opaque := 0
	for y := range decoded.Bounds().Dy() {
		for x := range decoded.Bounds().Dx() {
			c := color.NRGBAModel.Convert(decoded.At(x, y)).(color.NRGBA)
			if (c.R >= 128) != (c.A == 255) || c.R > 0 != (c.A > 0) {
				t.Fatalf("pixel (%d, %d) is %v: below half it must be transparent", x, y, c)
			}
			if c.A > 0 {
				opaque++
			}
		}
	}
	if opaque == 0 {
		t.Error("nothing is opaque")
	}
}

func TestQualityIsThatOfTheRequest(t *testing.T) {
	s := newService(t, "")
	image := "/image/" + s.own("pyrtiff/jpeg-ycbcr-pages.tif")
	last := 0
	for _, quality := range []int{10, 50, 95} {
		got := s.get(fmt.Sprintf("%s/normalized-tile/level/0/ti/0.jpg?quality=%d", image, quality)).want(t, http.StatusOK)
		if len(got.raw) <= last {
			t.Errorf("quality %d has %d bytes, the one below %d", quality, len(got.raw), last)
		}
		last = len(got.raw)
	}
}

func TestOperationsThatAreRefused(t *testing.T) {
	s := newService(t, "")
	image := "/image/" + s.own("pyrtiff/grey16-deflate-predictor.tif")
	for query, status := range map[string]int{
		"filters=OTSU,YEN": 400, "filters=OTSU,HE-EOSIN": 400, "filters=BLUR": 404, "colormaps=default": 404, "colormaps=!nothing": 404,
		"quality=0": 422, "quality=101": 422, "quality=good": 422, "z_slices=0,1": 422, "z_reduction=ADD": 422,
		"z_reduction=MAX&z_slices=7": 400, "t_reduction=MED&timepoints=x": 400, "min_intensities=9&max_intensities=8": 400,
	} {
		s.get(image+"/thumb.png?"+query).want(t, status)
	}
}

// TestPlanesAreProjected compares a projection of both focal planes, pixel by
// pixel, with the planes.
func TestPlanesAreProjected(t *testing.T) {
	s := newService(t, "")
	image := "/image/" + s.own("pyrometiff/subifd-rgb-z2.ome.tif")
	tile := func(query string) []byte {
		return picture(t, s.get(image+"/normalized-tile/level/0/ti/0.png?"+query).want(t, http.StatusOK)).Pix
	}
	first, second := tile("z_slices=0"), tile("z_slices=1")
	if bytes.Equal(first, second) {
		t.Fatal("both planes are the same")
	}
	for query, want := range map[string]func(a, b uint8) uint8{
		"z_reduction=MAX":              func(a, b uint8) uint8 { return max(a, b) },
		"z_reduction=MIN&z_slices=0:2": func(a, b uint8) uint8 { return min(a, b) },
		"z_reduction=MED&z_slices=0,1": func(a, b uint8) uint8 { return max(a, b) }, // the upper of two
		"z_reduction=MAX&z_slices=1":   func(_, b uint8) uint8 { return b },
		"z_slices=0&t_reduction=MAX":   func(a, _ uint8) uint8 { return a },
	} {
		for i, got := range tile(query) {
			if got != want(first[i], second[i]) {
				t.Fatalf("%s: sample %d is %d, the planes have %d and %d", query, i, got, first[i], second[i])
			}
		}
	}
}

// TestBoundsOfAPlaneAreItsOwn: with STRETCH_PLANE, some value is shown black and
// some white in every plane.
func TestBoundsOfAPlaneAreItsOwn(t *testing.T) {
	s := newService(t, "")
	image := "/image/" + s.own("ometiff/tiles-xytcz-mm.ome.tif")
	for z := range 2 {
		pix := picture(t, s.get(fmt.Sprintf("%s/normalized-tile/level/0/ti/0.png?channels=0&colormaps=NONE&z_slices=%d&min_intensities=STRETCH_PLANE&max_intensities=STRETCH_PLANE", image, z)).want(t, http.StatusOK)).Pix
		least, greatest := uint8(255), uint8(0)
		for _, v := range pix {
			least, greatest = min(least, v), max(greatest, v)
		}
		if least != 0 || greatest != 255 {
			t.Errorf("plane %d is shown from %d to %d, want 0 to 255", z, least, greatest)
		}
	}
}
