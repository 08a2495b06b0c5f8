package httpapi_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// Every error of pims-api §2.5 that a client can cause, with its status and
// PIMS' own words.
func TestErrorsArePIMS(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	image := "/image/" + path
	id, _, _ := strings.Cut(path, "/")
	s.store(id+"/processed/file.bin", "x")
	parts := s.addParts("a.dat") // without associated images
	for _, c := range []struct {
		method, url, body string
		status            int
		title, details    string
	}{
		{"GET", "/image/none/x/info", "", 404, "Filepath not found", "The filepath none/x does not exist."},
		{"GET", "/image/" + parts + "/associated/label", "", 404, "No appropriate representation found", "The filepath " + parts + " does not have an appropriate representation (expected label)"},
		{"GET", image + "/info/representations/SPECTRAL", "", 404, "No appropriate representation found", "The filepath " + path + " does not have an appropriate representation (expected SPECTRAL)"},
		{"GET", "/directory/" + id + "/processed/file.bin/disk-usage", "", 400, "Not a directory", "The filepath " + id + "/processed/file.bin is not a directory"},
		{"GET", "/formats/nothing", "", 404, "Format not found", "The format NOTHING does not exist."},
		{"GET", "/filters/nothing", "", 404, "Filter not found", "The filter NOTHING does not exist."},
		{"GET", image + "/thumb.png?filters=nothing", "", 404, "Filter not found", "The filter nothing does not exist."},
		{"GET", "/colormaps/nothing", "", 404, "Colormap not found", "The colormap NOTHING does not exist."},
		{"GET", image + "/thumb.png?colormaps=nothing", "", 404, "Colormap not found", "The colormap NOTHING does not exist."},
		{"GET", image + "/thumb", "", 406, "No acceptable response mime type", "There is no acceptable response mime type in Accept header."},
		{"GET", image + "/thumb.png?width=20000", "", 400, "Too large image output dimensions.", ""},
		{"GET", image + "/tile/level/9/ti/0.png", "", 400, "Bad Request", "Level tier 9 does not exist."},
		{"GET", image + "/tile/zoom/99/ti/0.png", "", 400, "Bad Request", "Zoom tier 99 does not exist."},
		{"GET", image + "/tile/level/0/ti/9999.png", "", 400, "Tile index 9999 is invalid for tier ", "null"},
		{"GET", image + "/tile/level/0/tx/99/ty/0.png", "", 400, "Tile coordinate 99 along X axis is invalid for tier ", "null"},
		{"GET", image + "/tile/level/0/tx/0/ty/99.png", "", 400, "Tile coordinate 99 along Y axis is invalid for tier ", "null"},
		{"POST", image + "/resized.png", "{}", 400, "Bad Request", "Impossible to determine output dimensions. Height, width and length cannot all be unset."},
		{"GET", image + "/thumb.png?channels=7", "", 400, "Bad Request", "No valid indexes for channels"},
		{"GET", image + "/thumb.png?z_slices=7", "", 400, "Bad Request", "No valid indexes for z_slices"},
		{"GET", image + "/thumb.png?timepoints=7", "", 400, "Bad Request", "No valid indexes for timepoints"},
		{"GET", image + "/thumb.png?channels=x", "", 400, "Bad Request", "x is not a valid index or range for channels."},
		{"POST", image + "/thumb.png", `{"c_reduction":null}`, 400, "Bad Request", "A reduction is required for channels"},
		{"GET", image + "/thumb.png?gammas=1,2", "", 400, "gammas has a size of 2 while only these sizes are allowed: 0, 1, 3", "null"},
		{"GET", image + "/thumb.png?colormaps=RED,RED", "", 400, "colormaps has a size of 2 while only these sizes are allowed: 0, 1, 3", "null"},
		{"GET", image + "/thumb.png?min_intensities=1,2", "", 400, "min_intensities has a size of 2 while only these sizes are allowed: 0, 1, 3", "null"},
		{"POST", image + "/window.png", `{"region":{"left":99999,"top":0,"width":9,"height":9},"level":0}`, 400, "Bad Request", "Some coordinates of region "},
		{"POST", image + "/annotation/mask.png", `{"annotations":[{"geometry":"POLYGON ((1"}],"level":0}`, 400, "Invalid geometry", "Geometry POLYGON ((1 is invalid."},
		{"GET", image + "/histogram/per-image?n_bins=3", "", 400, "Bad Request", "3 is not a power of 2."},
		{"GET", "/slice/tile?z=1", "", 400, "Bad Request", "Incoherent set of parameters."},
		{"GET", "/file/" + id + "/processed/histogram/export", "", 400, "Bad Request", "null"},
	} {
		var headers []string
		if strings.Contains(c.url, "/associated/") {
			headers = []string{"Accept: image/png"}
		}
		got := s.send(c.method, c.url, c.body, headers...).want(t, c.status)
		var body struct {
			Title   string
			Details *string
			Status  int
			Type    string
		}
		if err := json.Unmarshal(got.raw, &body); err != nil {
			t.Fatal(err)
		}
		details := "null"
		if body.Details != nil {
			details = *body.Details
		}
		if !strings.HasPrefix(body.Title, c.title) || !strings.HasPrefix(details, c.details) {
			t.Errorf("%s %s:\n got %q, %q\nwant %q, %q", c.method, c.url, body.Title, details, c.title, c.details)
		}
		if body.Status != c.status || !strings.HasPrefix(body.Type, "urn:pims:problem:") || got.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %s: %s", c.method, c.url, got.raw)
		}
	}
}

// Every parameter of a wrong type, range or name is a 422 that says where.
func TestParametersOfWrongTypesAre422(t *testing.T) {
	s := newService(t, "")
	image := "/image/" + s.own("svs/rgb-240.svs")
	check := func(method, url, body string) {
		t.Helper()
		got := s.send(method, url, body).want(t, http.StatusUnprocessableEntity)
		var answer struct {
			Detail []struct {
				Type, Msg string
				Loc       []any
			}
		}
		if err := json.Unmarshal(got.raw, &answer); err != nil || len(answer.Detail) == 0 || len(answer.Detail[0].Loc) == 0 || answer.Detail[0].Msg == "" {
			t.Errorf("%s %s %s: %s", method, url, body, got.raw)
		}
		if bytes.Contains(got.raw, []byte("0x")) {
			t.Errorf("%s %s leaks an address: %s", method, url, got.raw)
		}
	}
	for _, query := range []string{
		"height=a", "width=0", "length=-1", "length=1.5", "use_precomputed=perhaps", "z_slices=a", "z_slices=0,1", "z_slices=-1",
		"timepoints=a", "c_reduction=SUM", "min_intensities=a", "max_intensities=-1", "gammas=a", "gammas=11", "gammas=-1",
		"threshold=2", "threshold=a", "log=perhaps", "quality=0", "quality=a",
	} {
		check("GET", image+"/thumb.png?"+query, "")
	}
	for _, query := range []string{"level=a", "zoom=-1", "bits=auto", "colorspace=PURPLE", "gammas=a"} {
		check("GET", image+"/resized.png?"+query, "")
	}
	for _, body := range []string{
		`[]`, `1`, `{`, ``, `{"length":"a"}`, `{"gammas":null}`, `{"log":null}`, `{"use_precomputed":null}`, `{"channels":-1}`,
		`{"channels":{}}`, `{"colormaps":1}`, `{"threshold":"a"}`, `{"z_slices":[0,1]}`,
	} {
		check("POST", image+"/thumb.png", body)
	}
	for _, body := range []string{`{"length":9,"bits":null}`, `{"length":9,"colorspace":null}`, `{"length":9,"level":-1}`} {
		check("POST", image+"/resized.png", body)
	}
	for _, url := range []string{"/thumb.gif", "/resized.tif", "/tile/level/0/ti/0.tiff", "/associated/nothing", "/info/representations/NOTHING"} {
		check("GET", image+url, "")
	}
}
