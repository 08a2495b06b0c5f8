package access

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pims-cloud/pims/fault"
)

const (
	// GrantParameter carries a grant in a query.
	GrantParameter = "grant"
	// GrantCookie carries a grant in a cookie.
	GrantCookie = "pims_grant"
	// TokenCookie carries a token in a cookie.
	TokenCookie = "pims_token"
)

// CookieOf is the name of the cookie that carries a credential.
func CookieOf(credential string) string {
	if isGrant(credential) {
		return GrantCookie
	}
	return TokenCookie
}

// isGrant takes a credential for a grant by its first characters: a token begins
// with "ey", the base64 of an object's brace.
func isGrant(credential string) bool { return strings.HasPrefix(credential, grantVersion+".") }

// Checker finds out who sends a request. It is safe for concurrent use.
type Checker struct {
	keys   *Keys   // nil without grants
	tokens *tokens // nil without tokens
	now    func() time.Time
}

// New makes the Checker that a configuration asks for: nil when access is not
// restricted. The configuration must be valid.
func New(c Config) (*Checker, error) { return newChecker(c, time.Now) }

func newChecker(c Config, now func() time.Time) (*Checker, error) {
	jwt, signed, err := c.modes()
	if err != nil || !jwt && !signed {
		return nil, err
	}
	out := &Checker{now: now}
	if signed {
		if out.keys, err = NewKeys(c); err != nil {
			return nil, err
		}
	}
	if jwt {
		out.tokens = newTokens(c, now)
	}
	return out, nil
}

// Unauthenticated is why a request has no caller: 401.
type Unauthenticated struct {
	// Given tells that there was a credential, which is not good.
	Given  bool
	Reason string
}

// Error is the public sentence.
func (u *Unauthenticated) Error() string {
	if !u.Given {
		return "This needs a credential: " + u.Reason + "."
	}
	return "The credential is not accepted: " + u.Reason + "."
}

// Challenge is the value of WWW-Authenticate (RFC 6750 §3).
func (u *Unauthenticated) Challenge() string {
	if !u.Given {
		return `Bearer realm="pims"`
	}
	return `Bearer realm="pims", error="invalid_token", error_description="` + u.Reason + `"`
}

// Accepts tells which credentials are taken.
func (c *Checker) Accepts() (tokens, grants bool) { return c.tokens != nil, c.keys != nil }

// Bearer is the credential in a request's header.
func Bearer(r *http.Request) (credential string, given bool) {
	if header := r.Header["Authorization"]; header != nil {
		scheme, text, _ := strings.Cut(header[0], " ")
		return strings.TrimSpace(text), strings.EqualFold(scheme, "Bearer")
	}
	return "", false
}

// Caller finds out who sends a request: by a token or grant in Authorization,
// else by a grant in the query, else by one of them in a cookie. The first that
// is there counts. The error is *Unauthenticated, or of kind Busy when the
// issuer's keys can not be had.
func (c *Checker) Caller(r *http.Request) (Caller, error) {
	if text, given := Bearer(r); given {
		return c.bearer(r, text)
	}
	if c.keys != nil {
		if text, given := QueryGrant(r); given {
			return c.granted(text)
		}
		if text, given := cookie(r, GrantCookie); given {
			return byCookie(c.granted(text))
		}
	}
	if c.tokens == nil {
		return Caller{}, &Unauthenticated{Reason: "a grant in the query, in a cookie, or as Authorization: Bearer"}
	}
	if text, given := cookie(r, TokenCookie); given {
		return byCookie(c.bearer(r, text))
	}
	if c.keys != nil {
		return Caller{}, &Unauthenticated{Reason: "a token or grant in a cookie or as Authorization: Bearer, or a grant in the query"}
	}
	return Caller{}, &Unauthenticated{Reason: "a token in a cookie or as Authorization: Bearer"}
}

func byCookie(caller Caller, err error) (Caller, error) {
	caller.ByCookie = err == nil
	return caller, err
}

func (c *Checker) bearer(r *http.Request, text string) (Caller, error) {
	if c.keys != nil && (isGrant(text) || c.tokens == nil) {
		return c.granted(text)
	}
	if c.tokens == nil || isGrant(text) {
		return Caller{}, &Unauthenticated{Given: true, Reason: "it is not a token"}
	}
	caller, reason, err := c.tokens.check(r.Context(), text)
	switch {
	case err != nil:
		return Caller{}, fault.New(fault.Busy, "issuer-unreachable", "The keys of the tokens' issuer can not be had at the moment; try again.").Because(err)
	case reason != "":
		return Caller{}, &Unauthenticated{Given: true, Reason: reason}
	}
	return caller, nil
}

// Grant is the caller of a grant, wherever it came from; errors are those of
// Caller.
func (c *Checker) Grant(text string) (Caller, error) {
	if c.keys == nil {
		return Caller{}, &Unauthenticated{Given: true, Reason: "grants are not accepted here"}
	}
	return c.granted(text)
}

func (c *Checker) granted(text string) (Caller, error) {
	caller, reason := c.keys.check(text, c.now())
	if reason != "" {
		return Caller{}, &Unauthenticated{Given: true, Reason: reason}
	}
	return caller, nil
}

// cookie finds the value of a cookie. It does not parse what else is there: this
// is done for every tile.
func cookie(r *http.Request, name string) (string, bool) {
	for _, line := range r.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if found, value, _ := strings.Cut(strings.TrimSpace(pair), "="); found == name {
				return value, true
			}
		}
	}
	return "", false
}

// InQuery is an address with a grant in its query.
func InQuery(address, grant string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", fault.New(fault.Invalid, "grant-url", "%q is no address.", address).Because(err)
	}
	if u.RawQuery != "" {
		u.RawQuery += "&"
	}
	u.RawQuery += GrantParameter + "=" + grant
	return u.String(), nil
}

// PageLink is the address of the web page with a grant behind the #, which
// browsers send to no server; the page signs in with it.
func PageLink(address, grant string) (string, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", fault.New(fault.Invalid, "grant-url", "%q is no address of a page: expected https://host/.", address).Because(err)
	}
	if u.Path == "" {
		u.Path = "/"
	}
	u.Fragment, u.RawFragment = "", ""
	return u.String() + "#/" + GrantParameter + "=" + grant, nil
}

// QueryGrant is the grant in a request's query.
func QueryGrant(r *http.Request) (string, bool) {
	if r.URL.RawQuery == "" {
		return "", false
	}
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		// A grant has no character that a query would escape.
		if text, ok := strings.CutPrefix(part, GrantParameter+"="); ok {
			return text, true
		}
	}
	return "", false
}
