package httpapi_test

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"math"
	"math/bits"
	"net/http"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/slidegen"
	"github.com/pims-cloud/pims/pixel"
)

// picture decodes a PNG answer to 8-bit RGB.
func picture(t *testing.T, r reply) *pixel.Raster {
	t.Helper()
	decoded, err := png.Decode(bytes.NewReader(r.body))
	if err != nil {
		t.Fatalf("%s: %v", r.Request.URL, err)
	}
	b := decoded.Bounds()
	out := pixel.New(b.Dx(), b.Dy(), 3, pixel.Uint8)
	for y := range b.Dy() {
		row := out.Row(y)
		for x := range b.Dx() {
			red, green, blue, _ := decoded.At(x, y).RGBA()
			row[3*x], row[3*x+1], row[3*x+2] = byte(red>>8), byte(green>>8), byte(blue>>8)
		}
	}
	return out
}

// difference is the mean difference of two pictures of one size.
func difference(t *testing.T, a, b *pixel.Raster) float64 {
	t.Helper()
	if a.Width != b.Width || a.Height != b.Height {
		t.Fatalf("a picture has %d×%d pixels, want %d×%d", a.Width, a.Height, b.Width, b.Height)
	}
	sum := 0.0
	for i, v := range a.Pix {
		sum += math.Abs(float64(v) - float64(b.Pix[i]))
	}
	return sum / float64(len(a.Pix))
}

// The generator draws any rectangle of any reduced scene, so it says what each
// tile must show. Stored levels are compared closely; levels that are resampled
// from a neighbour within what a resampler may differ by.
func TestTilesShowWhatTheSceneShows(t *testing.T) {
	scenes := map[string]slidegen.Scene{}
	for name, f := range slidegen.SVSFixtures() {
		if !f.BlankTiles {
			scenes["svs/"+name] = f.Scene
		}
	}
	for name, f := range slidegen.PyramidFixtures() {
		if f.Pixels == 0 {
			scenes["pyrtiff/"+name] = f.Scene
		}
	}
	for name, scene := range scenes {
		t.Run(name, func(t *testing.T) {
			s := newService(t, "")
			path := s.own(name)
			exact := strings.Contains(name, "lzw") || strings.Contains(name, "deflate") || strings.Contains(name, "none")
			tiers := image.Pt(scene.Width, scene.Height)
			for level, factor := 0, 1; ; level, factor = level+1, factor*2 {
				across, down := (tiers.X+255)/256, (tiers.Y+255)/256
				for _, at := range []image.Point{{0, 0}, {across - 1, down - 1}, {across / 2, 0}} {
					got := picture(t, s.get(fmt.Sprintf("/image/%s/normalized-tile/level/%d/tx/%d/ty/%d.png", path, level, at.X, at.Y)).want(t, http.StatusOK))
					want := scene.Region(factor, at.X*256, at.Y*256, min(256, tiers.X-at.X*256), min(256, tiers.Y-at.Y*256))
					limit := 12.0
					if stored := image.Pt(scene.Width/factor, scene.Height/factor); storesSVS(name, factor) && stored != tiers {
						// The stored level is a pixel smaller than the normalised tier, so it
						// is enlarged, and then lies half a pixel to the right and below, as
						// the reference's does (pixel.Thumbnail).
						w, h := got.Width-1, got.Height-1
						got = pixel.Crop(got, 1, 1, w, h)
						want = pixel.Shrink2(scene.Region(factor/2, at.X*512+1, at.Y*512+1, 2*w, 2*h))
					}
					if exact && level == 0 {
						limit = 0
					}
					if d := difference(t, got, want); d > limit {
						t.Errorf("tile %v of level %d differs by %.1f on average, want at most %v", at, level, d, limit)
					}
				}
				if tiers.X <= 256 && tiers.Y <= 256 {
					break
				}
				tiers = image.Pt((tiers.X+1)/2, (tiers.Y+1)/2)
			}
		})
	}
}

// storesSVS tells whether the slide is an SVS that stores a level of the factor:
// they reduce by four each.
func storesSVS(name string, factor int) bool {
	return strings.HasPrefix(name, "svs/") && factor > 1 && bits.Len(uint(factor))%2 == 1
}

func TestSixteenBitsAreShownBetweenTheirBounds(t *testing.T) {
	s := newService(t, "")
	path := s.own("pyrtiff/grey16-deflate-predictor.tif")
	auto := picture(t, s.get("/image/"+path+"/tile/level/0/ti/0.png").want(t, http.StatusOK))
	full := picture(t, s.get("/image/"+path+"/tile/level/0/ti/0.png?min_intensities=0&max_intensities=65535").want(t, http.StatusOK))
	spread := func(r *pixel.Raster) (low, high byte) {
		low, high = 255, 0
		for _, v := range r.Pix {
			low, high = min(low, v), max(high, v)
		}
		return low, high
	}
	low, high := spread(auto)
	fullLow, fullHigh := spread(full)
	if int(high)-int(low) < int(fullHigh)-int(fullLow) || high < 250 {
		t.Errorf("AUTO_IMAGE shows %d to %d, the whole range %d to %d", low, high, fullLow, fullHigh)
	}
	grey := slidegen.PyramidFixtures()["grey16-deflate-predictor.tif"].Scene
	want := grey.Grey(1, 0, 0, 128, 128, pixel.Uint16)
	for y := range 128 {
		for x := range 128 {
			v := int(want.Row(y)[2*x]) | int(want.Row(y)[2*x+1])<<8
			if got := full.Row(y)[3*x]; got != byte(math.RoundToEven(float64(min(v, 65534))/65534*255)) {
				t.Fatalf("pixel (%d, %d) of value %d is shown as %d", x, y, v, got)
			}
		}
	}
}

func TestChannelsAreShownInTheirColours(t *testing.T) {
	s := newService(t, "")
	path := s.own("pyrtiff/lzw-predictor-pages.tif")
	tile := "/image/" + path + "/tile/level/0/ti/0.png"
	whole := picture(t, s.get(tile).want(t, http.StatusOK))
	for query, want := range map[string]func(r, g, b byte) [3]byte{
		"?channels=0":                                func(r, _, _ byte) [3]byte { return [3]byte{r, 0, 0} },
		"?channels=1":                                func(_, g, _ byte) [3]byte { return [3]byte{0, g, 0} },
		"?channels=0,2":                              func(r, _, b byte) [3]byte { return [3]byte{r, 0, b} },
		"?channels=2&colormaps=NONE":                 func(_, _, b byte) [3]byte { return [3]byte{b, b, b} },
		"?channels=0&colormaps=blue":                 func(r, _, _ byte) [3]byte { return [3]byte{0, 0, r} },
		"?colormaps=red,black,blue":                  func(r, _, b byte) [3]byte { return [3]byte{r, 0, b} },
		"?colormaps=NONE":                            func(r, g, b byte) [3]byte { return [3]byte{r, g, b} },
		"?min_intensities=255&max_intensities=255,0": nil,
	} {
		if want == nil {
			s.get(tile+query).want(t, http.StatusBadRequest)
			continue
		}
		got := picture(t, s.get(tile+query).want(t, http.StatusOK))
		for i := 0; i < len(got.Pix); i += 3 {
			w := want(whole.Pix[i], whole.Pix[i+1], whole.Pix[i+2])
			if !bytes.Equal(got.Pix[i:i+3], w[:]) {
				t.Errorf("%s: pixel %d is %v, want %v", query, i/3, got.Pix[i:i+3], w)
				break
			}
		}
	}
}

func TestBlankTilesShowGlass(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/blank-tiles.svs")
	id, _, _ := strings.Cut(path, "/")
	blank := 0
	for tile := range 4 * 3 {
		read := func() int { return len(s.slides.Reads()) }
		before := read()
		got := s.get(fmt.Sprintf("/image/%s/tile/level/0/ti/%d.png", id, tile), "Cache-Control: no-store").want(t, http.StatusOK)
		if read() > before {
			continue
		}
		blank++
		for _, v := range picture(t, got).Pix {
			if v != 255 {
				t.Fatalf("blank tile %d shows %d, want white", tile, v)
			}
		}
	}
	if blank == 0 {
		t.Error("no tile was blank")
	}
}

func TestThumbsShowTheWholeScene(t *testing.T) {
	s := newService(t, "")
	scene := slidegen.PyramidFixtures()["jpeg-ycbcr-pages.tif"].Scene
	path := s.own("pyrtiff/jpeg-ycbcr-pages.tif")
	whole := scene.Region(1, 0, 0, scene.Width, scene.Height)
	for _, length := range []int{64, 200, 333, 700, 1400} {
		got := picture(t, s.get(fmt.Sprintf("/image/%s/thumb.png?length=%d", path, length)).want(t, http.StatusOK))
		want := pixel.Resize(whole, length, got.Height)
		if d := difference(t, got, want); d > 6 || got.Width != length {
			t.Errorf("the thumb of %d pixels differs by %.1f on average", length, d)
		}
	}
}
