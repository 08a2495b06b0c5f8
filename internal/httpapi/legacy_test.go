package httpapi_test

import (
	"bytes"
	"net/http"
	"testing"
)

func TestLegacyTilesAreNormalisedTiles(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	want := s.get("/image/"+path+"/normalized-tile/zoom/1/tx/0/ty/0.jpg").want(t, http.StatusOK)
	for _, url := range []string{
		"/image/tile.jpg?zoomify=" + path + "&x=0&y=0&z=1&tileGroup=3&mimeType=image/png",
		"/slice/tile?zoomify=" + path + "&tileGroup=0&x=0&y=0&z=1",
		"/slice/tile?fif=" + path + "&tileIndex=0&z=1&mimeType=image/tiff",
		"/slice/tile?fif=" + path + "&tileIndex=0&z=1&channels=0", // planes are not for these
	} {
		got := s.get(url).want(t, http.StatusOK)
		if !bytes.Equal(got.raw, want.raw) || got.Header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("%s is not the normalised tile (%s, %d bytes)", url, got.Header.Get("Content-Type"), len(got.raw))
		}
	}
	for url, status := range map[string]int{
		"/image/tile.jpg": 422,
		"/image/tile.jpg?zoomify=" + path + "&x=0&y=0":      422,
		"/image/tile.jpg?zoomify=" + path + "&x=-1&y=0&z=0": 422,
		"/image/tile.jpg?zoomify=" + path + "&x=a&y=0&z=0":  422,
		"/image/tile.jpg?zoomify=" + path + "&x=99&y=0&z=0": 400,
		"/image/tile.jpg?zoomify=none/x.svs&x=0&y=0&z=0":    404,
		"/slice/tile":     422,
		"/slice/tile?z=1": 400,
		"/slice/tile?z=1&zoomify=" + path + "&x=0&y=0":      400, // without tileGroup
		"/slice/tile?fif=" + path + "&tileIndex=0&z=99":     400,
		"/slice/tile?fif=" + path + "&tileIndex=999999&z=0": 400,
		"/slice/tile?fif=..%2F..%2Fetc%2Fx&tileIndex=0&z=0": 404,
	} {
		s.get(url).want(t, status)
	}
}

func TestTilesAreAddressedInEveryWayWithGetAndPost(t *testing.T) {
	s := newService(t, "")
	path := "/image/" + s.own("svs/rgb-240.svs")
	for _, grid := range []string{"/tile", "/normalized-tile"} {
		want := s.get(path+grid+"/level/0/tx/0/ty/0.png?gammas=2").want(t, http.StatusOK)
		for _, address := range []string{"/level/0/ti/0.png", "/level/0/tx/0/ty/0.png"} {
			if got := s.send("POST", path+grid+address, `{"gammas":2}`).want(t, http.StatusOK); !bytes.Equal(got.raw, want.raw) {
				t.Errorf("POST %s%s differs from GET", grid, address)
			}
			s.send("POST", path+grid+address, "").want(t, http.StatusOK)
			s.send("POST", path+grid+address, "{").want(t, http.StatusUnprocessableEntity)
			s.send("POST", path+grid+address, `{"gammas":"a"}`).want(t, http.StatusUnprocessableEntity)
		}
		s.send("POST", path+grid+"/zoom/99/ti/0.png", "{}").want(t, http.StatusBadRequest)
	}
}

func TestAFileCanBeDeletedByItsPath(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	got := s.send("DELETE", "/file/"+path, "").want(t, http.StatusNoContent)
	if len(got.raw) > 0 {
		t.Errorf("204 with a body: %s", got.raw)
	}
	s.get("/image/"+path+"/info").want(t, http.StatusNotFound)
	s.send("DELETE", "/file/"+path, "").want(t, http.StatusNotFound)
}
