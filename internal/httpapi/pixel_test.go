package httpapi_test

import (
	"bytes"
	"image/png"
	"strconv"
	"strings"
	"testing"
)

func TestPixelValuesAreThoseOfTheTile(t *testing.T) {
	s := newService(t, "")
	path := "/image/" + s.own("svs/rgb-240.svs")
	tile, err := png.Decode(bytes.NewReader(s.get(path+"/tile/level/0/tx/1/ty/1.png").want(t, 200).raw))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range [][2]int{{0, 0}, {17, 5}, {100, 200}} {
		var got struct {
			X, Y, Level int
			PixelType   string `json:"pixel_type"`
			Items       []struct {
				Channel int
				Value   uint32
			}
		}
		decode(t, s.get(path+"/pixel?x="+strconv.Itoa(240+at[0])+"&y="+strconv.Itoa(240+at[1])).want(t, 200), &got)
		want := colourAt(t, tile, at[0], at[1])
		for c, item := range got.Items {
			if item.Channel != c || item.Value != want[c] {
				t.Errorf("pixel %v, channel %d: %+v, want %d", at, c, item, want[c])
			}
		}
		if len(got.Items) != 3 || got.PixelType != "uint8" {
			t.Errorf("pixel %v: %+v", at, got)
		}
	}
	if got := s.get(path+"/pixel?x=0&y=0&channels=1").want(t, 200); !strings.Contains(string(got.body), `"size":1`) {
		t.Errorf("one channel: %s", got.body)
	}
	for query, status := range map[string]int{
		"": 422, "?x=1": 422, "?x=a&y=0": 422, "?x=-1&y=0": 422, "?x=999999&y=0": 400, "?x=0&y=0&level=99": 400,
		"?x=0&y=0&channels=9": 400, "?x=0&y=0&z_slices=9": 400,
	} {
		s.get(path+"/pixel"+query).want(t, status)
	}
	s.get("/image/none/x/pixel?x=0&y=0").want(t, 404)
}

func TestReadyAsksTheStore(t *testing.T) {
	s := newService(t, "")
	if got := s.get("/ready").want(t, 200); string(got.body) != `{"ready":true}` {
		t.Errorf("/ready: %s", got.body)
	}
}
