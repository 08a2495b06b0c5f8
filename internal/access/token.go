package access

import (
	"context"
	"crypto/sha256"
	"errors"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/pims-cloud/pims/internal/nowait"
)

// scopePrefix marks the words of a token's scope that are rights here.
const scopePrefix = "pims:"

// maxTokenBytes bounds a token before anything of it is read.
const maxTokenBytes = 16 << 10

// algorithms are the ones with public keys: a shared secret, or none, would let
// whoever reads the key set sign.
var algorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// tokens checks JSON Web Tokens of one issuer. It is safe for concurrent use.
type tokens struct {
	config   Config
	keys     *keySet
	parser   *jwt.Parser
	now      func() time.Time
	verified *verified
}

func newTokens(c Config, now func() time.Time) *tokens {
	return &tokens{
		config: c, keys: newKeySet(c.JWKSURL, now), now: now, verified: newVerified(maxVerified),
		parser: jwt.NewParser(
			jwt.WithValidMethods(algorithms), jwt.WithIssuer(c.Issuer), jwt.WithAudience(c.Audience),
			jwt.WithLeeway(c.Leeway), jwt.WithExpirationRequired(), jwt.WithTimeFunc(now)),
	}
}

// check gives the caller of a token. reason tells why there is none; err is set
// instead when the issuer's keys could not be had: then nobody knows.
//
// A viewer sends the same token with every tile: its signature is checked once
// for each set of keys.
func (t *tokens) check(ctx context.Context, text string) (c Caller, reason string, err error) {
	if len(text) > maxTokenBytes {
		return Caller{}, "it is too long", nil
	}
	sum := sha256.Sum256([]byte(text))
	if c, known := t.verified.find(sum, t.keys.current(), t.now()); known {
		return c, "", nil
	}
	if nowait.In(ctx) { // its key may have to be fetched
		return Caller{}, "", nowait.Refused{}
	}
	claims, generation, reason, err := t.claims(ctx, text)
	if err != nil || reason != "" {
		return Caller{}, reason, err
	}
	if c, reason = t.caller(claims); reason == "" {
		t.remember(sum, c, claims, generation)
	}
	return c, reason, nil
}

// remember keeps a good token for as long as its times, which the parser has
// read before, allow.
func (t *tokens) remember(sum [sha256.Size]byte, c Caller, claims jwt.MapClaims, generation uint64) {
	found := verifiedToken{caller: c, until: c.Expires.Add(t.config.Leeway), generation: generation}
	if from, err := claims.GetNotBefore(); err == nil && from != nil {
		found.from = from.Add(-t.config.Leeway)
	}
	t.verified.add(sum, found)
}

// claims checks signature and claims, with a key of the set that generation
// tells; reason and err are those of check. A set that comes during the check
// has another generation: what was found is then of no use to later callers.
func (t *tokens) claims(ctx context.Context, text string) (claims jwt.MapClaims, generation uint64, reason string, err error) {
	claims = jwt.MapClaims{}
	var unavailable error
	_, err = t.parser.ParseWithClaims(text, claims, func(token *jwt.Token) (any, error) {
		id, _ := token.Header["kid"].(string)
		key, err := t.keys.key(ctx, id)
		if err != nil {
			if !errors.Is(err, errUnknownKey) {
				unavailable = err
			}
			return nil, err
		}
		if key.alg != "" && key.alg != token.Method.Alg() {
			return nil, errors.New("the key is for another algorithm")
		}
		generation = key.generation
		return key.key, nil
	})
	switch {
	case unavailable != nil:
		return nil, 0, "", unavailable
	case err != nil:
		return nil, 0, reasonOf(err), nil
	}
	return claims, generation, "", nil
}

// reasonOf says what is wrong without repeating anything of the token.
func reasonOf(err error) string {
	for _, known := range []struct {
		err  error
		text string
	}{
		{jwt.ErrTokenMalformed, "it is not a token"},
		{errUnknownKey, "it is signed with a key that the issuer does not have"},
		{jwt.ErrTokenSignatureInvalid, "its signature or algorithm is wrong"},
		{jwt.ErrTokenExpired, "it has expired"},
		{jwt.ErrTokenNotValidYet, "it is not valid yet"},
		{jwt.ErrTokenUsedBeforeIssued, "it was issued in the future"},
		{jwt.ErrTokenInvalidIssuer, "it is of another issuer"},
		{jwt.ErrTokenInvalidAudience, "it is for another audience"},
		{jwt.ErrTokenRequiredClaimMissing, "it lacks exp, iss or aud"},
	} {
		if errors.Is(err, known.err) {
			return known.text
		}
	}
	return "it can not be accepted"
}

// caller reads rights and slides out of the claims.
func (t *tokens) caller(claims jwt.MapClaims) (c Caller, reason string) {
	var out Caller
	for _, word := range words(claims[t.config.RightsClaim]) {
		if name, ours := strings.CutPrefix(word, scopePrefix); ours {
			right, _ := rightNamed(name) // a right of a later version is none here
			out.Rights |= right
		}
	}
	if value, restricted := claims[t.config.SlidesClaim]; restricted {
		slides, ok := value.(string)
		if !ok || !isSlides(slides) {
			return Caller{}, "its " + t.config.SlidesClaim + " is not the start of slides' ids"
		}
		out.Slides = slides
	}
	if expires, err := claims.GetExpirationTime(); err == nil && expires != nil {
		out.Expires = expires.Time
	}
	return out, ""
}

// words are those of a text, or of a list of texts.
func words(claim any) []string {
	switch claim := claim.(type) {
	case string:
		return strings.Fields(claim)
	case []any:
		var out []string
		for _, v := range claim {
			if text, ok := v.(string); ok {
				out = append(out, text)
			}
		}
		return out
	}
	return nil
}
