// Package session lets people sign in with a browser: a token or grant that is
// shown once, in a header, becomes a cookie, which scripts can not read and other
// sites' pages can not use. Nothing is kept here: the cookie is the credential,
// and is judged with every request as any other.
package session

import (
	"net/http"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/access"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
)

// maxCookieBytes is what a credential may have to fit into a cookie: browsers
// drop those of more than 4096 bytes with name and attributes, and say nothing.
const maxCookieBytes = 3800

// API answers /session. It is immutable.
type API struct{ checker *access.Checker }

// New makes the API; without a checker, nobody needs to sign in.
func New(checker *access.Checker) *API { return &API{checker} }

// Routes gives what is answered.
func (a *API) Routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Pattern: "/session", Handle: a.show},
		{Method: http.MethodPost, Pattern: "/session", Handle: a.begin},
		{Method: http.MethodDelete, Pattern: "/session", Handle: a.end},
	}
}

// state is what a page needs to know of who looks at it.
type state struct {
	// Restricted tells that requests need a credential, of one of the kinds that
	// Accepts lists: "token", "grant".
	Restricted bool     `json:"restricted"`
	Accepts    []string `json:"accepts"`
	SignedIn   bool     `json:"signedIn"`
	// ByCookie tells that one can sign out: it is a cookie that signs in.
	ByCookie  bool       `json:"byCookie"`
	Rights    []string   `json:"rights"`
	Slides    string     `json:"slides"` // start of the ids that the rights hold for
	ExpiresAt *time.Time `json:"expiresAt,omitempty"`
	// Reason tells why a credential that was sent is not good.
	Reason string `json:"reason,omitempty"`
}

func (a *API) show(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	if a.checker == nil {
		return tell(w, r, state{Accepts: []string{}, Rights: access.All.Names()})
	}
	caller, err := a.checker.Caller(r)
	if refused, ok := err.(*access.Unauthenticated); ok {
		out := a.signedOut()
		if refused.Given {
			out.Reason = refused.Error()
		}
		return tell(w, r, out)
	}
	if err != nil {
		return err
	}
	return tell(w, r, a.of(caller))
}

// begin makes the credential of the header a cookie.
func (a *API) begin(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	if a.checker == nil {
		return a.show(w, r, v)
	}
	if err := FromThisPage(r); err != nil {
		return err
	}
	credential, given := access.Bearer(r)
	if !given {
		return &access.Unauthenticated{Reason: "a token or grant as Authorization: Bearer"}
	}
	caller, err := a.checker.Caller(r)
	if err != nil {
		return err
	}
	if len(credential) > maxCookieBytes {
		return fault.New(fault.Invalid, "credential-too-long", "The token has %d characters, and a browser keeps no cookie of more than about %d: ask for one with fewer claims, or for a grant.",
			len(credential), maxCookieBytes)
	}
	Keep(w, r, credential, caller.Expires)
	caller.ByCookie = true
	return tell(w, r, a.of(caller))
}

// end takes the cookies away. The credential stays good for who has it.
func (a *API) end(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	if err := FromThisPage(r); err != nil {
		return err
	}
	for _, name := range []string{access.GrantCookie, access.TokenCookie} {
		drop(w, r, name)
	}
	if a.checker == nil {
		return tell(w, r, state{Accepts: []string{}, Rights: access.All.Names()})
	}
	return tell(w, r, a.signedOut())
}

func (a *API) signedOut() state {
	out := state{Restricted: true, Accepts: []string{}, Rights: []string{}}
	tokens, grants := a.checker.Accepts()
	if tokens {
		out.Accepts = append(out.Accepts, "token")
	}
	if grants {
		out.Accepts = append(out.Accepts, "grant")
	}
	return out
}

func (a *API) of(caller access.Caller) state {
	out := a.signedOut()
	ends := caller.Expires.UTC()
	out.SignedIn, out.ByCookie, out.Rights, out.Slides, out.ExpiresAt = true, caller.ByCookie, caller.Rights.Names(), caller.Slides, &ends
	return out
}

func tell(w http.ResponseWriter, r *http.Request, s state) error {
	w.Header().Set("Cache-Control", "no-store")
	return reply.JSON(w, r, s)
}

// Keep makes a good credential the cookie that signs in, and the only one.
func Keep(w http.ResponseWriter, r *http.Request, credential string, until time.Time) {
	name := access.CookieOf(credential)
	c := cookie(r, name)
	c.Value, c.Expires = credential, until
	http.SetCookie(w, c)
	other := access.GrantCookie
	if name == other {
		other = access.TokenCookie
	}
	if _, err := r.Cookie(other); err == nil {
		drop(w, r, other)
	}
}

func drop(w http.ResponseWriter, r *http.Request, name string) {
	c := cookie(r, name)
	c.MaxAge = -1
	http.SetCookie(w, c)
}

func cookie(r *http.Request, name string) *http.Cookie {
	return &http.Cookie{
		Name: name, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
		Secure: r.TLS != nil || r.Header.Get("X-Forwarded-Proto") == "https",
	}
}

// FromThisPage refuses what the page of another site, or of a neighbour below the
// same domain, asks a browser to change: SameSite does not keep the neighbour
// off. Requests that change nothing, and those of no browser, pass.
func FromThisPage(r *http.Request) error {
	if err := new(http.CrossOriginProtection).Check(r); err != nil {
		return fault.New(fault.Denied, "cross-origin", "Another site's page sent this, with the cookie of this one; send a credential in a header instead.").Because(err)
	}
	return nil
}
