// Package issuer gives tests an issuer of JSON Web Tokens over HTTP on this
// machine, and grants, for programs that restrict access.
package issuer

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pims-cloud/pims/internal/access"
)

const (
	name     = "https://issuer.example"
	audience = "pims"
	keyID    = "key-of-the-test"
)

// Secret is what signs grants.
const Secret = "secret-0123456789abcdef0123456789abcdef"

// GrantKeys is the setting with Secret.
const GrantKeys = "test:" + Secret

// Issuer signs tokens and publishes its key.
type Issuer struct {
	url     string
	private ed25519.PrivateKey
	grants  *access.Keys
}

// Start publishes a new key until the test ends.
func Start(t testing.TB) *Issuer {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	set, err := json.Marshal(map[string]any{"keys": []any{map[string]string{
		"kty": "OKP", "crv": "Ed25519", "kid": keyID, "x": base64.RawURLEncoding.EncodeToString(public),
	}}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(set) // who asked may be gone
	}))
	t.Cleanup(server.Close)
	grants, err := access.NewKeys(access.Config{GrantKeys: GrantKeys})
	if err != nil {
		t.Fatal(err)
	}
	return &Issuer{url: server.URL, private: private, grants: grants}
}

// Env is the environment of a program that takes tokens and grants; mode is AUTH.
func (i *Issuer) Env(mode string) []string {
	return []string{
		"AUTH=" + mode, "JWT_JWKS_URL=" + i.url, "JWT_ISSUER=" + name, "JWT_AUDIENCE=" + audience, "GRANT_KEYS=" + GrantKeys,
	}
}

// Token is for slides whose ids begin so ("" for all), with rights such as
// "pims:read pims:label"; it ends after a time, which may lie behind.
func (i *Issuer) Token(t testing.TB, rights, slides string, ends time.Duration) string {
	t.Helper()
	claims := jwt.MapClaims{"iss": name, "aud": audience, "exp": time.Now().Add(ends).Unix(), "scope": rights}
	if slides != "" {
		claims["pims_slides"] = slides
	}
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, claims)
	token.Header["kid"] = keyID
	text, err := token.SignedString(i.private)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// Grant is as Token, for rights in the form of a grant.
func (i *Issuer) Grant(t testing.TB, rights access.Rights, slides string, ends time.Duration) string {
	t.Helper()
	text, err := i.grants.Sign(access.Caller{Rights: rights, Slides: slides, Expires: time.Now().Add(ends)})
	if err != nil {
		t.Fatal(err)
	}
	return text
}
