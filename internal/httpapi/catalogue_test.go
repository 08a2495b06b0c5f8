package httpapi_test

import (
	"bytes"
	"encoding/json"
	"image"
	"image/png"
	"net/http"
	"testing"
)

// colour is an 8-bit RGB sample of a picture.
func colourAt(t *testing.T, picture image.Image, x, y int) [3]uint32 {
	t.Helper()
	r, g, b, _ := picture.At(x, y).RGBA()
	return [3]uint32{r >> 8, g >> 8, b >> 8}
}

func TestColormapsAreListedAndDrawn(t *testing.T) {
	s := newService(t, "")
	var list struct {
		Items []struct{ ID, Name, Type string }
		Size  int
	}
	for query, want := range map[string]int{"": 82, "?with_inverted=true": 164} {
		if err := json.Unmarshal(s.get("/colormaps"+query).want(t, http.StatusOK).body, &list); err != nil {
			t.Fatal(err)
		}
		if list.Size != want || len(list.Items) != want {
			t.Errorf("/colormaps%s has %d items, want %d", query, len(list.Items), want)
		}
	}
	if list.Items[0].ID == "" {
		t.Error("items have no ids")
	}
	s.get("/colormaps?with_inverted=perhaps").want(t, http.StatusUnprocessableEntity)

	got := s.get("/colormaps/!jet").want(t, http.StatusOK)
	if want := `{"id":"!JET","name":"Jet (Inverted)","type":"MISCELLANEOUS"}`; string(got.body) != want {
		t.Errorf("/colormaps/!jet is %s, want %s", got.body, want)
	}
	for _, id := range []string{"red", "NOMAP", "!"} {
		s.get("/colormaps/"+id).want(t, http.StatusNotFound)
	}

	strip := s.get("/colormaps/HEATMAP/representation.png?width=5&height=2").want(t, http.StatusOK)
	picture, err := png.Decode(bytes.NewReader(strip.raw))
	if err != nil {
		t.Fatal(err)
	}
	if size := picture.Bounds().Size(); size != image.Pt(5, 2) {
		t.Fatalf("the strip is %v, want 5×2", size)
	}
	// Blue, cyan, lime, yellow, red at 0, ¼, ½, ¾, 1 (pims-api §8.4).
	for x, want := range [][3]uint32{{0, 0, 255}, {0, 255, 255}, {0, 255, 0}, {255, 255, 0}, {255, 0, 0}} {
		if got := colourAt(t, picture, x, 1); got != want {
			t.Errorf("column %d is %v, want %v", x, got, want)
		}
	}
	for query, status := range map[string]int{
		"/colormaps/jet/representation.png":             404, // in its own case only
		"/colormaps/JET/representation.png?width=wide":  422,
		"/colormaps/JET/representation.png?width=0":     422,
		"/colormaps/JET/representation.png?height=9999": 422,
		"/colormaps/JET/representation.gif":             422,
	} {
		s.get(query).want(t, status)
	}
	if got := s.get("/colormaps/JET/representation", "Accept: image/*").want(t, http.StatusOK).Header.Get("Content-Type"); got != "image/png" {
		t.Errorf("the first type for pictures to compute with is %s, want image/png", got)
	}
}
