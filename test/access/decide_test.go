package access_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/access"
	"github.com/pims-cloud/pims/internal/lambdaadapter/runtimetest"
)

// request is one that every program answers with this status.
type request struct {
	what           string
	method, target string
	headers        []string
	status         int
}

// decideAlike asks a server and the functions behind all fronts the same, with
// AUTH=jwt and AUTH=signed.
func (w *world) decideAlike() {
	for mode, requests := range map[string]func() []request{"jwt": w.byToken, "signed": w.byGrant} {
		w.t.Run(mode, func(t *testing.T) {
			w, environ := w.in(t), w.issuer.Env(mode)
			server := w.server.Beside(t, environ...)
			tiles := map[string]string{
				"tiles, function URL":           w.front(&runtimetest.Front{Function: w.function("tiles", environ...)}),
				"tiles, streaming function URL": w.front(&runtimetest.Front{Function: w.function("tiles", append(environ, "LAMBDA_RESPONSE=stream")...)}),
			}
			behind := w.function("metadata", environ...)
			metadata := map[string]string{
				"metadata, HTTP API": w.front(&runtimetest.Front{Function: behind, Stage: "prod"}),
				"metadata, REST API": w.front(&runtimetest.Front{Function: behind, Stage: "prod", REST: true}),
			}
			for _, r := range requests() {
				functions := metadata
				if strings.Contains(r.target, "/tile/") {
					functions = tiles
				}
				w.compare(r, server.URL, functions)
			}
		})
	}
}

// compare holds the functions' answers to the server's.
func (w *world) compare(r request, server string, functions map[string]string) {
	want := w.ask(server, r.method, r.target, "", r.headers...)
	if want.StatusCode != r.status {
		w.t.Errorf("%s %s %s: the server answers %d, want %d: %.300s", r.what, r.method, r.target, want.StatusCode, r.status, want.body)
		return
	}
	for name, url := range functions {
		got := w.ask(url, r.method, r.target, "", r.headers...)
		if got.StatusCode != r.status {
			w.t.Errorf("%s %s %s: %s answers %d, want %d: %.300s", r.what, r.method, r.target, name, got.StatusCode, r.status, got.body)
			continue
		}
		for _, header := range []string{"Www-Authenticate", "Cache-Control", "Content-Type", "Location"} {
			if got.Header.Get(header) != want.Header.Get(header) {
				w.t.Errorf("%s %s %s: %s answers %s %q, the server %q", r.what, r.method, r.target, name, header, got.Header.Get(header), want.Header.Get(header))
			}
		}
		if code(got) != code(want) {
			w.t.Errorf("%s %s %s: %s answers with the code %q, the server %q", r.what, r.method, r.target, name, code(got), code(want))
		}
		if len(got.Cookies()) != len(want.Cookies()) {
			w.t.Errorf("%s %s %s: %s sets %v, the server %v", r.what, r.method, r.target, name, got.Cookies(), want.Cookies())
		}
	}
}

// code is an error's; "" of a good answer.
func code(a answer) string {
	var problem struct{ Type string }
	if a.StatusCode < http.StatusBadRequest || json.Unmarshal([]byte(a.body), &problem) != nil {
		return ""
	}
	return problem.Type
}

// addresses are those of the slide, and of one that is not there.
func (w *world) addresses() (info, tile, missing, missingTile string) {
	const nothing = "/image/upload-11111111-1111-5111-8111-111111111111/a.svs"
	const rest = "/tile/level/0/tx/0/ty/0"
	image := "/image/" + w.path
	return image + "/info", image + rest, nothing + "/info", nothing + rest
}

func bearer(credential string) []string {
	return []string{"Authorization: Bearer " + credential}
}

// anyways are the requests that mean the same however a credential comes.
func (w *world) anyways(good, label, other, ended, forged string) []request {
	info, tile, missing, missingTile := w.addresses()
	macro := "/image/" + w.path + "/associated/macro"
	return []request{
		{"without a credential", "GET", info, nil, 401},
		{"without a credential", "GET", tile, nil, 401},
		{"without a credential", "HEAD", tile, nil, 401},
		{"without a credential", "GET", missing, nil, 401},
		{"with one that has ended", "GET", info, bearer(ended), 401},
		{"with one that has ended", "GET", tile, bearer(ended), 401},
		{"with a forged one", "GET", info, bearer(forged), 401},
		{"with a forged one", "GET", tile, bearer(forged), 401},
		{"with one for another slide", "GET", info, bearer(other), 403},
		{"with one for another slide", "GET", tile, bearer(other), 403},
		{"with one for another slide", "GET", missing, bearer(other), 403},
		{"with one for another slide", "GET", missingTile, bearer(other), 403},
		{"without the right", "GET", macro, bearer(good), 403},
		{"without the right", "POST", "/uploads", bearer(good), 403},
		{"without the right", "DELETE", "/image/" + w.path, bearer(good), 403},
		{"for what is not there", "GET", missing, bearer(good), 404},
		{"for what is not there", "GET", missingTile, bearer(good), 404},
		{"with a good one", "GET", info, bearer(good), 200},
		{"with a good one", "GET", tile, bearer(good), 200},
		{"with a good one", "HEAD", tile, bearer(good), 200},
		{"with a good one", "GET", "/slides", bearer(good), 200},
		{"with the right", "GET", macro, bearer(label), 200},
		{"without a credential", "GET", "/ping", nil, 200},
		{"without a credential", "GET", "/session", nil, 200},
		{"without a credential", "POST", "/session", nil, 401},
		{"with one that has ended", "POST", "/session", bearer(ended), 401},
		{"with a good one", "POST", "/session", bearer(good), 200}, // sets a cookie
		{"with a good one from a neighbour's page", "POST", "/session", append(bearer(good), "Sec-Fetch-Site: same-site"), 403},
		{"without a credential", "DELETE", "/session", nil, 200}, // removes both cookies
	}
}

// forge changes the last bytes of a credential: its signature.
func forge(credential string) string { return credential[:len(credential)-6] + "AAAAAA" }

func (w *world) byToken() []request {
	t := w.t
	good := w.issuer.Token(t, "pims:read", "", time.Hour)
	info, tile, _, _ := w.addresses()
	grant := w.issuer.Grant(t, access.Read, "", time.Hour)
	return append(w.anyways(good, w.issuer.Token(t, "pims:read pims:label", "", time.Hour),
		w.issuer.Token(t, "pims:read", "upload-0000", time.Hour), w.issuer.Token(t, "pims:read", "", -time.Hour), forge(good)),
		request{"with a grant", "GET", info, bearer(grant), 401},
		request{"with a grant", "GET", tile + "?grant=" + grant, nil, 401},
		request{"with a token in a query", "GET", tile + "?grant=" + good, nil, 401},
		request{"with a token in a cookie", "GET", info, []string{"Cookie: a=b; pims_token=" + good}, 200},
		request{"with a token in a cookie", "GET", tile, []string{"Cookie: a=b", "Cookie: pims_token=" + good}, 200},
		request{"with a forged token in a cookie", "GET", tile, []string{"Cookie: pims_token=" + forge(good)}, 401},
		request{"with a grant in a cookie", "GET", tile, []string{"Cookie: pims_grant=" + grant}, 401},
	)
}

func (w *world) byGrant() []request {
	t := w.t
	grant := func(r access.Rights, slides string, ends time.Duration) string {
		return w.issuer.Grant(t, r, slides, ends)
	}
	good, other := grant(access.Read, "", time.Hour), grant(access.Read, "upload-0000", time.Hour)
	info, tile, _, _ := w.addresses()
	requests := append(w.anyways(good, grant(access.Read|access.Label, "", time.Hour), other, grant(access.Read, "", -time.Hour), forge(good)),
		request{"with a token", "GET", info, bearer(w.issuer.Token(t, "pims:read", "", time.Hour)), 401},
		request{"with a grant in the page's address", "GET", "/?a=b&grant=" + good, nil, 303},
	)
	for _, target := range []string{info, tile} {
		requests = append(requests,
			request{"with a grant in the query", "GET", target + "?grant=" + good, nil, 200},
			request{"with a grant behind other words of the query", "GET", target + "?x=y&grant=" + good, nil, 200},
			request{"with another slide's in the query", "GET", target + "?grant=" + other, nil, 403},
			request{"with a forged one in the query", "GET", target + "?grant=" + forge(good), nil, 401},
			request{"with a cookie", "GET", target, []string{"Cookie: pims_grant=" + good}, 200},
			request{"with a cookie among others", "GET", target, []string{"Cookie: a=b; pims_grant=" + good + "; c=d"}, 200},
			request{"with a cookie on a line of its own", "GET", target, []string{"Cookie: a=b", "Cookie: pims_grant=" + good}, 200},
			request{"with another slide's cookie", "GET", target, []string{"Cookie: a=b; pims_grant=" + other}, 403},
			request{"with a bad query and a good cookie", "GET", target + "?grant=x", []string{"Cookie: pims_grant=" + good}, 401},
		)
	}
	return requests
}
