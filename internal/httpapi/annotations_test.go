package httpapi_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"net/http"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/slidegen"
	"github.com/pims-cloud/pims/pixel"
)

// losslessSlide is a pyramid of 128-pixel tiles whose level 0 is the scene's
// pixels exactly.
const losslessSlide = "pyrtiff/deflate-predictor-pages.tif"

func losslessScene() *slidegen.Scene {
	scene := slidegen.PyramidFixtures()["deflate-predictor-pages.tif"].Scene
	return &scene
}

func (s *service) post(path, body string, headers ...string) reply {
	s.t.Helper()
	return s.send(http.MethodPost, path, body, headers...)
}

func decodePNG(t *testing.T, r reply) image.Image {
	t.Helper()
	out, err := png.Decode(bytes.NewReader(r.want(t, http.StatusOK).body))
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// rgba is a pixel, not premultiplied, 8 bits.
func rgba(p image.Image, x, y int) color.NRGBA {
	return color.NRGBAModel.Convert(p.At(p.Bounds().Min.X+x, p.Bounds().Min.Y+y)).(color.NRGBA)
}

func TestWindowsShowTheirPixels(t *testing.T) {
	s := newService(t, "")
	path := s.own(losslessSlide)
	scene := losslessScene()
	window := func(body string) *pixel.Raster {
		return picture(t, s.post("/image/"+path+"/window.png", body).want(t, http.StatusOK))
	}
	for body, want := range map[string]*pixel.Raster{
		`{"region":{"left":37,"top":51,"width":100,"height":60},"level":0}`:   scene.Region(1, 37, 51, 100, 60),
		`{"region":{"left":37,"top":51,"width":100,"height":60},"width":100}`: scene.Region(1, 37, 51, 100, 60),
		`{"region":{"ti":1},"level":0}`:                                       scene.Region(1, 128, 0, 128, 128),
		`{"region":{"tx":1,"ty":1},"level":0}`:                                scene.Region(1, 128, 128, 128, min(128, scene.Height-128)),
		`{"region":{"left":0,"top":0,"width":1,"height":1},"level":0}`:        scene.Region(1, 0, 0, 1, 1),
	} {
		if d := difference(t, window(body), want); d != 0 {
			t.Errorf("%s differs by %.2f on average", body, d)
		}
	}
	half := window(`{"region":{"left":10,"top":20,"width":40,"height":30,"reference_tier_index":1},"level":1}`)
	if d := difference(t, half, scene.Region(2, 10, 20, 40, 30)); d > 1 {
		t.Errorf("a rectangle of level 1 differs by %.2f on average", d)
	}
	one := window(`{"region":{"left":0,"top":0,"width":50,"height":50},"level":0,"channels":[0],"colormaps":["NONE"]}`)
	want := scene.Region(1, 0, 0, 50, 50)
	if one.Row(20)[3*20] != want.Row(20)[3*20] || one.Row(20)[3*20+1] != want.Row(20)[3*20] {
		t.Errorf("red in grey is %v, want %d", one.Row(20)[60:63], want.Row(20)[60])
	}
}

// PIMS ignores colorspace in windows (README of the corpus); here it is honoured.
func TestWindowsHonourTheColourSpace(t *testing.T) {
	s := newService(t, "")
	path := s.own(losslessSlide)
	grey := decodePNG(t, s.post("/image/"+path+"/window.png", `{"region":{"left":0,"top":0,"width":20,"height":20},"level":0,"colorspace":"GRAY"}`))
	if grey.ColorModel() != color.GrayModel {
		t.Errorf("GRAY gives %T", grey)
	}
}

// The depth of a 16-bit slide is kept where its pixels are, and where a depth is
// asked for; what is resized without has 8 bits, as in PIMS (pims-api §4.7).
func TestDepthOfWindows(t *testing.T) {
	s := newService(t, "")
	path := s.own("pyrtiff/grey16-deflate-predictor.tif")
	for size, want := range map[string]color.Model{
		`"level":0`: color.Gray16Model, `"width":33`: color.GrayModel, `"width":33,"bits":16`: color.Gray16Model, `"level":0,"bits":8`: color.GrayModel,
	} {
		got := decodePNG(t, s.post("/image/"+path+"/window.png", `{"region":{"left":0,"top":0,"width":40,"height":40},`+size+`}`))
		if got.ColorModel() != want {
			t.Errorf("%s gives %T", size, got)
		}
	}
}

func TestMasksAreWhereTheGeometryIs(t *testing.T) {
	s := newService(t, "")
	path := s.own(losslessSlide)
	// The region is (20, 30) to (60, 70); a hole at (30, 40) to (40, 50).
	body := `{"annotations":[{"geometry":"POLYGON ((20 30, 60 30, 60 70, 20 70, 20 30), (30 40, 40 40, 40 50, 30 50, 30 40))","fill_color":"%s"}],%s}`
	got := decodePNG(t, s.post("/image/"+path+"/annotation/mask.png", fmt.Sprintf(body, "white", `"level":0`)))
	if got.Bounds().Dx() != 40 || got.Bounds().Dy() != 40 || got.ColorModel() != color.GrayModel {
		t.Fatalf("the mask is %v of %T", got.Bounds(), got)
	}
	for y := range 40 {
		for x := range 40 {
			want := uint8(255)
			if x >= 10 && x < 20 && y >= 10 && y < 20 {
				want = 0
			}
			if c := rgba(got, x, y); c.R != want {
				t.Fatalf("(%d, %d) is %d, want %d", x, y, c.R, want)
			}
		}
	}
	// Twice as large, with half of the region around it, in a colour.
	wide := decodePNG(t, s.post("/image/"+path+"/annotation/mask.png", fmt.Sprintf(body, "#0c4", `"length":160,"context_factor":2`)))
	for at, want := range map[image.Point]color.NRGBA{
		{39, 80}: {A: 255}, {40, 40}: {0, 204, 68, 255}, {59, 59}: {0, 204, 68, 255}, {60, 60}: {A: 255}, {119, 119}: {0, 204, 68, 255}, {120, 80}: {A: 255},
	} {
		if got := rgba(wide, at.X, at.Y); got != want {
			t.Errorf("%v is %v, want %v", at, got, want)
		}
	}
	point := decodePNG(t, s.post("/image/"+path+"/annotation/mask.png", `{"annotations":{"geometry":"POINT (9.2 9.9)"},"length":0.5}`))
	if point.Bounds().Dx() != 1 || point.Bounds().Dy() != 1 || rgba(point, 0, 0).R != 255 {
		t.Errorf("half a point is %v, %v", point.Bounds(), rgba(point, 0, 0))
	}
	// As PIMS answers, see onePixel.
	colour := decodePNG(t, s.post("/image/"+path+"/annotation/mask.png", `{"annotations":{"geometry":"POINT (9.2 9.9)","fill_color":"#8f0"},"level":0}`))
	if colour.Bounds().Dx() != 3 || rgba(colour, 0, 0).R != 136 || rgba(colour, 1, 0).R != 255 || rgba(colour, 2, 0).R != 0 {
		t.Errorf("a coloured point is %v of %T", colour.Bounds(), colour)
	}
}

// PIMS' cache mixes them up (pims-api §9.3 no. 10).
func TestOriginsAreDifferentPictures(t *testing.T) {
	s := newService(t, "")
	path := s.own(losslessSlide)
	height := losslessScene().Height
	body := `{"region":{"left":0,"top":0,"width":40,"height":40},"level":0,"annotation_style":{"mode":"MASK"},"annotations":[{"geometry":"LINESTRING (0 %d.5, 39 %d.5)"}]}`
	for _, c := range []struct {
		origin string
		y, row int
	}{{"LEFT_TOP", 5, 5}, {"LEFT_BOTTOM", height - 8, 7}} { // y' = height − 0.5 − (height − 7.5) = 7
		got := decodePNG(t, s.post("/image/"+path+"/window.png", fmt.Sprintf(body, c.y, c.y), "X-Annotation-Origin: "+c.origin))
		for y := range 40 {
			if lit := rgba(got, 20, y).R == 255; lit != (y == c.row) {
				t.Errorf("%s: row %d is lit: %t", c.origin, y, lit)
			}
		}
	}
	same := fmt.Sprintf(body, height/2, height/2)
	top := s.post("/image/"+path+"/window.png", same, "X-Annotation-Origin: LEFT_TOP")
	bottom := s.post("/image/"+path+"/window.png", same, "X-Annotation-Origin: LEFT_BOTTOM")
	if top.Header.Get("ETag") == bottom.Header.Get("ETag") || top.Header.Get("ETag") == "" {
		t.Errorf("ETags are %s and %s", top.Header.Get("ETag"), bottom.Header.Get("ETag"))
	}
}

func TestCropsHaveAlphaOutside(t *testing.T) {
	s := newService(t, "")
	path := s.own(losslessSlide)
	scene := losslessScene().Region(1, 20, 30, 40, 40)
	triangle := `"annotations":{"geometry":"POLYGON ((20 30, 60 30, 20 70, 20 30))"}`
	for percent, alpha := range map[string]uint8{"0": 255, "50": 127, "100": 0, "null": 255} {
		got := decodePNG(t, s.post("/image/"+path+"/annotation/crop.png", `{`+triangle+`,"level":0,"background_transparency":`+percent+`}`))
		model := got.ColorModel()
		if model != color.NRGBAModel {
			t.Fatalf("a crop is %T", got)
		}
		inside, outside := rgba(got, 5, 5), got.(*image.NRGBA).NRGBAAt(35, 35)
		if row := scene.Row(5)[15:18]; inside != (color.NRGBA{row[0], row[1], row[2], 255}) {
			t.Errorf("inside is %v, want %v", inside, row)
		}
		if row := scene.Row(35)[3*35:]; outside != (color.NRGBA{row[0], row[1], row[2], alpha}) {
			t.Errorf("at %s %%, outside is %v, want %v and alpha %d", percent, outside, row[:3], alpha)
		}
	}
	crop := s.post("/image/"+path+"/annotation/crop.jpg", `{`+triangle+`,"level":0,"background_transparency":100}`).want(t, http.StatusOK)
	black, err := jpeg.Decode(bytes.NewReader(crop.body))
	if err != nil {
		t.Fatal(err)
	}
	if c := rgba(black, 36, 36); c.R > 12 || c.G > 12 || c.B > 12 {
		t.Errorf("outside of a JPEG is %v, want black", c)
	}
	window := `{"region":{"left":20,"top":30,"width":40,"height":40},"level":0,"annotation_style":{"mode":"CROP"},` + triangle + `}`
	if c := rgba(decodePNG(t, s.post("/image/"+path+"/window.png", window)), 35, 35); c.A != 255 {
		t.Errorf("a CROP without transparency has alpha %d outside, want 255", c.A)
	}
}

func TestDrawingsOfEveryGeometry(t *testing.T) {
	s := newService(t, "")
	path := s.own(losslessSlide)
	grey := s.own("pyrtiff/grey8-lzw-pages.tif")
	for name, c := range map[string]struct {
		path, annotations string
		at                image.Point
		want              color.NRGBA
	}{
		"ring":                 {path, `{"geometry":"POLYGON ((20 30, 60 30, 60 70, 20 70, 20 30))","stroke_color":"red"}`, image.Pt(30, 5), color.NRGBA{255, 0, 0, 255}},
		"point, in the centre": {path, `{"geometry":"POINT (60 60)","stroke_color":"lime"}`, image.Pt(50, 50), color.NRGBA{0, 255, 0, 255}},
		"points of a set":      {path, `{"geometry":"MULTIPOINT ((40 40), (80 90))","stroke_color":"red"}`, image.Pt(5, 5), color.NRGBA{255, 0, 0, 255}},
		"collection":           {path, `{"geometry":"GEOMETRYCOLLECTION (LINESTRING (20 20, 80 20), POINT (40 40))","stroke_color":"#fff"}`, image.Pt(8, 0), color.NRGBA{255, 255, 255, 255}},
		"black with a colour":  {path, `{"geometry":"LINESTRING (20 20, 80 20, 80 80)","stroke_color":"black"},{"geometry":"POINT (50 50)","stroke_color":"red"}`, image.Pt(5, 0), color.NRGBA{0, 0, 0, 255}},
		"colour on grey":       {grey, `{"geometry":"LINESTRING (20 20, 80 20, 80 80)","stroke_color":"blue"}`, image.Pt(5, 0), color.NRGBA{0, 0, 255, 255}},
	} {
		got := decodePNG(t, s.post("/image/"+c.path+"/annotation/drawing.png", `{"level":0,"annotations":[`+c.annotations+`]}`))
		if name == "ring" || name == "points of a set" {
			got = decodePNG(t, s.post("/image/"+c.path+"/annotation/drawing.png", `{"level":0,"context_factor":1.25,"annotations":[`+c.annotations+`]}`))
		}
		if p := rgba(got, c.at.X, c.at.Y); p != c.want {
			t.Errorf("%s: %v of %v is %v, want %v", name, c.at, got.Bounds(), p, c.want)
		}
	}
	plain := decodePNG(t, s.post("/image/"+grey+"/annotation/drawing.png", `{"level":0,"annotations":[{"geometry":"LINESTRING (20 20, 80 20, 80 80)","stroke_color":"white"}]}`))
	if plain.ColorModel() != color.GrayModel {
		t.Errorf("a white line on grey gives %T", plain)
	}
	// Without a stroke there is nothing to draw in a drawing, in a window it is red.
	none := s.post("/image/"+path+"/annotation/drawing.png", `{"level":0,"annotations":[{"geometry":"POLYGON ((20 30, 60 30, 60 70, 20 70, 20 30))"}]}`)
	if d := difference(t, picture(t, none), losslessScene().Region(1, 20, 30, 40, 40)); d != 0 {
		t.Errorf("nothing was drawn, but pixels differ by %.2f", d)
	}
	red := decodePNG(t, s.post("/image/"+path+"/window.png", `{"region":{"left":10,"top":10,"width":50,"height":50},"level":0,
		"annotation_style":{"mode":"DRAWING"},"annotations":[{"geometry":"LINESTRING (10 20, 60 20)"}]}`))
	if p := rgba(red, 20, 10); p != (color.NRGBA{255, 0, 0, 255}) {
		t.Errorf("a window's outline is %v, want red", p)
	}
}

func TestAnnotationErrors(t *testing.T) {
	s := newService(t, "")
	path := s.own(losslessSlide)
	for _, c := range []struct {
		at, body string
		headers  []string
		status   int
		want     string
	}{
		{"annotation/mask.png", `{"annotations":[{"geometry":"SQUARE (1 2)"}]}`, nil, 400, `"title":"Invalid geometry","details":"Geometry SQUARE (1 2) is invalid.","geometry":"SQUARE (1 2)","reason":"WKT reading error"`},
		{"annotation/mask.png", `{"annotations":[{"geometry":"POLYGON EMPTY"}],"level":0}`, nil, 400, `"reason":"Empty geometry"`},
		{"annotation/mask.png", `{"annotations":[],"level":0}`, nil, 400, `At least one annotation`},
		{"annotation/mask.png", `{"annotations":null,"level":0}`, nil, 422, `"detail":[`},
		{"annotation/mask.png", `{"level":0}`, nil, 422, `"detail":[`},
		{"annotation/mask.png", `{"annotations":[{"geometry":"POINT (1 1)"}]}`, nil, 400, `Impossible to determine output dimensions`},
		{"annotation/mask.tif", `{"annotations":[{"geometry":"POINT (1 1)"}],"level":0}`, nil, 422, `"extension"`},
		{"annotation/mask", `{"annotations":[{"geometry":"POINT (1 1)"}],"level":0}`, []string{"Accept: text/html"}, 406, `"supported_mimetypes":["image/png","image/apng","image/jpg","image/jpeg"`},
		{"annotation/crop", `{"annotations":[{"geometry":"POINT (1 1)"}],"level":0}`, []string{"Accept: text/html"}, 406, `"image/jpg","image/jpeg","image/png","image/apng"]`},
		{"annotation/crop.png", `{"annotations":[{"geometry":"POINT (1 1)","fill_color":"nocolour"}],"level":0}`, nil, 422, `"color_error"`},
		{"annotation/crop.png", `{"annotations":[{"geometry":"POINT (1 1)"}],"level":0,"context_factor":-1}`, nil, 422, `"context_factor"`},
		{"annotation/drawing.png", `{"annotations":[{"geometry":"POINT (1 1)"}],"level":0,"point_cross":"STAR"}`, nil, 422, `CROSSHAIR`},
		{"annotation/drawing.png", `{"annotations":[{"geometry":"POINT (1 1)"}],"level":99}`, nil, 400, `Level tier 99 does not exist.`},
		{"annotation/drawing.png", `{"annotations":[{"geometry":"POINT (1 1)"}],"level":0}`, []string{"X-Annotation-Origin: TOP"}, 422, `"X-Annotation-Origin"`},
		{"window.png", `{"region":{"left":0,"top":0,"width":50,"height":50},"level":0,"annotation_style":{"mode":"CROP"},"annotations":[]}`, nil, 400, `At least one annotation`},
		{"window.png", `{"region":{"left":0,"top":0,"width":50,"height":2},"width":20000}`, nil, 400, `"request_width":20000,"request_height":800,"max_size":10000`},
		{"window.png", `{"region":{"left":0,"top":0,"width":50,"height":2}}`, nil, 400, `Impossible to determine output dimensions`},
		{"window.png", `{"region":{"left":-5,"top":0,"width":5,"height":5},"level":0}`, nil, 422, `"WindowRegion","left"`},
		{"window.png", `{"region":{"left":0,"top":100000,"width":5,"height":5},"level":0}`, nil, 400, `out of bounds`},
		{"window.png", `{"region":`, nil, 422, `json_invalid`},
	} {
		got := s.post("/image/"+path+"/"+c.at, c.body, c.headers...)
		if got.StatusCode != c.status || !strings.Contains(string(got.body), c.want) || !json.Valid(got.body) {
			t.Errorf("%s %s: %d %s, want %d with %s", c.at, c.body, got.StatusCode, got.body, c.status, c.want)
		}
	}
	missing := s.post("/image/upload-00000000-none/none.tif/annotation/crop.png", `{"annotations":[{"geometry":"x"}]}`).want(t, 404)
	if !strings.Contains(string(missing.body), "Filepath not found") {
		t.Errorf("a missing file: %s", missing.body)
	}
}

func TestLargeWindowsAreResizedOrRefused(t *testing.T) {
	s := newService(t, "")
	path := s.own(losslessSlide)
	body := `{"region":{"left":10,"top":10,"width":150,"height":1},"width":15000}`
	resized := s.post("/image/"+path+"/window.jpg", body, "X-Image-Size-Safety: SAFE_RESIZE").want(t, http.StatusOK)
	if got, want := resized.Header.Get("X-Image-Size-Limit"), "request_width=15000,request_height=100,safe_width=10000,safe_height=67,ratio=0.6666666666666666"; got != want {
		t.Errorf("X-Image-Size-Limit is %q, want %q", got, want)
	}
	unsafe := s.post("/image/"+path+"/annotation/mask.png", `{"annotations":[{"geometry":"LINESTRING (0 0, 150 1)"}],"width":2000000000}`, "X-Image-Size-Safety: UNSAFE")
	if unsafe.StatusCode != http.StatusBadRequest || !strings.Contains(string(unsafe.body), "RENDER_MAX_MEMORY") {
		t.Errorf("a mask beyond all memory: %d %s", unsafe.StatusCode, unsafe.body)
	}
}

func TestWindowsAreCachedAndConditional(t *testing.T) {
	s := newService(t, "")
	path := s.own(losslessSlide)
	const body = `{"annotations":[{"geometry":"POLYGON ((20 30, 60 30, 20 70, 20 30))"}],"length":64}`
	url := "/image/" + path + "/annotation/crop.png"
	first := s.post(url, body).want(t, http.StatusOK)
	if got := first.Header.Get("X-Pims-Cache"); got != "MISS" || first.Header.Get("Cache-Control") != "private,must-revalidate,max-age=86400" {
		t.Errorf("X-Pims-Cache %q, Cache-Control %q", got, first.Header.Get("Cache-Control"))
	}
	s.slides.Reset()
	again := s.post(url, body).want(t, http.StatusOK)
	fresh := s.post(url, body, "If-None-Match: "+first.Header.Get("ETag")).want(t, http.StatusNotModified)
	if reads := s.slides.Reads(); len(reads) != 0 || len(fresh.body) != 0 || !bytes.Equal(first.body, again.body) {
		t.Errorf("what is known cost %v", reads)
	}
	for _, other := range []string{
		`{"annotations":[{"geometry":"POLYGON ((20 30, 60 30, 20 71, 20 30))"}],"length":64}`,
		`{"annotations":[{"geometry":"POLYGON ((20 30, 60 30, 20 70, 20 30))","fill_color":"black"}],"length":64}`,
		`{"annotations":[{"geometry":"POLYGON ((20 30, 60 30, 20 70, 20 30))"}],"length":64,"background_transparency":3}`,
		`{"annotations":[{"geometry":"POLYGON ((20 30, 60 30, 20 70, 20 30))"}],"length":64,"gammas":2}`,
	} {
		if s.post(url, other).want(t, http.StatusOK).Header.Get("ETag") == first.Header.Get("ETag") {
			t.Errorf("%s has the ETag of another picture", other)
		}
	}
	s.slides.Reset()
	s.post("/image/"+path+"/annotation/mask.png", body).want(t, http.StatusOK)
	if reads := s.slides.Reads(); len(reads) != 0 {
		t.Errorf("a mask of an open slide reads %v", reads)
	}
}

func BenchmarkRegions(b *testing.B) {
	s := newService(b, "")
	path := s.own("svs/rgb-240.svs")
	for name, c := range map[string][2]string{
		"window":  {"window.jpg", `{"region":{"left":0,"top":0,"width":512,"height":400},"level":0}`},
		"mask":    {"annotation/mask.png", `{"annotations":[{"geometry":"POLYGON ((0 0, 400 40, 300 390, 20 200, 0 0))"}],"level":0}`},
		"crop":    {"annotation/crop.png", `{"annotations":[{"geometry":"POLYGON ((0 0, 400 40, 300 390, 20 200, 0 0))"}],"level":0}`},
		"drawing": {"annotation/drawing.jpg", `{"annotations":[{"geometry":"POLYGON ((0 0, 400 40, 300 390, 20 200, 0 0))","stroke_color":"red","stroke_width":3}],"level":0}`},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s.send(http.MethodPost, "/image/"+path+"/"+c[0], c[1], "Cache-Control: no-store").want(b, http.StatusOK)
			}
		})
	}
}
