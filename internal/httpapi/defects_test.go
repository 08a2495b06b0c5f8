package httpapi_test

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// drawn imports a PNG that the function draws.
func (s *service) drawn(name string, picture image.Image) (path string) {
	s.t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		s.t.Fatal(err)
	}
	file := filepath.Join(s.t.TempDir(), name)
	if err := os.WriteFile(file, out.Bytes(), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return s.add(file)
}

func gradient(at func(x, y int) color.Color, picture interface {
	image.Image
	Set(x, y int, c color.Color)
}) image.Image {
	for y := range picture.Bounds().Dy() {
		for x := range picture.Bounds().Dx() {
			picture.Set(x, y, at(x, y))
		}
	}
	return picture
}

// PIMS answers these with 500, 406, 405 or with something wrong (pims-api §9.3
// and the list of the conformance corpus); each row says what is right.
func TestWhatPIMSGetsWrong(t *testing.T) {
	s := newService(t, "")
	gray := "/image/" + s.drawn("gray.png", gradient(func(x, y int) color.Color { return color.Gray{uint8(20 + x)} }, image.NewGray(image.Rect(0, 0, 64, 48))))
	rgb := "/image/" + s.drawn("rgb.png", gradient(func(x, y int) color.Color { return color.RGBA{uint8(2 * x), uint8(3 * y), 90, 255} }, image.NewRGBA(image.Rect(0, 0, 64, 48))))
	strip := "/image/" + s.drawn("strip.png", gradient(func(x, y int) color.Color { return color.Gray{uint8(x)} }, image.NewGray(image.Rect(0, 0, 900, 1))))
	svs := "/image/" + s.own("svs/rgb-240.svs")
	const square = `"annotations":[{"geometry":"POLYGON ((5 5, 25 5, 25 25, 5 25, 5 5))"}]`
	for _, c := range []struct {
		name, method, url, body string
		headers                 []string
		status                  int
		text                    string // in the body
	}{
		{"any media type", "GET", rgb + "/thumb", "", []string{"Accept: */*"}, 200, ""},
		{"grey channels have no colour", "GET", gray + "/info/channels", "", nil, 200, `"color":null`},
		{"information on a grey image", "GET", gray + "/info", "", nil, 200, `"color":null`},
		{"two of three channels", "GET", rgb + "/thumb.png?channels=0,2", "", nil, 200, ""},
		{"two of three channels of a pyramid", "GET", svs + "/tile/zoom/0/ti/0.png?channels=0,2", "", nil, 200, ""},
		{"a channel in black", "GET", rgb + "/thumb.png?colormaps=DEFAULT,BLACK,DEFAULT", "", nil, 200, ""},
		{"window by column and row", "POST", rgb + "/window.png", `{"region":{"tx":0,"ty":0},"length":20}`, nil, 200, ""},
		{"window on a tier of unequal factors", "POST", svs + "/window.png", `{"region":{"left":0,"top":0,"width":8,"height":8,"reference_tier_index":0,"tier_index_type":"ZOOM"},"length":20}`, nil, 200, ""},
		{"crop without transparency", "POST", rgb + "/window.png", `{"region":{"left":0,"top":0,"width":40,"height":40},"length":40,"annotation_style":{"mode":"CROP"},` + square + `}`, nil, 200, ""},
		{"no annotation", "POST", rgb + "/annotation/mask.png", `{"annotations":[],"length":20}`, nil, 400, `"title"`},
		{"an empty geometry", "POST", rgb + "/annotation/mask.png", `{"annotations":[{"geometry":"POLYGON EMPTY"}],"length":20}`, nil, 400, `"title"`},
		{"a point by ratio is a pixel", "POST", rgb + "/annotation/mask.png", `{"annotations":[{"geometry":"POINT (9 9)"}],"length":0.5}`, nil, 200, ""},
		{"a collection is drawn", "POST", rgb + "/annotation/drawing.png", `{"annotations":[{"geometry":"GEOMETRYCOLLECTION (POINT (9 9), LINESTRING (1 1, 30 30))","stroke_color":"red"}],"length":20}`, nil, 200, ""},
		{"threshold on a thumb", "GET", rgb + "/thumb.png?threshold=0.3", "", nil, 200, ""},
		{"bounds the wrong way round", "GET", rgb + "/thumb.png?min_intensities=200&max_intensities=100", "", nil, 400, "above"},
		{"lists of Java", "GET", rgb + "/thumb.png?colormaps=[red,%20lime,%20blue]", "", nil, 200, ""},
		{"sides are at least a pixel", "GET", strip + "/thumb.png?length=50", "", nil, 200, ""},
		{"a threshold that a histogram has not", "GET", gray + "/thumb.png?filters=MINIMUM", "", nil, 400, "two peaks"},
		{"HEAD", "HEAD", rgb + "/thumb.png", "", nil, 200, ""},
		{"traversal", "GET", "/image/%2e%2e/%2e%2e/etc/hostname/info/image", "", nil, 404, "Filepath not found"},
		{"traversal of a file", "GET", "/file/%2e%2e/%2e%2e/%2e%2e/etc/hostname/info", "", nil, 404, "Filepath not found"},
		{"an absolute path", "GET", "/file//etc/hostname/info", "", nil, 404, "Filepath not found"},
		{"the root", "GET", "/image/data/info", "", nil, 404, "Filepath not found"},
		{"a strip without width", "GET", "/colormaps/JET/representation.png?width=0", "", nil, 422, `"detail":[`},
	} {
		got := s.send(c.method, c.url, c.body, c.headers...)
		if got.StatusCode != c.status || !bytes.Contains(got.raw, []byte(c.text)) {
			t.Errorf("%s: %s %s: status %d, want %d with %q in it: %.200q", c.name, c.method, c.url, got.StatusCode, c.status, c.text, got.raw)
		}
	}
}

// The slide's path reaches PIMS encoded twice when a name has unusual
// characters, and PIMS answers 404 (pims-api §2.1).
func TestPathsThatAreEncodedTwiceAreFound(t *testing.T) {
	s := newService(t, "")
	path := s.drawn("näme.png", gradient(func(x, _ int) color.Color { return color.Gray{uint8(x)} }, image.NewGray(image.Rect(0, 0, 9, 9))))
	id, name, _ := strings.Cut(path, "/")
	once := url.PathEscape(name)
	for _, spelling := range []string{once, url.PathEscape(once)} {
		s.get("/image/"+id+"/"+spelling+"/info").want(t, http.StatusOK)
	}
}

// PIMS' cache takes one for the other.
func TestAnswersThatDifferHaveTagsThatDiffer(t *testing.T) {
	s := newService(t, "")
	path := "/image/" + s.drawn("a.png", gradient(func(x, y int) color.Color { return color.Gray{uint8(x + y)} }, image.NewGray(image.Rect(0, 0, 64, 48))))
	body := `{"annotations":[{"geometry":"POLYGON ((0 0, 60 0, 0 40, 0 0))"}],"length":30}`
	top := s.send("POST", path+"/annotation/mask.png", body, "X-Annotation-Origin: LEFT_TOP").want(t, 200)
	bottom := s.send("POST", path+"/annotation/mask.png", body, "X-Annotation-Origin: LEFT_BOTTOM").want(t, 200)
	if top.Header.Get("ETag") == bottom.Header.Get("ETag") || bytes.Equal(top.raw, bottom.raw) {
		t.Error("masks of two origins are one answer")
	}
	for _, mediaType := range []string{"image/png", "image/apng", "image/jpeg", "image/jpg"} {
		if got := s.get(path+"/thumb?length=20", "Accept: "+mediaType).want(t, 200).Header.Get("Content-Type"); got != mediaType {
			t.Errorf("Accept: %s answers %s", mediaType, got)
		}
	}
}

// PIMS writes 16-bit colour clipped, and 8-bit grey of 16 bits as 16.
func TestDepthsAreWhatTheyAreSaidToBe(t *testing.T) {
	s := newService(t, "")
	gray := "/image/" + s.drawn("g16.png", gradient(func(x, _ int) color.Color { return color.Gray16{uint16(1000 * x)} }, image.NewGray16(image.Rect(0, 0, 64, 48))))
	rgb := "/image/" + s.drawn("c16.png", gradient(func(x, y int) color.Color {
		return color.RGBA64{uint16(1000 * x), uint16(1000 * y), 30000, 65535}
	}, image.NewRGBA64(image.Rect(0, 0, 64, 48))))
	if picture := pictureOf(t, s.get(gray+"/thumb.png?length=64").want(t, 200)); picture.ColorModel() != color.GrayModel {
		t.Errorf("a thumb of 16-bit grey is %T, want 8 bits", picture)
	}
	picture := pictureOf(t, s.get(rgb+"/resized.png?width=64").want(t, 200))
	r, g, b, _ := picture.At(40, 20).RGBA()
	for i, want := range []uint32{40000, 20000, 30000} {
		if got := []uint32{r, g, b}[i]; got < want-2 || got > want+2 {
			t.Errorf("sample %d of 16-bit colour is %d, want %d", i, got, want)
		}
	}
}

// Unknown exceptions never leak: what a cause says stays in the log.
func TestInternalErrorsSayNothingOfTheirCause(t *testing.T) {
	s := newService(t, "")
	path := s.addParts("a.dat")
	id, _, _ := strings.Cut(path, "/")
	s.store(id+"/processed/metadata.json", `{"items": secret`)
	got := s.get("/image/"+path+"/metadata").want(t, http.StatusInternalServerError)
	if bytes.Contains(got.raw, []byte("secret")) || bytes.Contains(got.raw, []byte("invalid character")) || !bytes.Contains(got.raw, []byte(`"code":"stored-json"`)) {
		t.Errorf("the answer is %s", got.raw)
	}
	if got.Header.Get("ETag") != "" || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("an error may be kept: ETag %q, Cache-Control %q", got.Header.Get("ETag"), got.Header.Get("Cache-Control"))
	}
}
