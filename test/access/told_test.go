package access_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/access"
	"github.com/pims-cloud/pims/internal/lambdaadapter/runtimetest"
	"github.com/pims-cloud/pims/test/issuer"
)

// program answers requests and tells things.
type program struct {
	name, url string
	wanted    int           // how often it tells of a request
	tells     func() string // what it has told so far
}

// told is what was found in what programs told.
type told struct {
	*world
	secrets map[string]string // what must not be told, and what it is
}

func (w *world) tellNothing() {
	t := w.t
	inner := &told{w, map[string]string{issuer.Secret: "the secret of grants", w.server.Gateway.SecretKey: "the store's secret key"}}
	admin := "Authorization: Bearer " + inner.secret("a token for metrics", w.issuer.Token(t, "pims:admin", "", time.Hour))
	programs := []program{{"the server", w.server.URL, 3, func() string { // two lines and a span
		return w.server.Log() + w.traces.String() + w.text("GET", "/metrics", "", admin)
	}}}
	for _, name := range []string{"tiles", "metadata"} {
		function := w.function(name, w.issuer.Env("jwt,signed")...)
		programs = append(programs, program{"the function " + name, w.front(&runtimetest.Front{Function: function}), 2, function.Log})
	}
	for _, p := range programs {
		t.Run(p.name, func(t *testing.T) { (&told{w.in(t), inner.secrets}).try(p) })
	}
	if text := w.traces.String(); strings.Count(text, "GET /image/") < 20 {
		t.Error("there are hardly any traces: the test proves nothing of them")
	}
}

// secret keeps a credential, and each part of it that is long enough to be
// recognised.
func (w *told) secret(what, text string) string {
	w.secrets[text] = what
	for part := range strings.SplitSeq(text, ".") {
		if len(part) >= 20 {
			w.secrets[part] = "a part of " + what
		}
	}
	return text
}

// credentials are good and bad ones by name.
func (w *told) credentials() map[string]string {
	t := w.t
	const rights = "pims:read pims:label pims:export pims:write"
	token, grant := w.issuer.Token(t, rights, "", time.Hour), w.issuer.Grant(t, access.All&^access.Admin, "", time.Hour)
	out := map[string]string{
		"a good token":                token,
		"a token for another slide":   w.issuer.Token(t, rights, "upload-0000", time.Hour),
		"a token that has ended":      w.issuer.Token(t, rights, "", -time.Hour),
		"a token signed by others":    issuer.Start(t).Token(t, rights, "", time.Hour),
		"a token that is cut":         token[:len(token)-10],
		"a grant":                     grant,
		"a grant for another slide":   w.issuer.Grant(t, access.Read, "upload-0000", time.Hour),
		"a grant that has ended":      w.issuer.Grant(t, access.Read, "", -time.Hour),
		"a grant with another end":    strings.Replace(grant, ".rlxw.", ".r.", 1),
		"what is neither":             "neither-token-nor-grant-but-a-password",
		"a token of an unknown shape": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzb21lYm9keSBzZWNyZXQifQ.",
	}
	for what, text := range out {
		w.secret(what, text)
	}
	return out
}

// try asks for good and bad things with good and bad credentials, in all places
// where one may stand and in some where it does not belong, first with a store
// that answers, then with one that refuses and quotes.
func (w *told) try(p program) {
	tile := "/image/" + w.path + "/tile/level/0/ti/"
	for what, credential := range w.credentials() {
		header := "Authorization: Bearer " + credential
		for _, target := range []string{
			"/image/" + w.path + "/info", tile + "0.jpg", tile + "99999.jpg", "/nothing", "/slides", "/image/" + w.path + "/export",
			"/image/" + w.path + "/info?z=-1&length=x", "//", "/uploads/x",
		} {
			separator := "?"
			if strings.Contains(target, "?") {
				separator = "&"
			}
			w.ask(p.url, "GET", target, "", header)
			w.ask(p.url, "GET", target, "", "Cookie: a=b; pims_grant="+credential)
			w.ask(p.url, "GET", target+separator+"grant="+credential, "")
			w.ask(p.url, "GET", target+separator+"access_token="+credential+"&v="+credential, "")
		}
		// Addresses that somebody has escaped once too often, or put together wrongly.
		for _, target := range []string{"/image/" + w.path + "/info%3Fgrant%3D" + credential, "/image/" + w.path + ";grant=" + credential + "/info", "/?grant=" + credential} {
			w.ask(p.url, "GET", target, "")
		}
		w.ask(p.url, "POST", "/uploads", `{"name":"b.svs","size":10}`, header)
		w.ask(p.url, "DELETE", "/image/"+w.path, "", header)
		w.ask(p.url, "POST", "/session", "", header)
		w.ask(p.url, "GET", "/session", "", "Cookie: pims_token="+credential)
		w.look(p, what)
	}
	good := "Authorization: Bearer " + w.issuer.Token(w.t, "pims:read pims:export pims:write", "", time.Hour)
	for i, status := range []int{http.StatusForbidden, http.StatusBadRequest, http.StatusInternalServerError, http.StatusServiceUnavailable} {
		w.spy.refuse(status)
		for _, target := range []string{fmt.Sprintf("%s%d.jpg", tile, i+1), "/slides", "/image/upload-11111111-1111-5111-8111-111111111111/a.svs/info", "/ready", "/image/" + w.path + "/metadata"} {
			w.ask(p.url, "GET", target, "", good)
		}
		if status == http.StatusForbidden { // the rest is tried again for seconds
			w.ask(p.url, "POST", "/uploads", `{"name":"b.svs","size":10}`, good)
		}
		if n := w.spy.refuse(0); n < 3 {
			w.t.Errorf("the store has refused %d requests with %d: the test proves nothing", n, status)
		}
		w.look(p, fmt.Sprintf("a store that answers %d", status))
	}
}

// look waits until the program has told of a last request, and searches what it
// told for secrets.
func (w *told) look(p program, after string) {
	t := w.t
	marker := fmt.Sprintf("marker-%d", time.Now().UnixNano())
	w.ask(p.url, "GET", "/image/"+marker+"/info", "")
	deadline := time.Now().Add(time.Minute)
	text := p.tells()
	for strings.Count(text, marker) < p.wanted {
		if time.Now().After(deadline) {
			t.Fatalf("a request is told of %d times after a minute, want %d", strings.Count(text, marker), p.wanted)
		}
		time.Sleep(10 * time.Millisecond) // polling, with a deadline
		text = p.tells()
	}
	for _, signature := range w.spy.all() {
		w.secrets[signature] = "a signature of the store's"
	}
	for secret, what := range w.secrets {
		if at := strings.Index(text, secret); at >= 0 {
			t.Errorf("after %s: %s is told: …%.500q", after, what, text[max(0, at-300):])
			delete(w.secrets, secret) // once is enough
		}
	}
}
