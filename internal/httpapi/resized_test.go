package httpapi_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"strings"
	"testing"
)

func pictureOf(t *testing.T, r reply) image.Image {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(r.raw))
	if err != nil {
		t.Fatalf("%s: %v", r.Request.URL, err)
	}
	return picture
}

func TestResizedHasTheSizeThatIsAsked(t *testing.T) {
	s := newService(t, "")
	path := "/image/" + s.own("svs/rgb-240.svs") + "/resized"
	full := image.Pt(2220, 1667)
	coarsest := pictureOf(t, s.get(path+".png?zoom=0").want(t, 200)).Bounds().Size()
	for query, want := range map[string]image.Point{
		"":                   sized(full, 256),
		"?length=100":        sized(full, 100),
		"?length=100&zoom=0": coarsest,            // a tier wins
		"?width=0.5":         image.Pt(1110, 834), // 2220×1667; halves are rounded to even
	} {
		if got := pictureOf(t, s.get(path+".png"+query).want(t, 200)).Bounds().Size(); got != want {
			t.Errorf("%q is %v, want %v", query, got, want)
		}
	}
	for query, status := range map[string]int{
		"?level=99": 400, "?zoom=99": 400, "?level=-1": 422, "?level=a": 422, "?length=0": 422, "?height=30000": 400,
		"?bits=auto": 422, "?colorspace=PURPLE": 422, "?gammas=a": 422, "?colormaps=zz": 404, "?filters=zz": 404,
	} {
		s.get(path+".png"+query).want(t, status)
	}
	s.get(path+".gif").want(t, 422)
	// Nothing has a default in a body.
	if got := s.send("POST", path+".png", "{}").want(t, 400); !strings.Contains(string(got.body), "Impossible to determine output dimensions") {
		t.Errorf("no size: %s", got.body)
	}
	byBody := s.send("POST", path+".png", `{"length":64,"bits":8,"channels":[0],"colormaps":"NONE"}`).want(t, 200)
	if byQuery := s.get(path+".png?length=64&bits=8&channels=0&colormaps=NONE").want(t, 200); !bytes.Equal(byBody.raw, byQuery.raw) {
		t.Error("the same request as body and as query gives two pictures")
	}
	if got := s.get(path, "Accept: image/*").want(t, 200).Header.Get("Content-Type"); got != "image/png" {
		t.Errorf("the first type for pictures to compute with is %s, want image/png", got)
	}
}

func sized(full image.Point, length int) image.Point {
	if full.X > full.Y {
		return image.Pt(length, (full.Y*length+full.X/2)/full.X)
	}
	return image.Pt((full.X*length+full.Y/2)/full.Y, length)
}

// Values are scaled to 0 … 2^bits−1 and not stretched to the container
// (pims-api §3.0.3): with 4 bits nothing is above 15.
func TestResizedScalesToTheBitsThatAreAsked(t *testing.T) {
	s := newService(t, "")
	path := "/image/" + s.own("svs/rgb-240.svs") + "/resized.png?length=32&colormaps=NONE&channels=0&bits="
	for bits, top := range map[string]uint32{"4": 15, "8": 255, "0": 0, "AUTO": 255} {
		picture := pictureOf(t, s.get(path+bits).want(t, 200))
		var most uint32
		for y := range 32 {
			for x := range picture.Bounds().Dx() {
				most = max(most, uint32(color.GrayModel.Convert(picture.At(x, y)).(color.Gray).Y))
			}
		}
		if most > top || (top > 0 && most < top/3) {
			t.Errorf("bits=%s: the greatest value is %d, expected up to %d", bits, most, top)
		}
	}
	if _, is8 := pictureOf(t, s.get(path+"12").want(t, 200)).(*image.Gray); !is8 {
		t.Error("12 bits of a slide of 8 are not clipped to 8, as PIMS does")
	}
	if got := s.get(strings.Replace(path, ".png", ".jpg", 1)+"12").want(t, 200); got.Header.Get("Content-Type") != "image/jpeg" {
		t.Error("12 bits in a JPEG are 8")
	}
	colored := pictureOf(t, s.get(path+"8&colorspace=COLOR").want(t, 200))
	if _, isGray := colored.(*image.Gray); isGray {
		t.Error("colorspace=COLOR of one channel is grey")
	}
	gray := pictureOf(t, s.get(strings.Replace(path, "&colormaps=NONE&channels=0", "", 1)+"8&colorspace=GRAY").want(t, http.StatusOK))
	if _, isGray := gray.(*image.Gray); !isGray {
		t.Errorf("colorspace=GRAY of RGB is %T", gray)
	}
}
