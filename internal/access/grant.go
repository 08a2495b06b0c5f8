package access

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"hash"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	grantVersion = "1"
	// macDomain keeps a secret that signs other things, too, from signing grants
	// by accident.
	macDomain     = "pims-grant:"
	macText       = 43 // characters of 32 bytes in base64url
	minSecret     = 32 // bytes
	maxKeyID      = 32
	maxSlides     = 64
	maxGrantBytes = len(grantVersion) + maxKeyID + 20 + 5 + maxSlides + macText + 5
)

// macEncoding refuses bits that no MAC has, so that there is one text for each.
var macEncoding = base64.RawURLEncoding.Strict()

// key is one secret. Its hashes are kept for reuse.
type key struct {
	id   string
	macs sync.Pool // of *mac
}

// mac computes in buffers of its own, so that nothing is allocated for a check.
type mac struct {
	hash hash.Hash
	in   [len(macDomain) + maxGrantBytes]byte
	sum  [sha256.Size]byte
	got  [sha256.Size]byte
}

func newKey(id, secret string) *key {
	k := &key{id: id}
	k.macs.New = func() any { return &mac{hash: hmac.New(sha256.New, []byte(secret))} }
	return k
}

// Keys sign grants and check them. They are immutable and safe for concurrent
// use; nil has no key.
type Keys struct{ keys []*key }

// keysOf reads GRANT_KEYS. Its errors do not repeat the text.
func keysOf(text string) (*Keys, error) {
	out := &Keys{}
	if text == "" {
		return out, nil
	}
	for i, pair := range strings.Split(text, ",") {
		id, secret, ok := strings.Cut(strings.TrimSpace(pair), ":")
		switch {
		case !ok || !isToken(id, maxKeyID) || id == "":
			return nil, invalid("GRANT_KEYS: pair %d is not id:secret, with an id of at most %d letters, digits, - and _", i+1, maxKeyID)
		case len(secret) < minSecret:
			return nil, invalid("GRANT_KEYS: the secret of %s has %d characters: expected at least %d random ones", id, len(secret), minSecret)
		}
		for _, other := range out.keys {
			if other.id == id {
				return nil, invalid("GRANT_KEYS: the id %s is there twice", id)
			}
		}
		out.keys = append(out.keys, newKey(id, secret))
	}
	return out, nil
}

// NewKeys reads GRANT_KEYS for who signs; kind Invalid when there is none.
func NewKeys(c Config) (*Keys, error) {
	keys, err := keysOf(c.GrantKeys)
	if err == nil && len(keys.keys) == 0 {
		return nil, invalid("GRANT_KEYS is empty: expected id:secret pairs, the first of which signs")
	}
	return keys, err
}

// isToken accepts letters, digits, "-" and "_".
func isToken(text string, most int) bool {
	if len(text) > most {
		return false
	}
	for i := range len(text) {
		c := text[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return false
		}
	}
	return true
}

// isSlides accepts what ids of slides begin with.
func isSlides(text string) bool {
	return isToken(text, maxSlides) && strings.ToLower(text) == text && !strings.Contains(text, "_")
}

// Sign makes the grant of a caller with the first key; kind Invalid when it
// could not be checked again.
func (k *Keys) Sign(c Caller) (string, error) {
	switch {
	case c.Rights == 0 || c.Rights&^All != 0:
		return "", invalid("A grant needs at least one right.")
	case !isSlides(c.Slides):
		return "", invalid("A grant can not be for slides %q: expected the start of an id, such as upload-0e0d…, or nothing.", c.Slides)
	case c.Expires.Unix() <= 0:
		return "", invalid("A grant needs a time at which it ends.")
	}
	signing := k.keys[0]
	text := strings.Join([]string{
		grantVersion, signing.id, strconv.FormatInt(c.Expires.Unix(), 10), c.Rights.letters(), c.Slides,
	}, ".")
	m := signing.macs.Get().(*mac)
	defer signing.macs.Put(m)
	return text + "." + macEncoding.EncodeToString(m.of(text)), nil
}

// of computes the MAC; it is valid until the next call.
func (m *mac) of(text string) []byte {
	in := append(append(m.in[:0], macDomain...), text...)
	m.hash.Reset()
	_, _ = m.hash.Write(in) // a hash takes everything
	return m.hash.Sum(m.sum[:0])
}

// check gives the caller of a grant. reason tells why there is none, for the
// person who must mend it; it never repeats the grant.
func (k *Keys) check(text string, now time.Time) (c Caller, reason string) {
	const malformed = "it is not a grant"
	last := strings.LastIndexByte(text, '.')
	if last < 0 || len(text) > maxGrantBytes || len(text)-last-1 != macText {
		return Caller{}, malformed
	}
	signed, sum := text[:last], text[last+1:]
	version, rest, _ := strings.Cut(signed, ".")
	id, rest, _ := strings.Cut(rest, ".")
	expiry, rest, _ := strings.Cut(rest, ".")
	letters, slides, complete := strings.Cut(rest, ".")
	rights, known := rightsOfLetters(letters)
	seconds, err := strconv.ParseInt(expiry, 10, 64)
	if version != grantVersion || !complete || !known || !isSlides(slides) ||
		err != nil || seconds <= 0 || expiry[0] == '0' || expiry[0] == '+' {
		return Caller{}, malformed
	}
	for _, key := range k.keys {
		if key.id != id {
			continue
		}
		if !key.signed(signed, sum) {
			return Caller{}, "its signature is wrong"
		}
		if now.Unix() >= seconds {
			return Caller{}, "it has expired"
		}
		return Caller{Rights: rights, Slides: slides, Expires: time.Unix(seconds, 0)}, ""
	}
	return Caller{}, "it is signed with a key that is not in force"
}

// signed compares in constant time.
func (k *key) signed(text, sum string) bool {
	m := k.macs.Get().(*mac)
	defer k.macs.Put(m)
	in := append(m.in[:0], sum...)
	n, err := macEncoding.Decode(m.got[:], in)
	return err == nil && n == sha256.Size && subtle.ConstantTimeCompare(m.got[:], m.of(text)) == 1
}
