package httpapi_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/pims-cloud/pims/internal/access"
	"github.com/pims-cloud/pims/internal/httpapi"
	"github.com/pims-cloud/pims/internal/telemetry"
)

const grantKeys = "test:0123456789abcdef0123456789abcdef"

// guarded is a service that lets in who has a grant; its log has everything.
type guarded struct {
	*service
	path, id string
	keys     *access.Keys
	log      *bytes.Buffer
}

func newGuarded(t *testing.T) *guarded {
	t.Helper()
	config := access.Config{Auth: "signed", GrantKeys: grantKeys}
	checker, err := access.New(config)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := access.NewKeys(config)
	if err != nil {
		t.Fatal(err)
	}
	g := &guarded{service: newService(t, ""), keys: keys, log: &bytes.Buffer{}}
	g.path = g.own("svs/rgb-240.svs")
	g.id, _, _ = strings.Cut(g.path, "/")
	log := slog.New(slog.NewTextHandler(g.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	g.deps.Access, g.deps.Log = checker, log
	g.deps.Web = fstest.MapFS{"index.html": {Data: []byte("<!doctype html>page")}}
	all, _ := httpapi.New(g.deps)
	g.handler = telemetry.Access(all, log)
	return g
}

func (g *guarded) grant(rights access.Rights, slides string) string {
	g.t.Helper()
	text, err := g.keys.Sign(access.Caller{Rights: rights, Slides: slides, Expires: time.Now().Add(time.Hour)})
	if err != nil {
		g.t.Fatal(err)
	}
	return text
}

// ask serves one request, with a grant in the query unless it is "".
func (g *guarded) ask(method, target, grant string, headers ...string) *httptest.ResponseRecorder {
	g.t.Helper()
	if grant != "" {
		separator := "?"
		if strings.Contains(target, "?") {
			separator = "&"
		}
		target += separator + "grant=" + grant
	}
	r := httptest.NewRequest(method, target, strings.NewReader("{}"))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "*/*")
	setHeaders(r.Header, headers)
	w := httptest.NewRecorder()
	g.handler.ServeHTTP(w, r)
	return w
}

var variable = regexp.MustCompile(`\{[^}]*\}`)

// target is an address of a route's pattern, for this path of a slide.
func target(pattern, path string) string {
	id, _, _ := strings.Cut(path, "/")
	return variable.ReplaceAllStringFunc(pattern, func(v string) string {
		switch v {
		case "{p...}":
			return path
		case "{d...}", "{id}":
			return id
		case "{ext}":
			return ""
		case "{name}":
			return "thumb"
		case "{tile}":
			return "0_0.jpg"
		default:
			return "0"
		}
	})
}

// TestEveryRouteIsGuarded asks for every route without a credential, with one
// that has no right, and with one for another slide.
func TestEveryRouteIsGuarded(t *testing.T) {
	g := newGuarded(t)
	other := g.grant(access.All, "upload-00000000-0000-5000-8000-000000000000")
	for _, r := range httpapi.RoutesOf(g.deps) {
		address := target(r.Pattern, g.path)
		switch r.Pattern {
		case "/image/tile.jpg":
			address += "?zoomify=" + g.path + "&x=0&y=0&z=0"
		case "/slice/tile":
			address += "?fif=" + g.path + "&tileIndex=0&z=0"
		}
		name := r.Method + " " + address
		if httpapi.Public(r) {
			if r.Method == http.MethodPost { // it asks for the credential that it makes a cookie
				continue
			}
			if w := g.ask(r.Method, address, ""); w.Code != http.StatusOK {
				t.Errorf("%s without a credential: status %d, want 200: it is public", name, w.Code)
			}
			continue
		}
		w := g.ask(r.Method, address, "")
		if w.Code != http.StatusUnauthorized || !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") || w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s without a credential: status %d, %v", name, w.Code, w.Header())
		}
		if w := g.ask(r.Method, address, "1.test.1.r..AAAA"); w.Code != http.StatusUnauthorized || !strings.Contains(w.Header().Get("WWW-Authenticate"), "invalid_token") {
			t.Errorf("%s with a bad credential: status %d", name, w.Code)
		}
		if r.Method == http.MethodGet {
			if w := g.ask("HEAD", address, ""); w.Code != http.StatusUnauthorized {
				t.Errorf("HEAD %s without a credential: status %d", address, w.Code)
			}
		}
		concernsSlide := strings.Contains(address, g.id)
		if concernsSlide || httpapi.Whole(r) {
			if w := g.ask(r.Method, address, other); w.Code != http.StatusForbidden {
				t.Errorf("%s with a credential for another slide: status %d, want 403", name, w.Code)
			}
		}
		// 403 does not tell whether there is such a slide.
		if concernsSlide {
			missing := strings.ReplaceAll(address, g.id, "upload-11111111-1111-5111-8111-111111111111")
			if w := g.ask(r.Method, missing, other); w.Code != http.StatusForbidden {
				t.Errorf("%s with a credential for another slide: status %d, want 403", r.Method+" "+missing, w.Code)
			}
		}
	}
}

// TestRightsDecide tells 401, 403 and 404 apart, for each right.
func TestRightsDecide(t *testing.T) {
	g := newGuarded(t)
	image := "/image/" + g.path
	escaped := "/image/" + strings.Replace(url.PathEscape(g.path), "upload-", "upload%252D", 1)
	for _, row := range []struct {
		method, target string
		rights         access.Rights
		slides         string
		status         int
	}{
		{"GET", image + "/info", access.Read, "", 200},
		{"GET", image + "/info", access.Read, g.id, 200},
		{"GET", image + "/info", access.Read, g.id[:20], 200},
		{"GET", image + "/info", access.All &^ access.Read, "", 403},
		{"GET", escaped + "/info", access.Read, "upload-0000", 403},
		{"GET", "/image/upload-11111111-1111-5111-8111-111111111111/a.svs/info", access.Read, "", 404},
		{"GET", "/image/nothing/info", access.Read, g.id, 404},
		{"GET", "/nothing", access.Read, "", 404},
		{"GET", image + "/thumb.jpg?length=32", access.Read, g.id, 200},
		{"GET", image + ".dzi", access.Read, g.id, 200},
		{"GET", image + "_files/0/0_0.jpg", access.Read, g.id, 200},
		{"GET", image + "/associated/thumb", access.Read, g.id, 200},
		{"GET", image + "/associated/label", access.Read, g.id, 403},
		{"GET", image + "/associated/macro", access.Read, g.id, 403},
		{"GET", image + "/associated/macro", access.Read | access.Label, g.id, 200},
		{"GET", image + "/associated/macro", access.Label, g.id, 403},
		{"GET", image + "/export", access.Read | access.Label, g.id, 403},
		{"GET", image + "/export", access.Export, g.id, 200},
		{"GET", "/slides", access.Read, g.id, 200},
		{"GET", "/slides", access.Write, "", 403},
		{"GET", "/uploads", access.Write, "", 200},
		{"GET", "/uploads", access.Write, g.id, 403},
		{"POST", "/uploads", access.Write, "", 501},
		{"POST", "/uploads", access.Read, "", 403},
		{"DELETE", image, access.All &^ access.Admin, "", 403},
		{"DELETE", image, access.Admin, g.id, 200},
	} {
		if w := g.ask(row.method, row.target, g.grant(row.rights, row.slides)); w.Code != row.status {
			t.Errorf("%s %s with %s for %q: status %d, want %d: %.200s", row.method, row.target, row.rights, row.slides, w.Code, row.status, w.Body)
		}
	}
}

func TestLabelsAreNotListedForWhomMayNotSeeThem(t *testing.T) {
	g := newGuarded(t)
	for _, address := range []string{"/image/" + g.path + "/info", "/image/" + g.path + "/info/associated"} {
		for range 2 { // the second answer comes from the cache
			with := g.ask("GET", address, g.grant(access.Read|access.Label, ""))
			without := g.ask("GET", address, g.grant(access.Read, ""))
			if !strings.Contains(with.Body.String(), `"macro"`) || strings.Contains(without.Body.String(), `"macro"`) || strings.Contains(without.Body.String(), `"label"`) {
				t.Errorf("%s: with the right %s\nwithout %s", address, with.Body, without.Body)
			}
			if with.Header().Get("ETag") == without.Header().Get("ETag") {
				t.Errorf("%s: both answers have the ETag %s", address, with.Header().Get("ETag"))
			}
		}
	}
}

func TestListHasTheCallersSlides(t *testing.T) {
	g := newGuarded(t)
	second := g.own("svs/ycbcr-256.svs")
	id, _, _ := strings.Cut(second, "/")
	if body := g.ask("GET", "/slides", g.grant(access.Read, id)).Body.String(); !strings.Contains(body, id) || strings.Contains(body, g.id) {
		t.Errorf("the list is %s", body)
	}
	if body := g.ask("GET", "/slides", g.grant(access.Read, "")).Body.String(); !strings.Contains(body, id) || !strings.Contains(body, g.id) {
		t.Errorf("the whole list is %s", body)
	}
}

func TestAnswersStayOutOfSharedCaches(t *testing.T) {
	g := newGuarded(t)
	good := g.grant(access.Read, "")
	var version struct{ Items []struct{ Version string } }
	decode(t, reply{Response: &http.Response{}, body: g.ask("GET", "/slides", good).Body.Bytes()}, &version)
	for _, address := range []string{
		"/image/" + g.path + "/info", "/image/" + g.path + "/tile/level/0/ti/0.jpg",
		"/image/" + g.path + "/tile/level/0/ti/0.jpg?v=" + version.Items[0].Version,
	} {
		w := g.ask("GET", address, good)
		if w.Code != 200 || !strings.HasPrefix(w.Header().Get("Cache-Control"), "private") {
			t.Errorf("%s: status %d, Cache-Control %q, want private", address, w.Code, w.Header().Get("Cache-Control"))
		}
		// Who knows the ETag learns nothing without a credential.
		if w := g.ask("GET", address, "", "If-None-Match: "+w.Header().Get("ETag")); w.Code != http.StatusUnauthorized {
			t.Errorf("%s with its ETag and no credential: status %d, want 401", address, w.Code)
		}
	}
}

func TestGrantInAPagesAddressBecomesACookie(t *testing.T) {
	g := newGuarded(t)
	good := g.grant(access.Read, g.id)
	w := g.ask("GET", "/?a=b", good)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "?a=b" || len(cookies) != 1 {
		t.Fatalf("status %d, to %q, cookies %v", w.Code, w.Header().Get("Location"), cookies)
	}
	c := cookies[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Value != good || c.Expires.IsZero() {
		t.Errorf("the cookie is %+v", c)
	}
	cookie := "Cookie: " + c.Name + "=" + c.Value
	if w := g.ask("GET", "/image/"+g.path+"/thumb.jpg", "", cookie); w.Code != 200 {
		t.Errorf("a picture with the cookie: status %d", w.Code)
	}
	// Another site's page gets no use of the cookie.
	w = g.ask("GET", "/image/"+g.path+"/info", "", cookie, "Origin: https://evil.example")
	if w.Header().Get("Access-Control-Allow-Credentials") != "" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("another origin gets %v", w.Header())
	}
	if w := g.ask("GET", "/", "1.test.1.r..bad"); w.Code != http.StatusOK || len(w.Result().Cookies()) != 0 {
		t.Errorf("a bad grant: status %d, %v", w.Code, w.Header())
	}
	if w := g.ask("GET", "/", ""); w.Code != http.StatusOK {
		t.Errorf("the page itself: status %d, want 200", w.Code)
	}
}

func TestNoCredentialIsInTheLogs(t *testing.T) {
	g := newGuarded(t)
	good := g.grant(access.All, "")
	bad := good[:len(good)-1] + "A"
	for _, grant := range []string{good, bad} {
		for _, r := range httpapi.RoutesOf(g.deps) {
			g.ask(r.Method, target(r.Pattern, g.path)+"?length=x&z=-1", grant)
		}
		g.ask("GET", "/", grant)
		g.ask("GET", "/nothing", grant)
		g.ask("GET", "/image/"+g.path+"/info?v=outdated", grant)
		g.ask("GET", "/image/"+g.path+"/info", "", "Authorization: Bearer "+grant)
		g.ask("GET", "/image/"+g.path+"/info", "", "Cookie: pims_grant="+grant)
	}
	mac := good[strings.LastIndexByte(good, '.')+1:]
	if text := g.log.String(); strings.Contains(text, mac[:20]) {
		at := strings.Index(text, mac[:20])
		t.Errorf("the log has a grant: …%.300s", text[max(0, at-200):])
	}
	if strings.Count(g.log.String(), "/info") < 10 {
		t.Error("the log has no lines of these requests: the test proves nothing")
	}
}

func TestOperatorsNeedARight(t *testing.T) {
	g := newGuarded(t)
	h := httpapi.ForOperators(g.deps.Access, g.deps.Log, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "counters") }))
	for grant, status := range map[string]int{
		"": 401, g.grant(access.All&^access.Admin, ""): 403, g.grant(access.Admin, g.id): 403, g.grant(access.Admin, ""): 200,
	} {
		w := httptest.NewRecorder()
		r := httptest.NewRequest("GET", "/metrics", nil)
		if grant != "" {
			r.Header.Set("Authorization", "Bearer "+grant)
		}
		h.ServeHTTP(w, r)
		if w.Code != status {
			t.Errorf("%q: status %d, want %d", grant, w.Code, status)
		}
	}
}
