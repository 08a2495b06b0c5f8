package httpapi_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/pims-cloud/pims/internal/telemetry"
)

func TestRequestsAreClassifiedByTheirWork(t *testing.T) {
	s := newService(t, "")
	tile := "/image/" + s.own("svs/rgb-240.svs") + "/tile/level/0/ti/"
	var seen []string
	handler := telemetry.Access(s.handler, slog.New(slog.DiscardHandler), func(served telemetry.Served) {
		seen = append(seen, served.Class.String())
	})
	get := func(url, tag string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, url, nil)
		r.Header.Set("If-None-Match", tag)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w
	}
	get("/ping", "")
	first := get(tile+"0.jpg", "")
	get(tile+"0.jpg", "")
	get(tile+"0.jpg", first.Header().Get("ETag"))
	get(tile+"0.png", "")
	get(tile+"0.png?gammas=2", "")
	get(tile+"99999.jpg", "")
	want := []string{"other", "passthrough", "hit", "not-modified", "render", "render", "error"}
	if !slices.Equal(seen, want) {
		t.Errorf("classes %v, want %v", seen, want)
	}
}
