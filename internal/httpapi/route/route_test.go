package route

import (
	"net/http"
	"slices"
	"testing"

	"github.com/pims-cloud/pims/internal/httpapi/problem"
)

func table() *Table {
	return New(
		Route{Method: http.MethodGet, Pattern: "/image/{p...}.dzi"},
		Route{Method: http.MethodGet, Pattern: "/image/{p...}_files/{level:int}/{tile}"},
		Route{Method: http.MethodGet, Pattern: "/image/{p...}/info"},
		Route{Method: http.MethodGet, Pattern: "/image/{p...}/info/image"},
		Route{Method: http.MethodPost, Pattern: "/image/{p...}/tile{ext}"},
		Route{Method: http.MethodGet, Pattern: "/image/{p...}/tile/zoom/{zoom:int}/ti/{ti:int}{ext}"},
		Route{Method: http.MethodGet, Pattern: "/image/{p...}/thumb{ext}"},
		Route{Method: http.MethodDelete, Pattern: "/image/{p...}"},
		Route{Method: http.MethodGet, Pattern: "/ping"},
	)
}

func TestFindsTheFirstPatternThatFits(t *testing.T) {
	for _, row := range []struct {
		method, path, pattern string
		vars                  Vars
	}{
		{"GET", "/image/upload-x/a.svs/info", "/image/{p...}/info", Vars{{"p", "upload-x/a.svs"}}},
		{"GET", "/image/a/b/c/info/image", "/image/{p...}/info/image", Vars{{"p", "a/b/c"}}},
		{"GET", "/image/a/info/info", "/image/{p...}/info", Vars{{"p", "a/info"}}},
		{"HEAD", "/image/a/info", "/image/{p...}/info", Vars{{"p", "a"}}},
		{"GET", "/image/a/thumb", "/image/{p...}/thumb{ext}", Vars{{"p", "a"}, {"ext", ""}}},
		{"GET", "/image/a/thumb.jpeg", "/image/{p...}/thumb{ext}", Vars{{"p", "a"}, {"ext", ".jpeg"}}},
		{"GET", "/image/a/tile/zoom/3/ti/12.png", "/image/{p...}/tile/zoom/{zoom:int}/ti/{ti:int}{ext}",
			Vars{{"p", "a"}, {"zoom", "3"}, {"ext", ".png"}, {"ti", "12"}}},
		{"POST", "/image/a/tile.webp", "/image/{p...}/tile{ext}", Vars{{"p", "a"}, {"ext", ".webp"}}},
		{"GET", "/image/u/a.svs.dzi", "/image/{p...}.dzi", Vars{{"p", "u/a.svs"}}},
		{"GET", "/image/u/a.svs_files/11/0_3.jpg", "/image/{p...}_files/{level:int}/{tile}",
			Vars{{"p", "u/a.svs"}, {"level", "11"}, {"tile", "0_3.jpg"}}},
		{"GET", "/image//etc/passwd/info", "/image/{p...}/info", Vars{{"p", "/etc/passwd"}}},
		{"GET", "/ping", "/ping", Vars{}},
	} {
		got, err := table().Find(row.method, row.path)
		if err != nil || got.Pattern != row.pattern || !slices.Equal(got.Vars, row.vars) {
			t.Errorf("%s %s finds %q %v (%v), want %q %v", row.method, row.path, got.Pattern, got.Vars, err, row.pattern, row.vars)
		}
	}
}

func TestWhatFitsNothing(t *testing.T) {
	for _, row := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/image/a/tile/zoom/-1/ti/0.jpg", 405, "DELETE"},
		{"GET", "/image/a/tile/zoom/1/ti/x", 405, "DELETE"},
		{"GET", "/image/a/info/", 405, "DELETE"},
		{"PUT", "/image/a/info", 405, "DELETE, GET, HEAD"},
		{"POST", "/ping", 405, "GET, HEAD"},
		{"GET", "/nothing", 404, ""},
		{"GET", "/", 404, ""},
		{"GET", "/image/", 404, ""},
	} {
		_, err := table().Find(row.method, row.path)
		if err == nil || problem.Status(err) != row.status || problem.Of(err).Allow != row.allow {
			t.Errorf("%s %s gives %v, want status %d with Allow %q", row.method, row.path, err, row.status, row.allow)
		}
	}
}
