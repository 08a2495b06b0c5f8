package access

import (
	"crypto/sha256"
	"sync"
	"time"
)

// maxVerified is how many tokens are remembered: about a megabyte. Who has more
// callers at once pays a signature for the others.
const maxVerified = 4096

// verified remembers tokens whose signature and claims were found good, by the
// SHA-256 of their text; the text itself is not kept. Bad tokens are not
// remembered: they must not drive out good ones. It is safe for concurrent use.
//
// A token is good as long as its times say so, and only with the key set that it
// was checked with: whatever comes instead of that may lack its key.
//
// There are two halves. What is used is in the young one or comes back to it;
// when that is full it becomes the old one, and what nobody has asked for since
// the last time goes.
type verified struct {
	half int // bound of each

	mu         sync.Mutex // guards what follows
	young, old map[[sha256.Size]byte]verifiedToken
}

// verifiedToken is what a token says. The zero value is not valid at any time.
type verifiedToken struct {
	caller     Caller
	from       time.Time // the zero time for always
	until      time.Time // not valid then any more
	generation uint64    // of the key set
}

func newVerified(most int) *verified {
	return &verified{half: max(most/2, 1), young: map[[sha256.Size]byte]verifiedToken{}}
}

// find gives the caller of a token that is good now, with this key set.
func (v *verified) find(sum [sha256.Size]byte, generation uint64, now time.Time) (Caller, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t, young := v.young[sum]
	if !young {
		t = v.old[sum]
	}
	if t.generation != generation || now.Before(t.from) || !now.Before(t.until) {
		return Caller{}, false // checked anew, which gives the reason
	}
	if !young {
		v.put(sum, t)
	}
	return t.caller, true
}

// add remembers a token.
func (v *verified) add(sum [sha256.Size]byte, t verifiedToken) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.put(sum, t)
}

// put needs mu.
func (v *verified) put(sum [sha256.Size]byte, t verifiedToken) {
	if _, known := v.young[sum]; !known && len(v.young) >= v.half {
		v.old, v.young = v.young, make(map[[sha256.Size]byte]verifiedToken, v.half)
	}
	v.young[sum] = t
}
