package access

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
)

func TestWhereACredentialIs(t *testing.T) {
	c, err := newChecker(Config{Auth: "signed", GrantKeys: oldSecret}, func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	sign := func(r Rights) string {
		text, _ := c.keys.Sign(Caller{Rights: r, Expires: noon.Add(time.Hour)})
		return text
	}
	for name, row := range map[string]struct {
		query, cookie, header string
		want                  Rights // 0: refused
		given                 bool
	}{
		"nowhere":                      {},
		"the query":                    {query: "?a=b&grant=" + sign(Read), want: Read},
		"a cookie":                     {cookie: "a=b; pims_grant=" + sign(Label) + "; c=d", want: Label},
		"the header":                   {header: "Bearer " + sign(Write), want: Write},
		"the header before the query":  {header: "bearer " + sign(Write), query: "?grant=" + sign(Read), want: Write},
		"the query before the cookie":  {query: "?grant=" + sign(Read), cookie: "pims_grant=" + sign(Label), want: Read},
		"a bad query, a good cookie":   {query: "?grant=x", cookie: "pims_grant=" + sign(Label), given: true},
		"another scheme leaves others": {header: "CYTOMINE a:b", cookie: "pims_grant=" + sign(Label), want: Label},
		"another cookie":               {cookie: "xpims_grant=" + sign(Label)},
		"a token":                      {header: "Bearer ey.x.y", given: true},
		"a token's cookie":             {cookie: "pims_token=" + sign(Read)},
	} {
		r := httptest.NewRequest("GET", "/x"+row.query, nil)
		if row.cookie != "" {
			r.Header.Set("Cookie", row.cookie)
		}
		if row.header != "" {
			r.Header.Set("Authorization", row.header)
		}
		got, err := c.Caller(r)
		var refused *Unauthenticated
		if got.ByCookie != (row.cookie != "" && row.want != 0 && row.query == "" && !strings.HasPrefix(row.header, "Bearer")) {
			t.Errorf("%s: ByCookie is %t", name, got.ByCookie)
		}
		if got.Rights != row.want || (row.want == 0) != errors.As(err, &refused) || refused != nil && refused.Given != row.given {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestTokenInACookie(t *testing.T) {
	i := newIssuer(t)
	config := i.config()
	config.Auth, config.GrantKeys = "jwt,signed", oldSecret
	both, err := newChecker(config, i.now)
	if err != nil {
		t.Fatal(err)
	}
	token := i.token(t, "ES256", "ec", nil)
	grant, _ := both.keys.Sign(Caller{Rights: Write, Expires: noon.Add(time.Hour)})
	for name, row := range map[string]struct {
		checker *Checker
		cookie  string
		want    Rights
	}{
		"with AUTH=jwt":                   {i.checker(t), "pims_token=" + token, Read | Label},
		"with either":                     {both, "a=b; pims_token=" + token, Read | Label},
		"a grant beside it":               {both, "pims_token=" + token + "; pims_grant=" + grant, Write},
		"a grant in its place":            {i.checker(t), "pims_token=" + grant, 0},
		"a token in the place of a grant": {both, "pims_grant=" + token, 0},
		"a grant's cookie with AUTH=jwt":  {i.checker(t), "pims_grant=" + grant, 0},
		"changed":                         {i.checker(t), "pims_token=" + token[:len(token)-4] + "AAAA", 0},
	} {
		r := httptest.NewRequest("GET", "/x", nil)
		r.Header.Set("Cookie", row.cookie)
		got, err := row.checker.Caller(r)
		if got.Rights != row.want || (err == nil) != (row.want != 0) || got.ByCookie != (row.want != 0) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if CookieOf(token) != TokenCookie || CookieOf(grant) != GrantCookie {
			t.Error("the cookies are confused")
		}
	}
}

func TestConfigurationIsJudgedWithoutShowingSecrets(t *testing.T) {
	jwt := func(change func(*Config)) Config {
		c := Config{Auth: "jwt", JWKSURL: "https://issuer.example/keys", Issuer: "i", Audience: "a", RightsClaim: "scope", SlidesClaim: "s"}
		change(&c)
		return c
	}
	for name, row := range map[string]struct {
		config Config
		says   string // "": fine
	}{
		"none":               {Config{Auth: "none"}, ""},
		"signed":             {Config{Auth: "signed", GrantKeys: oldSecret}, ""},
		"both":               {jwt(func(c *Config) { c.Auth, c.GrantKeys = "jwt,signed", oldSecret }), ""},
		"jwt":                {jwt(func(*Config) {}), ""},
		"another way":        {Config{Auth: "basic"}, "AUTH"},
		"no keys":            {Config{Auth: "signed"}, "GRANT_KEYS"},
		"a short secret":     {Config{Auth: "signed", GrantKeys: "a:topsecret"}, "GRANT_KEYS"},
		"no id":              {Config{Auth: "signed", GrantKeys: "topsecret"}, "GRANT_KEYS"},
		"an id twice":        {Config{Auth: "signed", GrantKeys: oldSecret + "," + oldSecret}, "GRANT_KEYS"},
		"keys over http":     {jwt(func(c *Config) { c.JWKSURL = "http://issuer.example/keys" }), "JWT_JWKS_URL"},
		"no audience":        {jwt(func(c *Config) { c.Audience = "" }), "JWT_AUDIENCE"},
		"no issuer":          {jwt(func(c *Config) { c.Issuer = "" }), "JWT_ISSUER"},
		"a leeway of a year": {jwt(func(c *Config) { c.Leeway = 365 * 24 * time.Hour }), "JWT_LEEWAY"},
	} {
		err := row.config.Validate()
		switch {
		case row.says == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case row.says != "" && (fault.KindOf(err) != fault.Invalid || !strings.Contains(err.Error(), row.says)):
			t.Errorf("%s: %v, want it to name %s", name, err, row.says)
		case err != nil && (strings.Contains(err.Error(), "topsecret") || strings.Contains(err.Error(), "0123456789")):
			t.Errorf("%s: a secret is shown: %v", name, err)
		}
	}
}
