package httpapi_test

import (
	"bytes"
	"encoding/json"
	"image"
	_ "image/jpeg"
	_ "image/png"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/internal/slide"
)

func TestInfoHasThePIMSBytes(t *testing.T) {
	s := newService(t, "")
	image := "/image/" + s.own("svs/rgb-240.svs")
	for end, want := range map[string]string{
		"/info/instrument": `{"microscope":{"model":null},"objective":{"nominal_magnification":20,"calibrated_magnification":null}}`,
		"/info/channels": `{"items":[{"index":0,"suggested_name":"R","emission_wavelength":null,"excitation_wavelength":null,"color":"#f00"},` +
			`{"index":1,"suggested_name":"G","emission_wavelength":null,"excitation_wavelength":null,"color":"#0f0"},` +
			`{"index":2,"suggested_name":"B","emission_wavelength":null,"excitation_wavelength":null,"color":"#00f"}],"size":3}`,
	} {
		got := s.get(image+end).want(t, http.StatusOK)
		if string(got.body) != want {
			t.Errorf("%s\n got %s\nwant %s", end, got.body, want)
		}
		if got.Header.Get("Content-Type") != "application/json" || got.Header.Get("Cache-Control") != "private,must-revalidate,max-age=86400" {
			t.Errorf("%s has headers %v", end, got.Header)
		}
	}
	grey := "/image/" + s.own("pyrtiff/grey16-none-mm-big.tif")
	if got := s.get(grey+"/info/channels").want(t, http.StatusOK); !strings.Contains(string(got.body), `"color":null`) {
		t.Errorf("a grey channel is %s, want a null colour", got.body)
	}
}

func TestNormalisedPyramidHalvesUp(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	var info struct{ Width, Height int }
	decode(t, s.get("/image/"+path+"/info/image").want(t, http.StatusOK), &info)
	var pyramid struct {
		Tiers []struct {
			Zoom, Level, Width, Height int
			Factor                     float64 `json:"downsampling_factor"`
		}
	}
	got := s.get("/image/"+path+"/info/normalized-pyramid").want(t, http.StatusOK)
	decode(t, got, &pyramid)
	w, h := info.Width, info.Height
	for i, tier := range pyramid.Tiers {
		if tier.Width != w || tier.Height != h || tier.Level != i || tier.Zoom != len(pyramid.Tiers)-1-i {
			t.Errorf("tier %d is %+v, want %d×%d", i, tier, w, h)
		}
		w, h = (w+1)/2, (h+1)/2
	}
	if !strings.Contains(string(got.body), `"downsampling_factor":1.0,`) {
		t.Errorf("factors are not written as floats: %s", got.body)
	}
}

func decode(t testing.TB, r reply, into any) {
	t.Helper()
	if err := json.Unmarshal(r.body, into); err != nil {
		t.Fatalf("%s: %v: %s", r.Request.URL, err, r.body)
	}
}

func TestPathsAreDecodedOnceThenTwiceAndNeverLeaveTheSlide(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	id, name, _ := strings.Cut(path, "/")
	twice := url.PathEscape(url.PathEscape(path))
	for _, spelling := range []string{
		path, id, id + "%2F" + name, strings.ReplaceAll(path, "r", "%72"), twice,
		id + "/processed/original.SVS", id + "/processed/visualisation.SVS",
	} {
		s.get("/image/"+spelling+"/info/image").want(t, http.StatusOK)
	}
	for _, wrong := range []string{
		id + "/other.svs", id + "/" + name + "/deeper", id + "/processed/slide.pims", id + "/processed/original.NDPI",
		"../" + path, id + "/../" + path, id + "/%2e%2e/" + path, "/" + path, "%2Fetc%2Fpasswd", "..%2F..%2Fetc%2Fhostname",
		id + "/%252e%252e/" + path, "upload-00000000-none/none.tif", "upload-" + strings.Repeat("0", 36) + "/a", "none",
	} {
		got := s.get("/image/"+wrong+"/info/image").want(t, http.StatusNotFound)
		var body struct{ Title, Type, Detail string }
		decode(t, got, &body)
		if body.Title != "Filepath not found" || body.Type != "urn:pims:problem:filepath-not-found" {
			t.Errorf("%s answers %s", wrong, got.body)
		}
	}
}

func TestErrorsAreThoseOfPIMSInItsOrder(t *testing.T) {
	s := newService(t, "")
	image := "/image/" + s.own("svs/rgb-240.svs")
	for _, row := range []struct {
		method, path, body string
		status             int
		want               string // a part of the body
	}{
		{"GET", image + "/thumb.jpeg", "", 422, `"loc":["path","extension"],"msg":"Input should be '', '.jpg', '.png' or '.webp'","input":".jpeg"`},
		{"GET", image + "/thumb.png?threshold=2", "", 422, `"type":"less_than_equal","loc":["query","threshold"]`},
		{"GET", image + "/thumb.png?gammas=a", "", 422, `"type":"float_parsing","loc":["query","gammas",0]`},
		{"GET", image + "/thumb.png?length=0", "", 422, `"type":"greater_than","loc":["query","length","constrained-int"]`},
		{"GET", image + "/thumb.png?length=1.5", "", 422, `constrained-float`},
		{"GET", image + "/thumb.png?z_slices=0,1", "", 422, `z_slices`},
		{"GET", image + "/thumb.png?c_reduction=SUM", "", 422, `'ADD', 'MIN', 'MED' or 'MAX'`},
		{"GET", image + "/thumb.png?channels=-1", "", 400, `"details":"-1 is not a valid index or range for channels."`},
		{"GET", image + "/thumb.png?channels=7", "", 400, `"details":"No valid indexes for channels"`},
		{"GET", image + "/thumb.png?z_slices=1", "", 400, `"details":"No valid indexes for z_slices"`},
		{"GET", image + "/thumb.png?timepoints=1", "", 400, `"details":"No valid indexes for timepoints"`},
		{"GET", image + "/thumb.png?gammas=1,2&colormaps=zz", "", 400, `"title":"gammas has a size of 2 while only these sizes are allowed: 0, 1, 3","details":null`},
		{"GET", image + "/thumb.png?colormaps=zz", "", 404, `"title":"Colormap not found","details":"The colormap ZZ does not exist."`},
		{"GET", image + "/thumb.png?colormaps=none", "", 404, `NONE`},
		{"GET", image + "/thumb.png?filters=nope", "", 404, `"details":"The filter nope does not exist."`},
		{"GET", image + "/thumb.png?length=20000&channels=9", "", 400, `"request_width":20000`},
		{"GET", image + "/thumb", "", 406, `"supported_mimetypes":["image/webp"`},
		{"GET", image + "/tile/level/99/ti/0.jpg", "", 400, `"details":"Level tier 99 does not exist."`},
		{"GET", image + "/tile/zoom/99999999999999999999/ti/0.jpg", "", 400, `Zoom tier`},
		{"GET", image + "/tile/level/0/ti/9999.jpg", "", 400, `"title":"Tile index 9999 is invalid for tier`},
		{"GET", image + "/normalized-tile/zoom/0/tx/9/ty/0.jpg", "", 400, `along X axis`},
		{"GET", image + "/normalized-tile/zoom/-1/ti/0.jpg", "", 405, `"detail":"Method Not Allowed"`},
		{"GET", image + "/associated/overview", "", 422, `'macro', 'label' or 'thumb'`},
		{"GET", image + "/info/representations/SPECTRAL", "", 404, `(expected SPECTRAL)","representation":"SPECTRAL"`},
		{"GET", image + "/info/representations/X", "", 422, `UPLOAD`},
		{"POST", image + "/tile.jpg", "", 422, `"type":"missing","loc":["body"],"msg":"Field required","input":null`},
		{"POST", image + "/tile.jpg", "{", 422, `"type":"json_invalid"`},
		{"POST", image + "/tile.jpg", "[1]", 422, `"loc":["body"]`},
		{"POST", image + "/tile.jpg", "{}", 422, `"loc":["body","tile"]`},
		{"POST", image + "/tile.jpg", `{"tile":{"zoom":0,"ti":-1}}`, 422, `greater_than_equal`},
		{"POST", image + "/tile.jpg", `{"tile":{"zoom":0,"ti":0},"gammas":null}`, 422, `gammas`},
		{"POST", "/image/none/tile.jpg", "{}", 404, `Filepath not found`},
		{"GET", "/image/none/thumb.jpeg", "", 404, `Filepath not found`},
		{"GET", "/formats/nope", "", 404, `"details":"The format NOPE does not exist."`},
		{"GET", "/nothing", "", 404, `{"type":"urn:pims:problem:route-not-found","status":404,"detail":"Not Found"}`},
		{"GET", "/directory/none/disk-usage", "", 404, `Filepath not found`},
	} {
		got := s.send(row.method, row.path, row.body)
		if got.StatusCode != row.status || !strings.Contains(string(got.body), row.want) {
			t.Errorf("%s %s %s\n got %d %.400s\nwant %d with %s", row.method, row.path, row.body, got.StatusCode, got.body, row.status, row.want)
		}
		if got.Header.Get("ETag") != "" || got.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: an error with headers %v", row.method, row.path, got.Header)
		}
	}
}

func TestDefaultParametersChangeNothing(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	tile := "/image/" + path + "/tile/level/0/ti/0.jpg"
	want := s.get(tile).want(t, http.StatusOK)
	for _, query := range []string{
		"channels=0,1,2&z_slices=0&timepoints=0&gammas=1,1,1&colormaps=%23f00,%230f0,%2300f&min_intensities=0,0,0&max_intensities=255,255,255",
		"channels=:&gammas=1", "colormaps=[red,lime,blue]", "log=false&threshold=0&filters=", "min_intensities=AUTO_PLANE", "unknown=1",
		"channels=2,0,1&max_intensities=999",
	} {
		got := s.get(tile+"?"+query).want(t, http.StatusOK)
		if !bytes.Equal(got.body, want.body) || got.Header.Get("ETag") != want.Header.Get("ETag") {
			t.Errorf("with %s the tile has %d bytes and ETag %s, want %d and %s", query,
				len(got.body), got.Header.Get("ETag"), len(want.body), want.Header.Get("ETag"))
		}
	}
	for _, body := range []string{`{"tile":{"level":0,"ti":0}}`, `{"tile":{"level":"0","tx":0,"ty":0},"channels":[0,"1",2],"gammas":1,"colormaps":null}`} {
		if got := s.send("POST", "/image/"+path+"/tile.jpg", body).want(t, http.StatusOK); !bytes.Equal(got.body, want.body) {
			t.Errorf("POST %s gives another tile than GET", body)
		}
	}
}

func size(t *testing.T, r reply) image.Point {
	t.Helper()
	config, _, err := image.DecodeConfig(bytes.NewReader(r.body))
	if err != nil {
		t.Fatalf("%s: %v", r.Request.URL, err)
	}
	return image.Pt(config.Width, config.Height)
}

func TestEdgeTilesAreClipped(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	id, _, _ := slide.PathID(path)
	open, err := s.catalog.Open(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	l := open.Manifest().Description.Levels[0]
	last := l.Tiles() - 1
	got := s.get("/image/"+path+"/tile/level/0/ti/"+itoa(last)+".jpg").want(t, http.StatusOK)
	want := image.Pt(l.Width-(l.TilesAcross()-1)*l.TileWidth, l.Height-(l.TilesDown()-1)*l.TileHeight)
	if size(t, got) != want {
		t.Errorf("the last tile is %v, want %v", size(t, got), want)
	}
}

func itoa(n int) string { b, _ := json.Marshal(n); return string(b) }

func TestSizeSafety(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	s.get("/image/"+path+"/thumb.png?width=10001").want(t, http.StatusBadRequest)
	got := s.send("HEAD", "/image/"+path+"/thumb.jpg?height=0.001", "", "X-Image-Size-Safety: UNSAFE").want(t, http.StatusOK)
	if got.Header.Get("X-Image-Size-Limit") != "" {
		t.Errorf("UNSAFE has X-Image-Size-Limit %q", got.Header.Get("X-Image-Size-Limit"))
	}
	s.get("/image/"+path+"/thumb.png?width=99", "X-Image-Size-Safety: MAYBE").want(t, http.StatusUnprocessableEntity)
	bomb := s.get("/image/"+path+"/thumb.png?width=2000000000", "X-Image-Size-Safety: UNSAFE").want(t, http.StatusBadRequest)
	if !strings.Contains(string(bomb.body), "render-too-much-memory") {
		t.Errorf("a bomb answers %s", bomb.body)
	}
}

func TestHeadHasTheHeadersOfGet(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	for _, end := range []string{"/info", "/thumb.png?length=50", "/tile/level/0/ti/0.jpg", ".dzi"} {
		get := s.get("/image/"+path+end).want(t, http.StatusOK)
		head := s.send("HEAD", "/image/"+path+end, "").want(t, http.StatusOK)
		if len(head.body) != 0 || head.ContentLength != get.ContentLength || head.Header.Get("ETag") != get.Header.Get("ETag") {
			t.Errorf("HEAD %s: %d bytes, length %d, want 0 and %d", end, len(head.body), head.ContentLength, get.ContentLength)
		}
	}
}

func TestCrossOrigin(t *testing.T) {
	s := newService(t, "")
	plain := s.get("/ping", "Origin: http://viewer.example").want(t, http.StatusOK)
	cookie := s.get("/ping", "Origin: http://viewer.example", "Cookie: a=b").want(t, http.StatusOK)
	preflight := s.send("OPTIONS", "/image/x/thumb.png", "", "Origin: http://viewer.example",
		"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-image-size-safety").want(t, http.StatusOK)
	got := []string{
		plain.Header.Get("Access-Control-Allow-Origin"), plain.Header.Get("Access-Control-Allow-Credentials"),
		cookie.Header.Get("Access-Control-Allow-Origin"), preflight.Header.Get("Access-Control-Allow-Origin"),
		preflight.Header.Get("Access-Control-Allow-Headers"), string(preflight.body),
	}
	want := []string{"*", "true", "http://viewer.example", "http://viewer.example", "x-image-size-safety", "OK"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("cross origin (-want +got):\n%s", diff)
	}
}

func TestBasePathIsOptional(t *testing.T) {
	s := newService(t, "/ims")
	path := s.own("svs/rgb-240.svs")
	for _, prefix := range []string{"", "/ims"} {
		s.get(prefix+"/ping").want(t, http.StatusOK)
		s.get(prefix+"/image/"+path+"/info").want(t, http.StatusOK)
	}
	if got := s.get("/ims").want(t, http.StatusMovedPermanently); got.Header.Get("Location") != "/ims/" {
		t.Errorf("/ims redirects to %q", got.Header.Get("Location"))
	}
	s.get("/imsping").want(t, http.StatusNotFound)
	if got := s.get("/ims/").want(t, http.StatusOK); !strings.Contains(string(got.body), "make build") {
		t.Errorf("without a built page, / answers %s", got.body)
	}
}

func TestHousekeeping(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	if got := s.get("/ping").want(t, http.StatusOK); string(got.body) != `{"ping":"pong"}` {
		t.Errorf("ping answers %s", got.body)
	}
	if got := s.get("/info").want(t, http.StatusOK); string(got.body) != `{"version":"9.9","settings":{"root":"memory:","cache_url":null}}` {
		t.Errorf("info answers %s", got.body)
	}
	var usage struct {
		Used int64 `json:"used_size"`
	}
	decode(t, s.get("/disk-usage").want(t, http.StatusOK), &usage)
	whole := usage.Used
	id, _, _ := strings.Cut(path, "/")
	decode(t, s.get("/directory/"+id+"/disk-usage").want(t, http.StatusOK), &usage)
	if whole <= 0 || usage.Used != whole {
		t.Errorf("the store has %d bytes, its only slide %d", whole, usage.Used)
	}
	s.get("/directory/"+path+"/disk-usage").want(t, http.StatusBadRequest)
	var members map[string]any
	decode(t, s.get("/storage/size.json").want(t, http.StatusOK), &members)
	if len(members) != 6 {
		t.Errorf("size.json has members %v; Cytomine core reads exactly six", members)
	}
	var list struct{ Items []struct{ ID string } }
	decode(t, s.get("/formats").want(t, http.StatusOK), &list)
	s.get("/formats/svs").want(t, http.StatusOK)
}
