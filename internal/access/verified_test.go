package access

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// refusedFor is why a token is refused; "" when it is accepted.
func refusedFor(t testing.TB, c *Checker, token string) string {
	t.Helper()
	_, err := call(c, token)
	var refused *Unauthenticated
	if err != nil && !errors.As(err, &refused) {
		t.Fatal(err)
	}
	if refused == nil {
		return ""
	}
	return refused.Reason
}

// wantRefused fails unless the token is refused for this reason.
func wantRefused(t testing.TB, c *Checker, token, reason string) {
	t.Helper()
	if got := refusedFor(t, c, token); got != reason {
		t.Errorf("the token is refused for %q, want %q", got, reason)
	}
}

func TestAGoodTokenIsVerifiedOnce(t *testing.T) {
	i := newIssuer(t)
	c := i.checker(t)
	good := i.token(t, "RS256", "rsa", map[string]any{"pims_slides": "upload-0e"})
	first, err := call(c, good)
	if err != nil {
		t.Fatal(err)
	}
	c.tokens.parser = jwt.NewParser(jwt.WithValidMethods([]string{"nothing"}))
	again, err := call(c, good)
	if err != nil || again != first {
		t.Errorf("the second time it gives %+v (%v), the first time %+v", again, err, first)
	}
	if _, err := call(c, good[:len(good)-4]+"AAAA"); err == nil {
		t.Error("another text is taken for one that was verified")
	}
	if _, err := call(c, i.token(t, "RS256", "rsa", nil)); err == nil {
		t.Error("a token that was not verified is accepted")
	}
}

func TestBadTokensAreNotRemembered(t *testing.T) {
	i := newIssuer(t)
	c := i.checker(t)
	good := i.token(t, "ES256", "ec", nil)
	for _, bad := range []string{
		good[:len(good)-4] + "AAAA", i.token(t, "ES256", "ec", map[string]any{"pims_slides": "../"}),
		i.token(t, "ES256", "ec", map[string]any{"exp": noon.Add(-time.Hour).Unix()}), strings.Repeat("A", maxTokenBytes+1),
	} {
		if refusedFor(t, c, bad) == "" {
			t.Errorf("%.60s is accepted", bad)
		}
	}
	if n := len(c.tokens.verified.young); n != 0 {
		t.Errorf("%d bad tokens are remembered", n)
	}
}

func TestAVerifiedTokenEndsWithItsTimes(t *testing.T) {
	i := newIssuer(t)
	c := i.checker(t)
	// The leeway is a minute; the key set is asked for again after an hour.
	token := i.token(t, "ES256", "ec", map[string]any{"exp": noon.Add(10 * time.Minute).Unix(), "nbf": noon.Unix()})
	wantRefused(t, c, token, "")
	i.pass(11*time.Minute - time.Nanosecond)
	wantRefused(t, c, token, "")
	i.pass(time.Nanosecond)
	wantRefused(t, c, token, "it has expired")
	i.pass(-12 * time.Minute) // a clock that is set back
	wantRefused(t, c, token, "")
	i.pass(-time.Nanosecond)
	wantRefused(t, c, token, "it is not valid yet")
}

const unknownKey = "it is signed with a key that the issuer does not have"

// edOf is what an issuer has left when it withdraws its other keys.
func (i *issuer) edOf(t testing.TB) map[string]any {
	t.Helper()
	keys, err := parseKeySet([]byte(i.set.Load().(string)))
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"kty": "OKP", "kid": "ed", "crv": "Ed25519", "x": b64(keys["ed"].key.(ed25519.PublicKey))}
}

func TestAVerifiedTokenEndsWithItsKey(t *testing.T) {
	i := newIssuer(t)
	c := i.checker(t)
	token, other := i.token(t, "ES256", "ec", nil), i.token(t, "EdDSA", "ed", nil)
	wantRefused(t, c, token, "")
	wantRefused(t, c, other, "")

	t.Run("when another token has the keys asked for", func(t *testing.T) {
		young, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		point, err := young.PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		i.private["young"] = young
		i.publish(t, i.edOf(t), map[string]any{"kty": "EC", "kid": "young", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])})
		i.pass(keySetPause)
		wantRefused(t, c, i.token(t, "ES256", "young", nil), "")
		wantRefused(t, c, token, unknownKey)
		wantRefused(t, c, other, "")
	})
	t.Run("when the key's id is given to another key", func(t *testing.T) {
		mine := i.token(t, "ES256", "young", map[string]any{"exp": noon.Add(24 * time.Hour).Unix()})
		wantRefused(t, c, mine, "")
		old := i.set.Load().(string)
		i.private["ec2"] = i.private["ec"]
		point, err := i.private["ec"].(*ecdsa.PrivateKey).PublicKey.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		i.publish(t, map[string]any{"kty": "EC", "kid": "young", "crv": "P-256", "x": b64(point[1:33]), "y": b64(point[33:])})
		i.askedAnew(t, c)
		wantRefused(t, c, mine, "its signature or algorithm is wrong")
		i.set.Store(old)
		i.askedAnew(t, c)
		wantRefused(t, c, mine, "")
	})
}

// askedAnew has the keys asked for by a token with an invented key id.
func (i *issuer) askedAnew(t testing.TB, c *Checker) {
	t.Helper()
	before := i.requests.Load()
	i.pass(keySetPause)
	i.private["invented"] = i.private["ec"]
	wantRefused(t, c, i.token(t, "ES256", "invented", nil), unknownKey)
	if n := i.requests.Load() - before; n != 1 {
		t.Fatalf("the keys were asked for %d times, want once", n)
	}
}

// TestOldKeysAreAskedForThoughEveryTokenIsKnown: remembered tokens must not keep
// a withdrawn key in force.
func TestOldKeysAreAskedForThoughEveryTokenIsKnown(t *testing.T) {
	i := newIssuer(t)
	c := i.checker(t)
	token := i.token(t, "ES256", "ec", map[string]any{"exp": noon.Add(24 * time.Hour).Unix()})
	wantRefused(t, c, token, "")
	i.publish(t, i.edOf(t))
	i.pass(keySetMaxAge)
	// Nobody waits for the new keys; the token is good until they come.
	deadline := time.Now().Add(time.Minute)
	for refusedFor(t, c, token) == "" {
		if time.Now().After(deadline) {
			t.Fatalf("a minute later a withdrawn key is accepted; the keys were asked for %d times", i.requests.Load())
		}
		time.Sleep(time.Millisecond) // polling, with a deadline
	}
	wantRefused(t, c, token, unknownKey)
}

func TestRememberedTokensAreBounded(t *testing.T) {
	const most = 16
	v := newVerified(most)
	sum := func(n int) (out [sha256.Size]byte) {
		binary.LittleEndian.PutUint64(out[:], uint64(n))
		return out
	}
	good := verifiedToken{caller: Caller{Rights: Read}, until: noon.Add(time.Hour), generation: 1}
	for n := range 1000 {
		v.add(sum(n), good)
		if _, ok := v.find(sum(0), 1, noon); !ok {
			t.Fatalf("after %d others, one that is used all the time is forgotten", n)
		}
		if held := len(v.young) + len(v.old); held > most {
			t.Fatalf("%d tokens are remembered, at most %d may be", held, most)
		}
	}
	if _, ok := v.find(sum(500), 1, noon); ok {
		t.Error("one that is not used for long is still remembered")
	}
	if _, ok := v.find(sum(999), 1, noon); !ok {
		t.Error("the last one is not remembered")
	}
}

// TestTokensAreCheckedByManyWhileKeysChange: the race detector looks on.
func TestTokensAreCheckedByManyWhileKeysChange(t *testing.T) {
	i := newIssuer(t)
	c := i.checker(t)
	c.tokens.verified = newVerified(4) // so that halves change, too
	withdrawn, kept := i.token(t, "ES256", "ec", nil), make([]string, 6)
	for n := range kept {
		kept[n] = i.token(t, "EdDSA", "ed", map[string]any{"jti": n})
	}
	wantRefused(t, c, withdrawn, "")
	var work sync.WaitGroup
	for worker := range 4 {
		work.Go(func() {
			for n := range 60 {
				if _, err := call(c, kept[(worker+n)%len(kept)]); err != nil {
					t.Errorf("a good token: %v", err)
				}
				_, _ = call(c, withdrawn) // good or not, depending on when
			}
		})
	}
	i.publish(t, i.edOf(t))
	i.askedAnew(t, c)
	wantRefused(t, c, withdrawn, unknownKey)
	work.Wait()
	wantRefused(t, c, withdrawn, unknownKey)
}

// BenchmarkToken tells what a token costs that is new, and one that was seen.
func BenchmarkToken(b *testing.B) {
	for _, row := range [][2]string{{"RS256", "rsa"}, {"ES256", "ec"}, {"EdDSA", "ed"}} {
		i := newIssuer(b)
		c := i.checker(b)
		r := httptest.NewRequest("GET", "/x", nil)
		r.Header.Set("Authorization", "Bearer "+i.token(b, row[0], row[1], nil))
		run := func(b *testing.B, before func()) {
			b.ReportAllocs()
			for b.Loop() {
				before()
				if _, err := c.Caller(r); err != nil {
					b.Fatal(err)
				}
			}
		}
		b.Run(row[0]+"/new", func(b *testing.B) { run(b, func() { c.tokens.verified = newVerified(2) }) })
		b.Run(row[0]+"/seen", func(b *testing.B) { run(b, func() {}) })
	}
}
