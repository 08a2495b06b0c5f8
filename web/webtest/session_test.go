package webtest

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
	"github.com/golang-jwt/jwt/v5"

	"github.com/pims-cloud/pims/internal/access"
)

const grantKeys = "test:0123456789abcdef0123456789abcdef"

// restricted is a server that asks for grants and has one slide.
func restricted(t *testing.T) (server *Server, id string, grant func(r access.Rights, slides string) string) {
	t.Helper()
	server = Serve(t, "AUTH=signed", "GRANT_KEYS="+grantKeys)
	id, _ = server.ImportFile(t, slideFile(t))
	keys, err := access.NewKeys(access.Config{GrantKeys: grantKeys})
	if err != nil {
		t.Fatal(err)
	}
	return server, id, func(r access.Rights, slides string) string {
		text, err := keys.Sign(access.Caller{Rights: r, Slides: slides, Expires: time.Now().Add(time.Hour)})
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
}

const (
	askedToSignIn = `document.querySelector(".sign-in")?.offsetParent && !document.querySelector(".card")`
	listed        = `[...document.querySelectorAll(".card img")].some((img) => img.complete && img.naturalWidth > 100)`
	// kept is everything that a script of the page can find of a credential.
	kept = `JSON.stringify([document.cookie, {...localStorage}, {...sessionStorage}, location.href, document.documentElement.outerHTML,
		...[...document.querySelectorAll("input")].map((i) => i.value)])`
)

// signInWith types a credential.
func (p *page) signInWith(credential string) {
	p.t.Helper()
	p.run("typing a credential", chromedp.SetValue("#credential", credential, chromedp.ByQuery), chromedp.SendKeys("#credential", kb.Enter, chromedp.ByQuery))
}

// mustKeepNothing fails when a script can find the credential.
func (p *page) mustKeepNothing(credential string) {
	p.t.Helper()
	if text := value[string](p, kept); strings.Contains(text, credential[strings.LastIndexByte(credential, '.')+1:]) {
		p.t.Error("a script of the page can find the credential")
	}
}

func TestPageAsksWhoLooks(t *testing.T) {
	requirePage(t)
	server, _, grant := restricted(t)
	good := grant(access.All, "")
	browser := newBrowser(t)
	for _, l := range looks {
		t.Run(l.name, func(t *testing.T) {
			p := newPage(browser, t, server.Base, l)
			p.run("without cookies", network.ClearBrowserCookies())
			p.open("")
			p.until("the page asks who looks", askedToSignIn)
			if value[bool](p, `document.querySelector(".needs-write").offsetParent !== null`) {
				t.Error("uploads are offered to who is not signed in")
			}
			p.shot("1-sign-in")
			p.mustFit(l)
			p.mustBeClean()
			p.tolerate("status of 401")
			p.signInWith("1.test.5.r..not-a-grant")
			p.until("a bad grant is refused", `document.querySelector(".sign-in-problem")?.offsetParent && document.querySelector(".sign-in-problem").textContent.length > 20`)
			p.shot("2-refused")
			p.mustFit(l)
			p.signInWith(good)
			p.until("the slide is listed with its picture", listed)
			p.until("uploads and signing out are offered", `document.querySelector(".needs-write").offsetParent && document.querySelector('[aria-label="Sign out"]').offsetParent`)
			p.mustKeepNothing(good)
			p.shot("3-signed-in")
			p.mustFit(l)
			p.run("clicking the slide", chromedp.Click(".card-link", chromedp.ByQuery))
			p.seen()
			p.open("")
			p.until("the cookie is still there", listed)
			p.mustBeClean()
			// The page begins anew, which a poll would not live through.
			p.run("signing out", chromedp.Click(`[aria-label="Sign out"]`, chromedp.ByQuery), chromedp.WaitVisible(".sign-in", chromedp.ByQuery))
			p.until("the page asks who looks again", askedToSignIn)
			p.mustBeClean()
		})
	}
}

// TestLinkSignsIn has the grant behind the #, where no server sees it.
func TestLinkSignsIn(t *testing.T) {
	requirePage(t)
	server, id, grant := restricted(t)
	look := looks[0]
	p := newPage(newBrowser(t), t, server.Base, look)
	good := grant(access.Read, id)
	var asked []string
	chromedp.ListenTarget(p.ctx, func(event any) {
		if e, ok := event.(*network.EventRequestWillBeSent); ok {
			p.mu.Lock()
			asked = append(asked, e.Request.URL)
			p.mu.Unlock()
		}
	})
	p.open("#/grant=" + good)
	p.until("the slide is listed with its picture", listed)
	if got := value[string](p, "location.hash"); got != "#/" {
		t.Errorf("the address has %s", got)
	}
	p.mustKeepNothing(good)
	p.mu.Lock()
	for _, url := range asked {
		if strings.Contains(url, good) {
			t.Errorf("%s has the grant", strings.ReplaceAll(url, good, "…"))
		}
	}
	p.mu.Unlock()
	// This grant neither uploads nor deletes.
	if offered := value[int](p, `[...document.querySelectorAll(".needs-write, .needs-admin")].filter((e) => e.offsetParent).length`); offered != 0 {
		t.Errorf("%d things are offered that the grant does not allow", offered)
	}
	p.shot("reader")
	p.run("clicking the slide", chromedp.Click(".card-link", chromedp.ByQuery))
	p.seen()
	p.mustBeClean()
}

// tokenOf gives the settings of a server that takes tokens, and a token.
func tokenOf(t *testing.T, rights string) (settings []string, token string) {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	issuer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"k","x":%q}]}`, base64.RawURLEncoding.EncodeToString(public))
	}))
	t.Cleanup(issuer.Close)
	unsigned := jwt.NewWithClaims(jwt.SigningMethodEdDSA, jwt.MapClaims{
		"iss": "https://issuer.example", "aud": "pims", "exp": time.Now().Add(time.Hour).Unix(), "scope": rights,
	})
	unsigned.Header["kid"] = "k"
	if token, err = unsigned.SignedString(private); err != nil {
		t.Fatal(err)
	}
	return []string{"AUTH=jwt", "JWT_JWKS_URL=" + issuer.URL, "JWT_ISSUER=https://issuer.example", "JWT_AUDIENCE=pims"}, token
}

// TestTokenSignsInAndUploads: pictures, uploads and the progress of imports need
// no header that a browser would not send.
func TestTokenSignsInAndUploads(t *testing.T) {
	requirePage(t)
	settings, token := tokenOf(t, "pims:read pims:write")
	p := newPage(newBrowser(t), t, Serve(t, settings...).Base, looks[2])
	p.open("")
	p.until("the page asks for a token", `document.querySelector(".sign-in label")?.textContent.includes("access token")`)
	p.signInWith(token)
	p.until("the empty list invites", `document.querySelector(".empty button")`)
	p.mustKeepNothing(token)
	p.pick(slideFile(t))
	p.until("the upload is ready", `document.querySelector(".upload-row.done a")`)
	p.until("the list has its picture", listed)
	if value[bool](p, `[...document.querySelectorAll(".needs-admin")].some((e) => e.offsetParent)`) {
		t.Error("deleting is offered, which the token does not allow")
	}
	p.shot("token")
	p.run("clicking the slide", chromedp.Click(".card-link", chromedp.ByQuery))
	p.seen()
	p.mustBeClean()
}

// TestSessionThatEndsAsksAgain takes the cookie away from a page that is open.
func TestSessionThatEndsAsksAgain(t *testing.T) {
	requirePage(t)
	server, id, grant := restricted(t)
	p := newPage(newBrowser(t), t, server.Base, looks[0])
	p.open("#/slide/" + id)
	p.until("the page asks who looks", `document.querySelector(".sign-in")?.offsetParent`)
	p.signInWith(grant(access.Read, ""))
	p.until("the slide of the address is open", `document.querySelector(".viewer").dataset.opened`)
	p.run("going back to the list", chromedp.Click(`[aria-label="Back to the slides"]`, chromedp.ByQuery))
	p.until("the slide is listed", listed)
	p.run("the session ends", network.ClearBrowserCookies())
	p.until("the page asks who looks", askedToSignIn)
}
