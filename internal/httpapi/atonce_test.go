package httpapi_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/internal/access"
	"github.com/pims-cloud/pims/internal/httpapi"
	"github.com/pims-cloud/pims/internal/nowait"
	"github.com/pims-cloud/pims/internal/objectstore/recording"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/internal/telemetry"
)

// askAtOnce asks a handler that must not wait, and tells whether it wrote anything.
func askAtOnce(handler http.Handler, method, target string, headers ...string) (w *httptest.ResponseRecorder, answered bool) {
	r := httptest.NewRequest(method, target, nil)
	setHeaders(r.Header, headers)
	out := &written{ResponseRecorder: httptest.NewRecorder()}
	handler.ServeHTTP(out, r.WithContext(nowait.Context(r.Context())))
	return out.ResponseRecorder, out.any
}

// written tells whether anything was.
type written struct {
	*httptest.ResponseRecorder
	any bool
}

func (w *written) WriteHeader(status int) { w.any = true; w.ResponseRecorder.WriteHeader(status) }
func (w *written) Write(p []byte) (int, error) {
	w.any = true
	return w.ResponseRecorder.Write(p)
}

// tileURLs address one tile in every way that is answered at once.
func tileURLs(s *service, path string) []string {
	return []string{
		"/image/" + path + "/tile/level/0/ti/0.jpg", "/image/" + path + "/tile/zoom/0/tx/0/ty/0.jpg",
		"/image/" + path + "/normalized-tile/level/0/tx/0/ty/0", "/image/" + path + "/normalized-tile/zoom/0/ti/0.png",
		"/image/" + path + "_files/" + strconv.Itoa(s.deepZoomTop(path)) + "/0_0.jpg",
	}
}

// TestAtOnceAnswersAsEverElse compares headers and bytes of both handlers.
func TestAtOnceAnswersAsEverElse(t *testing.T) {
	for _, base := range []string{"", "/ims"} {
		s := newService(t, base)
		path := s.own("svs/ycbcr-256.svs")
		version := "?v=" + s.version(path)
		for _, url := range tileURLs(s, path) {
			for _, headers := range [][]string{
				{"Accept: image/png"}, {"Accept: image/*", "Origin: https://viewer.example"}, {"Accept: image/jpeg", "Cookie: other=1"},
				{"Accept: */*", "If-None-Match: *"}, {"Accept: */*", `If-None-Match: "other"`},
			} {
				for _, target := range []string{base + url, base + url + version} {
					full := func() *httptest.ResponseRecorder {
						r := httptest.NewRequest(http.MethodGet, target, nil)
						setHeaders(r.Header, headers)
						w := httptest.NewRecorder()
						s.handler.ServeHTTP(w, r)
						return w
					}
					full()
					want := full() // from memory
					s.slides.Reset()
					got, answered := askAtOnce(s.atOnce, http.MethodGet, target, headers...)
					if !answered || got.Code != want.Code || got.Body.String() != want.Body.String() {
						t.Errorf("%s %v: answered %t, status %d, want %d and the same bytes", target, headers, answered, got.Code, want.Code)
					}
					if reads := s.slides.Calls(); reads != (recording.Calls{}) {
						t.Errorf("%s: the store was asked: %+v", target, reads)
					}
					if diff := cmp.Diff(want.Header(), got.Header()); diff != "" {
						t.Errorf("%s %v: other headers at once\n%s", target, headers, diff)
					}
				}
			}
		}
	}
}

// TestAtOnceLeavesWhatItHasNot asks for what is not in memory, has to be made, or
// is no tile, when it would be an error, too.
func TestAtOnceLeavesWhatItHasNot(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/ycbcr-256.svs")
	tile := "/image/" + path + "/tile/level/0/ti/0.jpg"
	leaves := func(method, target string, headers ...string) {
		t.Helper()
		s.slides.Reset()
		if w, answered := askAtOnce(s.atOnce, method, target, headers...); answered {
			t.Errorf("%s %s %v was answered with %d: %.100s", method, target, headers, w.Code, w.Body)
		}
		if reads := s.slides.Calls(); reads != (recording.Calls{}) {
			t.Errorf("%s %s: the store was asked: %+v", method, target, reads)
		}
	}
	s.catalog.Forget(slide.ID(strings.Split(path, "/")[0]))
	for _, url := range tileURLs(s, path) { // the slide is not open
		leaves(http.MethodGet, url, "Accept: */*")
	}
	s.get("/image/"+path+"/info").want(t, http.StatusOK)
	for _, url := range tileURLs(s, path) { // it is, but no tile is in memory
		leaves(http.MethodGet, url, "Accept: */*")
	}
	s.get(tile).want(t, http.StatusOK)
	leaves(http.MethodGet, tile, "Cache-Control: no-store")
	leaves(http.MethodHead, "/image/"+path+"/info")
	leaves(http.MethodGet, tile+"?v=other")
	leaves(http.MethodGet, tile+"?gammas=1")
	leaves(http.MethodGet, "/image/"+path+"/tile/level/9/ti/0.jpg")
	leaves(http.MethodGet, "/image/"+path+"/tile/level/0/ti/0.gif")
	leaves(http.MethodGet, "/image/none/tile/level/0/ti/0.jpg")
	leaves(http.MethodPost, "/image/"+path+"/tile/level/0/ti/0.jpg")
	leaves(http.MethodOptions, tile)
	for _, r := range httpapi.RoutesOf(s.deps) {
		if r.Method == http.MethodGet && !r.AtOnce {
			leaves(http.MethodGet, target(r.Pattern, path), "Accept: */*")
		}
	}
	leaves(http.MethodGet, "/")
	leaves(http.MethodGet, "/docs")
	s.catalog.Forget(slide.ID(strings.Split(path, "/")[0]))
	leaves(http.MethodGet, tile)
}

// TestAtOnceGuards answers only callers whom the handler of all requests answers.
func TestAtOnceGuards(t *testing.T) {
	g := newGuarded(t)
	_, atOnce := httpapi.New(g.deps)
	tile := "/image/" + g.path + "/tile/level/0/ti/0.jpg"
	good, other := g.grant(access.Read, g.id), g.grant(access.Read, "upload-00000000-0000-5000-8000-000000000000")
	if w := g.ask(http.MethodGet, tile, "", "Authorization: Bearer "+good); w.Code != http.StatusOK {
		t.Fatalf("status %d", w.Code)
	}
	for grant, want := range map[string]bool{other: false, "1.test.1.r..AAAA": false, good: true} {
		for _, query := range []string{"?grant=" + grant, "?v=" + g.version(g.path) + "&grant=" + grant} {
			if w, answered := askAtOnce(atOnce, http.MethodGet, tile+query); answered != want {
				t.Errorf("%s: answered %t with %d, want %t", query, answered, w.Code, want)
			}
		}
	}
	for credential, want := range map[string]bool{
		"": false, "Authorization: Bearer " + other: false, "Authorization: Bearer 1.test.1.r..AAAA": false, "Authorization: Bearer " + good: true,
	} {
		if w, answered := askAtOnce(atOnce, http.MethodGet, tile, credential); answered != want {
			t.Errorf("%q: answered %t with %d, want %t", credential, answered, w.Code, want)
		}
	}
}

// TestWhatIsLeftIsAccountedOnce lets the access log see a request that is left,
// and then comes again.
func TestWhatIsLeftIsAccountedOnce(t *testing.T) {
	s := newService(t, "")
	tile := "/image/" + s.own("svs/ycbcr-256.svs") + "/tile/level/0/ti/0.jpg"
	var served []telemetry.Served
	account := func(next http.Handler) http.Handler {
		return telemetry.Access(next, slog.New(slog.DiscardHandler), func(one telemetry.Served) { served = append(served, one) })
	}
	atOnce, all := account(s.atOnce), account(s.handler)
	if _, answered := askAtOnce(atOnce, http.MethodGet, tile); answered || len(served) > 0 {
		t.Fatalf("answered %t, accounted %v, want neither", answered, served)
	}
	all.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, tile, nil))
	if _, answered := askAtOnce(atOnce, http.MethodGet, tile); !answered || len(served) != 2 {
		t.Fatalf("answered %t, accounted %v, want two", answered, served)
	}
	if first, second := served[0], served[1]; first.Cache != "MISS" || second.Cache != "HIT" || first.Route != second.Route || first.Sent != second.Sent || second.Reads != 0 {
		t.Errorf("accounted %+v and %+v", first, second)
	}
}

// TestPanicsAtOnceAreLeft lets the handler of all requests answer them.
func TestPanicsAtOnceAreLeft(t *testing.T) {
	broken := telemetry.Access(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("broken") }), slog.New(slog.DiscardHandler))
	if w, answered := askAtOnce(broken, http.MethodGet, "/"); answered {
		t.Errorf("a panic was answered with %d", w.Code)
	}
}

// TestTilesOfAConnectionAreAnsweredOnIt goes through sockets.
func TestTilesOfAConnectionAreAnsweredOnIt(t *testing.T) {
	s := newService(t, "")
	tile := "/image/" + s.own("svs/ycbcr-256.svs") + "/tile/level/0/ti/0.jpg"
	first := s.get(tile).want(t, http.StatusOK)
	before := s.fast.Answered()
	again := s.get(tile).want(t, http.StatusOK)
	s.get(tile, "If-None-Match: "+first.Header.Get("ETag")).want(t, http.StatusNotModified)
	if string(again.raw) != string(first.raw) {
		t.Error("the tile has other bytes the second time")
	}
	for end := time.Now().Add(30 * time.Second); s.fast.Answered()-before != 2; time.Sleep(time.Millisecond) {
		if time.Now().After(end) { // the count follows the answer
			t.Fatalf("%d of two requests were answered on their connection", s.fast.Answered()-before)
		}
	}
}
