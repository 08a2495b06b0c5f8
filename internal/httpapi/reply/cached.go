package reply

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pims-cloud/pims/internal/cache"
)

// Cached answers requests whose bytes follow from an identity alone: the
// version of a slide and the canonical request. The ETag is made of the
// identity, so a matching If-None-Match is answered without reading anything
// (pims-api §2.8). It is safe for concurrent use.
type Cached struct {
	cache  *cache.Cache
	maxAge time.Duration
}

// NewCached answers from memory; maxAge is what browsers are told.
func NewCached(memory *cache.Cache, maxAge time.Duration) *Cached {
	return &Cached{cache: memory, maxAge: maxAge}
}

// Answer is what a handler knows before the bytes are made.
type Answer struct {
	// Identity is everything that the bytes depend on; equal identities have
	// equal bytes.
	Identity  string
	MediaType string
	// Load makes the bytes. It runs at most once at a time for an identity, and
	// its context outlives this request when others wait for the same bytes.
	Load func(ctx context.Context) ([]byte, error)
}

// Write answers 304, or 200 with the bytes from memory or from Load. A request
// with "Cache-Control: no-store" neither reads nor fills the cache and gets
// none of the headers.
func (c *Cached) Write(w http.ResponseWriter, r *http.Request, a Answer) error {
	if noStore(r) {
		body, err := a.Load(r.Context())
		if err != nil {
			return err
		}
		Bytes(w, r, http.StatusOK, a.MediaType, body)
		return nil
	}
	tag := etag(a)
	if matchesTag(r.Header.Values("If-None-Match"), tag) {
		c.headers(w, tag, "HIT")
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	body, hit, err := c.cache.Get(r.Context(), a.Identity, a.Load)
	if err != nil {
		return err
	}
	state := "MISS"
	if hit {
		state = "HIT"
	}
	c.headers(w, tag, state)
	Bytes(w, r, http.StatusOK, a.MediaType, body)
	return nil
}

func (c *Cached) headers(w http.ResponseWriter, tag, state string) {
	h := w.Header()
	h.Set("Cache-Control", "private,must-revalidate,max-age="+strconv.Itoa(int(c.maxAge/time.Second)))
	h.Set("ETag", tag)
	h.Set("X-Pims-Cache", state)
}

// etag is weak: two builds may encode the same picture to other bytes.
func etag(a Answer) string {
	sum := sha256.Sum256([]byte(a.Identity))
	return `W/"` + hex.EncodeToString(sum[:16]) + `"`
}

func noStore(r *http.Request) bool {
	for _, value := range r.Header.Values("Cache-Control") {
		for _, directive := range strings.Split(value, ",") {
			if strings.EqualFold(strings.TrimSpace(directive), "no-store") {
				return true
			}
		}
	}
	return false
}

// matchesTag compares weakly (RFC 9110 §13.1.2) and also takes PIMS' unquoted
// form.
func matchesTag(values []string, tag string) bool {
	want := bareTag(tag)
	for _, value := range values {
		for _, candidate := range strings.Split(value, ",") {
			candidate = strings.TrimSpace(candidate)
			if candidate == "*" || bareTag(candidate) == want {
				return true
			}
		}
	}
	return false
}

func bareTag(tag string) string {
	return strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
}
