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
