package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/access"
)

// session is what the page reads.
type session struct {
	Restricted, SignedIn, ByCookie bool
	Accepts, Rights                []string
	Slides, ExpiresAt, Reason      string
}

func (g *guarded) session(method, grant string, headers ...string) (*httptest.ResponseRecorder, session) {
	g.t.Helper()
	if grant != "" {
		headers = append(headers, "Authorization: Bearer "+grant)
	}
	w := g.ask(method, "/session", "", headers...)
	var s session
	if err := json.Unmarshal(w.Body.Bytes(), &s); err != nil {
		g.t.Fatalf("%v in %s", err, w.Body)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		g.t.Errorf("%s /session has Cache-Control %q", method, got)
	}
	return w, s
}

func TestSigningInAndOut(t *testing.T) {
	g := newGuarded(t)
	good := g.grant(access.Read|access.Label, g.id)
	if _, s := g.session("GET", ""); !s.Restricted || s.SignedIn || len(s.Rights) != 0 || strings.Join(s.Accepts, ",") != "grant" || s.Reason != "" {
		t.Errorf("before: %+v", s)
	}
	w, s := g.session("POST", good)
	cookies := w.Result().Cookies()
	if w.Code != http.StatusOK || len(cookies) != 1 || !s.SignedIn || !s.ByCookie || strings.Join(s.Rights, ",") != "read,label" || s.Slides != g.id || s.ExpiresAt == "" {
		t.Fatalf("signing in: status %d, %+v, cookies %v", w.Code, s, cookies)
	}
	c := cookies[0]
	if c.Name != access.GrantCookie || c.Value != good || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Secure || c.Expires.IsZero() {
		t.Errorf("the cookie is %+v", c)
	}
	if strings.Contains(w.Body.String(), good) {
		t.Errorf("the answer repeats the credential: %s", w.Body)
	}
	cookie := "Cookie: " + c.Name + "=" + c.Value
	if _, s := g.session("GET", "", cookie); !s.SignedIn || !s.ByCookie || s.Slides != g.id {
		t.Errorf("with the cookie: %+v", s)
	}
	if _, s := g.session("GET", good); !s.SignedIn || s.ByCookie {
		t.Errorf("with the header: %+v", s)
	}
	if w := g.ask("GET", "/image/"+g.path+"/associated/macro", "", cookie); w.Code != http.StatusOK {
		t.Errorf("a picture with the cookie: status %d", w.Code)
	}
	w, s = g.session("DELETE", "", cookie)
	if gone := w.Result().Cookies(); w.Code != http.StatusOK || s.SignedIn || len(gone) != 2 || gone[0].MaxAge >= 0 || gone[0].Value != "" || gone[1].MaxAge >= 0 {
		t.Errorf("signing out: status %d, %+v, cookies %v", w.Code, s, gone)
	}
	if _, s := g.session("GET", "", cookie+"x"); s.SignedIn || !strings.Contains(s.Reason, "signature") && !strings.Contains(s.Reason, "grant") {
		t.Errorf("with a bad cookie: %+v, want the reason", s)
	}
}

func TestSigningInBehindTLSMakesASecureCookie(t *testing.T) {
	g := newGuarded(t)
	w, _ := g.session("POST", g.grant(access.Read, ""), "X-Forwarded-Proto: https", "Cookie: pims_token=old")
	cookies := w.Result().Cookies()
	if len(cookies) != 2 || !cookies[0].Secure || cookies[1].Name != access.TokenCookie || cookies[1].MaxAge >= 0 {
		t.Errorf("the cookies are %v, want a secure one, and the other kind gone", cookies)
	}
}

func TestWhoCannotSignIn(t *testing.T) {
	g := newGuarded(t)
	good := g.grant(access.Read, "")
	for name, row := range map[string]struct {
		headers []string
		status  int
	}{
		"without a credential":      {nil, 401},
		"with a cookie alone":       {[]string{"Cookie: pims_grant=" + good}, 401},
		"with a bad credential":     {[]string{"Authorization: Bearer " + good + "x"}, 401},
		"from another site's page":  {[]string{"Authorization: Bearer " + good, "Sec-Fetch-Site: cross-site"}, 403},
		"from a neighbour's page":   {[]string{"Authorization: Bearer " + good, "Sec-Fetch-Site: same-site"}, 403},
		"from an old browser there": {[]string{"Authorization: Bearer " + good, "Origin: https://evil.example"}, 403},
	} {
		w := g.ask("POST", "/session", "", row.headers...)
		if w.Code != row.status || len(w.Result().Cookies()) != 0 {
			t.Errorf("%s: status %d, cookies %v; want %d and none", name, w.Code, w.Result().Cookies(), row.status)
		}
	}
}

// TestNeighboursPagesChangeNothingByCookie: SameSite lets a page below the same
// domain send the cookie.
func TestNeighboursPagesChangeNothingByCookie(t *testing.T) {
	g := newGuarded(t)
	good := g.grant(access.All, "")
	cookie, image := "Cookie: pims_grant="+good, "/image/"+g.path
	for _, from := range []string{"Sec-Fetch-Site: same-site", "Sec-Fetch-Site: cross-site", "Origin: https://other.example"} {
		for _, method := range []string{"DELETE", "POST"} {
			target := image
			if method == "POST" {
				target = "/upload"
			}
			if w := g.ask(method, target, "", cookie, from); w.Code != http.StatusForbidden || !strings.Contains(w.Body.String(), "cross-origin") {
				t.Errorf("%s %s by cookie, %s: status %d, want 403", method, target, from, w.Code)
			}
		}
		if w := g.ask("GET", image+"/info", "", cookie, from); w.Code != http.StatusOK {
			t.Errorf("reading by cookie, %s: status %d, want 200", from, w.Code)
		}
	}
	// Who brings the credential by himself may call from any page.
	if w := g.ask("POST", image+"/thumb.jpg", good, "Sec-Fetch-Site: cross-site"); w.Code == http.StatusForbidden {
		t.Errorf("a grant in the query from another page: status %d", w.Code)
	}
	if w := g.ask("DELETE", image, "", cookie, "Sec-Fetch-Site: same-origin"); w.Code != http.StatusOK {
		t.Errorf("deleting from the page itself: status %d: %s", w.Code, w.Body)
	}
}

func TestSessionWhereAccessIsOpen(t *testing.T) {
	s := newService(t, "")
	for _, method := range []string{"GET", "POST", "DELETE"} {
		var got session
		decode(t, s.send(method, "/session", "").want(t, 200), &got)
		if got.Restricted || len(got.Rights) != 5 || len(got.Accepts) != 0 {
			t.Errorf("%s: %+v", method, got)
		}
	}
}
