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
)

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

// Caller finds out who sends a request: by a token or grant in Authorization,
// else by a grant in the query, else by one in a cookie. The first that is there
// counts. The error is *Unauthenticated, or of kind Busy when the issuer's keys
// can not be had.
func (c *Checker) Caller(r *http.Request) (Caller, error) {
	if header := r.Header["Authorization"]; header != nil {
		scheme, text, _ := strings.Cut(header[0], " ")
		if strings.EqualFold(scheme, "Bearer") {
			return c.bearer(r, strings.TrimSpace(text))
		}
	}
	if c.keys != nil {
		if text, ok := grantIn(r); ok {
			return c.granted(text)
		}
		return Caller{}, &Unauthenticated{Reason: "a grant in the query, in a cookie, or as Authorization: Bearer"}
	}
	return Caller{}, &Unauthenticated{Reason: "a token as Authorization: Bearer"}
}

// bearer takes a grant for one by its first characters: a token begins with
// "ey", the base64 of an object's brace.
func (c *Checker) bearer(r *http.Request, text string) (Caller, error) {
	isGrant := strings.HasPrefix(text, grantVersion+".")
	if c.keys != nil && (isGrant || c.tokens == nil) {
		return c.granted(text)
	}
	if c.tokens == nil || isGrant {
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

func (c *Checker) granted(text string) (Caller, error) {
	caller, reason := c.keys.check(text, c.now())
	if reason != "" {
		return Caller{}, &Unauthenticated{Given: true, Reason: reason}
	}
	return caller, nil
}

// grantIn finds a grant in the query or, without one there, in a cookie. It does
// not parse what else is there: this is done for every tile.
func grantIn(r *http.Request) (string, bool) {
	if text, ok := QueryGrant(r); ok {
		return text, true
	}
	for _, line := range r.Header["Cookie"] {
		for pair := range strings.SplitSeq(line, ";") {
			if text, ok := strings.CutPrefix(strings.TrimSpace(pair), GrantCookie+"="); ok {
				return text, true
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
