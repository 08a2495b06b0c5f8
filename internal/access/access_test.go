package access

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pims-cloud/pims/fault"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

const (
	oldSecret = "old:0123456789012345678901234567890123456789"
	newSecret = "new:abcdefghijklmnopqrstuvwxyzabcdefghijklmn"
)

func keys(t testing.TB, text string) *Keys {
	t.Helper()
	k, err := NewKeys(Config{GrantKeys: text})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestGrantReadsBack(t *testing.T) {
	k := keys(t, oldSecret)
	for _, want := range []Caller{
		{Rights: Read, Expires: noon.Add(time.Hour)},
		{Rights: All, Slides: "upload-0e0d", Expires: noon.Add(time.Second)},
		{Rights: Read | Export, Slides: "upload-", Expires: noon.Add(24 * 365 * time.Hour)},
	} {
		text, err := k.Sign(want)
		if err != nil {
			t.Fatal(err)
		}
		got, reason := k.check(text, noon)
		if reason != "" || got.Rights != want.Rights || got.Slides != want.Slides || !got.Expires.Equal(want.Expires) {
			t.Errorf("%s reads as %+v (%s), want %+v", text, got, reason, want)
		}
		if _, reason := k.check(text, want.Expires); reason != "it has expired" {
			t.Errorf("at its end: %q, want that it has expired", reason)
		}
	}
}

// TestGrantIsKnownToOthers holds the form on which other programs rely.
func TestGrantIsKnownToOthers(t *testing.T) {
	text, err := keys(t, oldSecret).Sign(Caller{Rights: Read | Label, Slides: "upload-0e0d", Expires: time.Unix(1893456000, 0)})
	// printf 'pims-grant:1.old.1893456000.rl.upload-0e0d' | openssl dgst -sha256 -hmac SECRET -binary | basenc --base64url
	if want := "1.old.1893456000.rl.upload-0e0d.pgeCaTEYHPdZREr63VkvU6aCIW3W93YZUyUT1p7Gjgg"; err != nil || text != want {
		t.Errorf("the grant is %s (%v), want %s", text, err, want)
	}
}

func TestEveryChangeOfAGrantIsRefused(t *testing.T) {
	k := keys(t, oldSecret)
	text, err := k.Sign(Caller{Rights: Read, Slides: "upload-0e0d", Expires: noon.Add(time.Hour)})
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(text) {
		for _, c := range []byte("01rlxwa.-_=\n Z") {
			if text[i] == c {
				continue
			}
			changed := text[:i] + string(c) + text[i+1:]
			if got, reason := k.check(changed, noon); reason == "" {
				t.Errorf("%q is accepted as %+v", changed, got)
			}
		}
		if _, reason := k.check(text[:i]+text[i+1:], noon); reason == "" {
			t.Errorf("without its character %d it is accepted", i)
		}
	}
	for _, other := range []string{"", ".", "1.....", text + "x", text + ".x", " " + text, strings.Repeat("1.", 1000)} {
		if _, reason := k.check(other, noon); reason == "" {
			t.Errorf("%q is accepted", other)
		}
	}
}

func TestSecretsAreChangedWithoutABreak(t *testing.T) {
	before, during, after := keys(t, oldSecret), keys(t, newSecret+","+oldSecret), keys(t, newSecret)
	c := Caller{Rights: Read, Expires: noon.Add(time.Hour)}
	old, _ := before.Sign(c)
	young, _ := during.Sign(c)
	for _, row := range []struct {
		name string
		keys *Keys
		text string
		ok   bool
	}{
		{"an old grant while both are in force", during, old, true},
		{"a new grant while both are in force", during, young, true},
		{"a new grant afterwards", after, young, true},
		{"an old grant afterwards", after, old, false},
		{"a new grant before", before, young, false},
		{"the old id with another secret", keys(t, "old:"+strings.Repeat("z", 40)), old, false},
	} {
		if _, reason := row.keys.check(row.text, noon); (reason == "") != row.ok {
			t.Errorf("%s: %q, want accepted %t", row.name, reason, row.ok)
		}
	}
}

func TestGrantsThatCannotBe(t *testing.T) {
	k := keys(t, oldSecret)
	for _, c := range []Caller{{Expires: noon}, {Rights: 64, Expires: noon}, {Rights: Read}, {Rights: Read, Slides: "Upload", Expires: noon},
		{Rights: Read, Slides: "../x", Expires: noon}, {Rights: Read, Slides: "a.b", Expires: noon}} {
		if text, err := k.Sign(c); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v is signed as %s", c, text)
		}
	}
}

func TestCheckingAGrantAllocatesNothing(t *testing.T) {
	checker, err := newChecker(Config{Auth: "signed", GrantKeys: oldSecret}, func() time.Time { return noon })
	if err != nil {
		t.Fatal(err)
	}
	text, _ := checker.keys.Sign(Caller{Rights: Read, Expires: noon.Add(time.Hour)})
	r := httptest.NewRequest("GET", "/x?v=1&grant="+text, nil)
	if n := testing.AllocsPerRun(100, func() {
		if _, err := checker.Caller(r); err != nil {
			t.Fatal(err)
		}
	}); n > 3 { // none, but with the race detector a pool forgets a quarter of what it holds
		t.Errorf("%.1f allocations a check, want none", n)
	}
}

func BenchmarkGrant(b *testing.B) {
	k := keys(b, oldSecret)
	text, _ := k.Sign(Caller{Rights: Read, Slides: "upload-0e0d0000-0000-5000-8000-000000000000", Expires: noon.Add(time.Hour)})
	b.ReportAllocs()
	for b.Loop() {
		if _, reason := k.check(text, noon); reason != "" {
			b.Fatal(reason)
		}
	}
}

func FuzzGrant(f *testing.F) {
	k := keys(f, oldSecret)
	good, _ := k.Sign(Caller{Rights: Read | Admin, Slides: "upload-0e0d", Expires: noon.Add(time.Hour)})
	f.Add(good)
	f.Add("1.old.1.r..")
	f.Fuzz(func(t *testing.T, text string) {
		if c, reason := k.check(text, noon); reason == "" {
			// Whatever is accepted was signed here: it is the one text of its grant.
			if again, err := k.Sign(c); err != nil || again != text {
				t.Errorf("%q is accepted, but the grant is %q", text, again)
			}
		}
	})
}

// issuer signs tokens and publishes its keys.
type issuer struct {
	url      string
	requests atomic.Int64
	down     atomic.Bool
	private  map[string]any // by key id
	set      atomic.Value   // string
	clock    atomic.Int64   // what has passed since noon
}

// pass lets time go by; back when it is negative.
func (i *issuer) pass(d time.Duration) { i.clock.Add(int64(d)) }

func (i *issuer) now() time.Time { return noon.Add(time.Duration(i.clock.Load())) }

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func newIssuer(t testing.TB) *issuer {
	t.Helper()
	i := &issuer{private: map[string]any{}}
	rsaKey, err1 := rsa.GenerateKey(rand.Reader, 2048)
	ecKey, err2 := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	public, edKey, err3 := ed25519.GenerateKey(rand.Reader)
	if err := errors.Join(err1, err2, err3); err != nil {
		t.Fatal(err)
	}
	i.private["rsa"], i.private["ec"], i.private["ed"] = rsaKey, ecKey, edKey
	point, err := ecKey.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	i.publish(t,
		map[string]any{"kty": "RSA", "kid": "rsa", "use": "sig", "alg": "RS256", "n": b64(rsaKey.N.Bytes()), "e": b64(big.NewInt(int64(rsaKey.E)).Bytes())},
		map[string]any{"kty": "EC", "kid": "ec", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])},
		map[string]any{"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": b64(public)},
		map[string]any{"kty": "oct", "kid": "shared", "k": b64([]byte("secret"))}, "no key at all",
	)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		i.requests.Add(1)
		if i.down.Load() {
			http.Error(w, "down", http.StatusBadGateway)
			return
		}
		_, _ = w.Write([]byte(i.set.Load().(string)))
	}))
	t.Cleanup(server.Close)
	i.url = server.URL
	return i
}

func (i *issuer) publish(t testing.TB, keys ...any) {
	t.Helper()
	text, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	i.set.Store(string(text))
}

func (i *issuer) config() Config {
	return Config{
		Auth: "jwt", JWKSURL: i.url, Issuer: "https://issuer.example", Audience: "pims", Leeway: time.Minute,
		RightsClaim: "scope", SlidesClaim: "pims_slides",
	}
}

func (i *issuer) checker(t testing.TB) *Checker {
	t.Helper()
	if err := i.config().Validate(); err != nil {
		t.Fatal(err)
	}
	c, err := newChecker(i.config(), i.now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// token signs what any issuer would say, with changes; a nil value removes.
func (i *issuer) token(t testing.TB, alg, kid string, changes map[string]any) string {
	t.Helper()
	claims := jwt.MapClaims{"iss": "https://issuer.example", "aud": []string{"other", "pims"}, "exp": noon.Add(time.Hour).Unix(), "scope": "openid pims:read pims:label"}
	for name, value := range changes {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	token := jwt.NewWithClaims(jwt.GetSigningMethod(alg), claims)
	token.Header["kid"] = kid
	key := i.private[kid]
	if alg == "none" {
		key = jwt.UnsafeAllowNoneSignatureType
	}
	if alg == "HS256" {
		key = []byte("secret")
	}
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func call(c *Checker, token string) (Caller, error) {
	r := httptest.NewRequest("GET", "/image/x/info", nil)
	r.Header.Set("Authorization", "Bearer "+token)
	return c.Caller(r)
}

func TestTokensOfAllKindsOfKeys(t *testing.T) {
	i := newIssuer(t)
	c := i.checker(t)
	for _, row := range [][2]string{{"RS256", "rsa"}, {"ES256", "ec"}, {"EdDSA", "ed"}} {
		got, err := call(c, i.token(t, row[0], row[1], map[string]any{"pims_slides": "upload-0e"}))
		if err != nil || got.Rights != Read|Label || got.Slides != "upload-0e" || !got.Expires.Equal(noon.Add(time.Hour)) {
			t.Errorf("%s: %+v, %v", row[0], got, err)
		}
	}
	if n := i.requests.Load(); n != 1 {
		t.Errorf("the keys were asked for %d times, want once", n)
	}
}

func TestTokensThatAreRefused(t *testing.T) {
	i := newIssuer(t)
	c := i.checker(t)
	good := i.token(t, "ES256", "ec", nil)
	for name, token := range map[string]string{
		"nothing":           "",
		"no token":          "a.b.c",
		"without signature": i.token(t, "none", "ec", nil),
		"a shared secret":   i.token(t, "HS256", "shared", nil),
		"the public key as a secret": func() string {
			token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": "https://issuer.example", "aud": "pims", "exp": noon.Add(time.Hour).Unix()})
			token.Header["kid"] = "rsa"
			text, _ := token.SignedString([]byte(i.set.Load().(string)))
			return text
		}(),
		"another algorithm than the key's": i.token(t, "PS256", "rsa", nil),
		"another signature":                good[:len(good)-4] + "AAAA",
		"another issuer":                   i.token(t, "ES256", "ec", map[string]any{"iss": "https://evil.example"}),
		"no issuer":                        i.token(t, "ES256", "ec", map[string]any{"iss": nil}),
		"another audience":                 i.token(t, "ES256", "ec", map[string]any{"aud": "other"}),
		"no audience":                      i.token(t, "ES256", "ec", map[string]any{"aud": nil}),
		"expired":                          i.token(t, "ES256", "ec", map[string]any{"exp": noon.Add(-2 * time.Minute).Unix()}),
		"without end":                      i.token(t, "ES256", "ec", map[string]any{"exp": nil}),
		"not yet":                          i.token(t, "ES256", "ec", map[string]any{"nbf": noon.Add(2 * time.Minute).Unix()}),
		"strange slides":                   i.token(t, "ES256", "ec", map[string]any{"pims_slides": "../"}),
		"too long":                         good + strings.Repeat("A", maxTokenBytes),
		"a grant":                          "1.old.1.r..",
	} {
		var refused *Unauthenticated
		if got, err := call(c, token); !errors.As(err, &refused) {
			t.Errorf("%s: %+v, %v, want refused", name, got, err)
		} else if token != "" && len(token) > 20 && strings.Contains(refused.Error()+refused.Challenge(), token[:20]) {
			t.Errorf("%s: the reason repeats the token: %v", name, refused)
		}
	}
	within := i.token(t, "ES256", "ec", map[string]any{"exp": noon.Add(-30 * time.Second).Unix(), "scope": []string{"pims:read", "pims:fly"}})
	if got, err := call(c, within); err != nil || got.Rights != Read {
		t.Errorf("expired within the leeway: %+v, %v", got, err)
	}
}

func TestKeysAreAskedForAgainButNotTooOften(t *testing.T) {
	i := newIssuer(t)
	c := i.checker(t)
	if _, err := call(c, i.token(t, "ES256", "ec", nil)); err != nil {
		t.Fatal(err)
	}
	young, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i.private["young"] = young
	i.publish(t, map[string]any{"kty": "RSA", "kid": "young", "n": b64(young.N.Bytes()), "e": "AQAB"})
	token := i.token(t, "RS256", "young", nil)
	for range 5 { // within the pause, an unknown id asks nobody
		if _, err := call(c, token); err == nil {
			t.Fatal("a key that was not there is known")
		}
	}
	if n := i.requests.Load(); n != 1 {
		t.Fatalf("asked %d times within the pause, want once", n)
	}
	i.pass(keySetPause)
	if _, err := call(c, token); err != nil {
		t.Fatalf("after the pause: %v", err)
	}
	// The old key was withdrawn with the new set.
	if _, err := call(c, i.token(t, "ES256", "ec", nil)); err == nil {
		t.Error("a withdrawn key is accepted")
	}
	if n := i.requests.Load(); n != 2 {
		t.Errorf("asked %d times, want twice", n)
	}
}

func TestIssuerThatDoesNotAnswerIsBusy(t *testing.T) {
	i := newIssuer(t)
	i.down.Store(true)
	c := i.checker(t)
	if _, err := call(c, i.token(t, "ES256", "ec", nil)); fault.KindOf(err) != fault.Busy {
		t.Errorf("without keys: %v, want Busy", err)
	}
	i.down.Store(false)
	i.pass(keySetPause)
	if _, err := call(c, i.token(t, "ES256", "ec", nil)); err != nil {
		t.Errorf("once it answers: %v", err)
	}
	i.down.Store(true)
	i.pass(30 * time.Minute)
	if _, err := call(c, i.token(t, "ES256", "ec", nil)); err != nil {
		t.Errorf("with keys that are there: %v", err)
	}
}

func TestHostileKeySets(t *testing.T) {
	for name, text := range map[string]string{
		"no JSON":           "<html>",
		"no keys":           `{"keys":[]}`,
		"too many":          `{"keys":[` + strings.Repeat(`{},`, maxKeySetKeys) + `{}]}`,
		"a small RSA key":   `{"keys":[{"kty":"RSA","kid":"a","n":"` + b64(make([]byte, 64)) + `","e":"AQAB"}]}`,
		"an even exponent":  `{"keys":[{"kty":"RSA","kid":"a","n":"` + b64(append([]byte{255}, make([]byte, 255)...)) + `","e":"AQAA"}]}`,
		"a point elsewhere": `{"keys":[{"kty":"EC","kid":"a","crv":"P-256","x":"` + b64(make([]byte, 32)) + `","y":"` + b64(make([]byte, 32)) + `"}]}`,
		"a long point":      `{"keys":[{"kty":"EC","kid":"a","crv":"P-256","x":"` + b64(make([]byte, 33)) + `","y":"AA"}]}`,
		"for encryption":    `{"keys":[{"kty":"OKP","kid":"a","use":"enc","crv":"Ed25519","x":"` + b64(make([]byte, 32)) + `"}]}`,
	} {
		if got, err := parseKeySet([]byte(text)); err == nil {
			t.Errorf("%s is read as %v", name, got)
		}
	}
}

func FuzzKeySet(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kty":"EC","kid":"a","crv":"P-521","x":"AA","y":"AA"},{"kty":"RSA","n":"AQ","e":"AQAB"},{"kty":"OKP","crv":"Ed25519","x":"AA"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if keys, err := parseKeySet(text); err == nil && len(keys) == 0 {
			t.Error("a set without keys is no error")
		}
	})
}

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
