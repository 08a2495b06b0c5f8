package access

import (
	"net/url"
	"strings"
	"time"

	"github.com/pims-cloud/pims/fault"
)

// The values of AUTH.
const (
	modeNone   = "none"
	modeJWT    = "jwt"
	modeSigned = "signed"
)

// Config says who may use the API.
type Config struct {
	Auth string `env:"AUTH" envDefault:"none" desc:"Who may use the API: none (everybody who reaches the address), jwt (who sends a JSON Web Token), signed (who has a grant made with GRANT_KEYS), or jwt,signed (either)."`

	GrantKeys string `env:"GRANT_KEYS" secret:"true" desc:"Secrets that sign grants: id:secret pairs with commas between, each secret at least 32 characters. All are accepted; the first signs."`

	JWKSURL  string `env:"JWT_JWKS_URL" desc:"Where the issuer's keys are (a JSON Web Key Set); https, or http on this machine."`
	Issuer   string `env:"JWT_ISSUER" desc:"What a token must have as iss."`
	Audience string `env:"JWT_AUDIENCE" desc:"What a token must have in aud."`
	// Leeway is for clocks that disagree.
	Leeway time.Duration `env:"JWT_LEEWAY" envDefault:"30s" desc:"How far clocks may disagree about the times in a token."`
	// RightsClaim holds rights among other things.
	RightsClaim string `env:"JWT_RIGHTS_CLAIM" envDefault:"scope" desc:"The claim with the rights: words such as pims:read pims:label pims:export pims:write pims:admin in one text or a list; other words are left alone."`
	SlidesClaim string `env:"JWT_SLIDES_CLAIM" envDefault:"pims_slides" desc:"The claim with the start of the ids of the slides that a token is for; all when it is absent."`
}

func invalid(format string, args ...any) error {
	return fault.New(fault.Invalid, "config-value", format, args...)
}

// Open reports whether access is not restricted.
func (c Config) Open() bool {
	jwt, signed, err := c.modes()
	return err == nil && !jwt && !signed
}

// modes are the ways that AUTH names.
func (c Config) modes() (jwt, signed bool, err error) {
	if c.Auth == modeNone || c.Auth == "" {
		return false, false, nil
	}
	for mode := range strings.SplitSeq(c.Auth, ",") {
		switch strings.TrimSpace(mode) {
		case modeJWT:
			jwt = true
		case modeSigned:
			signed = true
		default:
			return false, false, invalid("AUTH is %q: expected none, jwt, signed, or jwt,signed", c.Auth)
		}
	}
	return jwt, signed, nil
}

// Validate says which variable is wrong and what is expected; it shows no
// secret.
func (c Config) Validate() error {
	jwt, signed, err := c.modes()
	if err != nil {
		return err
	}
	if _, err := keysOf(c.GrantKeys); err != nil {
		return err
	}
	if signed && c.GrantKeys == "" {
		return invalid("AUTH is %q, but GRANT_KEYS is empty: expected id:secret pairs", c.Auth)
	}
	if c.Leeway < 0 || c.Leeway > 10*time.Minute {
		return invalid("JWT_LEEWAY is %s: expected 0s to 10m", c.Leeway)
	}
	if !jwt {
		return nil
	}
	address, err := url.Parse(c.JWKSURL)
	if err != nil || address.Host == "" || address.Scheme != "https" && !(address.Scheme == "http" && isLoopback(address.Hostname())) {
		return invalid("JWT_JWKS_URL is %q: expected an https:// address (http:// only of this machine)", c.JWKSURL)
	}
	// Without them, a token that the issuer made for another service would do.
	if c.Issuer == "" || c.Audience == "" {
		return invalid("JWT_ISSUER and JWT_AUDIENCE are %q and %q: expected both with AUTH=%s", c.Issuer, c.Audience, c.Auth)
	}
	if c.RightsClaim == "" || c.SlidesClaim == "" {
		return invalid("JWT_RIGHTS_CLAIM and JWT_SLIDES_CLAIM are %q and %q: expected names of claims", c.RightsClaim, c.SlidesClaim)
	}
	return nil
}

func isLoopback(host string) bool { return host == "localhost" || host == "127.0.0.1" || host == "::1" }
