package httpapi_test

import (
	"bytes"
	"fmt"
	"image"
	"net/http"
	"strings"
	"testing"
)

func TestDeepZoomGoesDownToOnePixel(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/ycbcr-256.svs")
	var info struct{ Width, Height int }
	decode(t, s.get("/image/"+path+"/info/image").want(t, http.StatusOK), &info)
	dzi := s.get("/image/"+path+".dzi").want(t, http.StatusOK)
	if want := fmt.Sprintf(`<Size Width="%d" Height="%d"/>`, info.Width, info.Height); !strings.Contains(string(dzi.body), want) {
		t.Errorf("the descriptor is %s, want %s", dzi.body, want)
	}
	top := 0
	for 1<<top < max(info.Width, info.Height) {
		top++
	}
	for level, want := top, image.Pt(info.Width, info.Height); level >= 0; level-- {
		url := fmt.Sprintf("/image/%s_files/%d/0_0.jpg", path, level)
		got := size(t, s.get(url).want(t, http.StatusOK))
		if clipped := image.Pt(min(want.X, 256), min(want.Y, 256)); got != clipped {
			t.Errorf("tile 0_0 of level %d is %v, want %v", level, got, clipped)
		}
		want = image.Pt((want.X+1)/2, (want.Y+1)/2)
	}
	// The finest level is the slide's own 256 grid.
	native := s.get("/image/"+path+"/tile/level/0/ti/0.jpg").want(t, http.StatusOK)
	zoom := s.get(fmt.Sprintf("/image/%s_files/%d/0_0.jpg", path, top)).want(t, http.StatusOK)
	if !bytes.Equal(native.body, zoom.body) {
		t.Error("a Deep Zoom tile of the slide's own grid is not passed through")
	}
	for _, wrong := range []string{
		fmt.Sprint("_files/", top+1, "/0_0.jpg"), fmt.Sprint("_files/", top, "/999_0.jpg"), fmt.Sprint("_files/", top, "/0_0.gif"),
		fmt.Sprint("_files/", top, "/-1_0.jpg"), fmt.Sprint("_files/", top, "/00.jpg"),
	} {
		s.get("/image/"+path+wrong).want(t, http.StatusNotFound)
	}
}
