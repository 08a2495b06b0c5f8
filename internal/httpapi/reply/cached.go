package reply

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/pims-cloud/pims/internal/access"
	"github.com/pims-cloud/pims/internal/cache"
	"github.com/pims-cloud/pims/internal/nowait"
	"github.com/pims-cloud/pims/internal/telemetry/timing"
)

// Cached answers requests whose bytes follow from an identity alone: the
// version of a slide and the canonical request. The ETag is made of the
// identity, so a matching If-None-Match is answered without reading anything
// (pims-api §2.8). It is safe for concurrent use.
type Cached struct {
	cache      *cache.Cache
	revalidate []string // the Cache-Control of URLs that do not name a version
	// Values that answers share. They are never changed: net/http only reads
	// them, and adding to one makes a new slice.
	immutable, hit, miss []string
}

// NewCached answers from the cache; maxAge is what browsers are told. Where not
// everybody may have the answers, private keeps them out of shared caches.
func NewCached(answers *cache.Cache, maxAge time.Duration, private bool) *Cached {
	whose := "public"
	if private {
		whose = "private"
	}
	return &Cached{
		cache:      answers,
		revalidate: shared("private,must-revalidate,max-age=" + strconv.Itoa(int(maxAge/time.Second))),
		immutable:  shared(whose + ", immutable, max-age=31536000"),
		hit:        shared("HIT"),
		miss:       shared("MISS"),
	}
}

func shared(value string) []string { return []string{value}[:1:1] }

// Answer is what a handler knows before the bytes are made.
type Answer struct {
	// Identity is everything that the bytes depend on; equal identities have
	// equal bytes.
	Identity  string
	MediaType string
	// Version is the slide's. A URL that names it (see VersionAsked) always has
	// this answer, so whoever has it need never ask again. May be empty.
	Version string
	// Fixed tells that the bytes are the source's own. Other pictures may be
	// encoded to other bytes by another build: their ETag is a weak one.
	Fixed bool
	// Load makes the bytes. It runs at most once at a time for an identity, and
	// its context outlives this request when others wait for the same bytes.
	Load func(ctx context.Context) ([]byte, error)
}

// Write is Ready and, when that has no answer, Make.
func (c *Cached) Write(w http.ResponseWriter, r *http.Request, a Answer) error {
	if c.Ready(w, r, a) {
		return nil
	}
	return c.Make(w, r, a)
}

// Ready answers 304, or 200 with bytes from memory, and tells whether it did. It
// needs no Load.
func (c *Cached) Ready(w http.ResponseWriter, r *http.Request, a Answer) bool {
	if noStore(r) {
		return false
	}
	if conditions := r.Header["If-None-Match"]; conditions != nil {
		if tag := a.tag(); matchesTag(conditions, tag) {
			values := [...]string{tag}
			c.headers(w.Header(), r, &a, values[:], c.hit)
			w.WriteHeader(http.StatusNotModified)
			return true
		}
	}
	body, ok := c.cache.Peek(a.Identity)
	if ok {
		c.body(w, r, &a, body, c.hit)
	}
	return ok
}

// Make answers 200 with the bytes from a cache behind the memory, or from Load.
// A request with "Cache-Control: no-store" neither reads nor fills the caches
// and gets none of their headers. In a context that must not wait, nothing is
// made.
func (c *Cached) Make(w http.ResponseWriter, r *http.Request, a Answer) error {
	if nowait.In(r.Context()) {
		return nowait.Refused{}
	}
	timing.Classify(r.Context(), a.class())
	if noStore(r) {
		body, err := a.Load(r.Context())
		if err != nil {
			return err
		}
		Bytes(w, r, http.StatusOK, a.MediaType, body)
		return nil
	}
	body, found, err := c.cache.Get(r.Context(), a.Identity, a.Load)
	if err != nil {
		return err
	}
	state := c.miss
	if found {
		state = c.hit
	}
	c.body(w, r, &a, body, state)
	return nil
}

// body writes the headers and, but for HEAD, the body. The names of the headers
// are in the canonical form of net/http.
func (c *Cached) body(w http.ResponseWriter, r *http.Request, a *Answer, body []byte, state []string) {
	h := w.Header()
	// One allocation for the values of three headers, and one for two of their texts.
	var buffer [tagBytes + 20]byte
	text := string(strconv.AppendInt(a.appendTag(buffer[:0]), int64(len(body)), 10))
	tag := a.tagLength()
	values := [...]string{text[:tag], a.MediaType, text[tag:]}
	c.headers(h, r, a, values[:], state)
	h["Content-Type"] = values[1:2:2]
	h["Content-Length"] = values[2:3:3]
	send(w, r, http.StatusOK, body)
}

// class is what making the bytes takes, for the metrics.
func (a *Answer) class() timing.Class {
	switch {
	case a.Fixed:
		return timing.Passthrough
	case strings.HasPrefix(a.MediaType, "image/"):
		return timing.Rendered
	default:
		return timing.Other
	}
}

// headers sets what 200 and 304 share; values[0] is the ETag.
func (c *Cached) headers(h http.Header, r *http.Request, a *Answer, values, state []string) {
	h["Etag"] = values[0:1:1]
	h["X-Pims-Cache"] = state
	h["Cache-Control"] = c.revalidate
	if a.Version != "" && VersionAsked(r) == a.Version {
		h["Cache-Control"] = c.immutable
	}
}

// sumBytes of the identity's hash are the ETag, tagBytes at most with all signs.
const (
	sumBytes = 16
	tagBytes = len(`W/""`) + 2*sumBytes
)

// tag is the ETag, which is quoted, and strong for fixed bytes.
func (a *Answer) tag() string {
	var buffer [tagBytes]byte
	return string(a.appendTag(buffer[:0]))
}

func (a *Answer) tagLength() int {
	if a.Fixed {
		return tagBytes - len("W/")
	}
	return tagBytes
}

func (a *Answer) appendTag(text []byte) []byte {
	var identity [512]byte // longer ones go to the heap
	sum := sha256.Sum256(append(identity[:0], a.Identity...))
	if !a.Fixed {
		text = append(text, "W/"...)
	}
	text = append(text, '"')
	text = hex.AppendEncode(text, sum[:sumBytes])
	return append(text, '"')
}

// versionParameter in a URL's query names the slide version that is meant.
const versionParameter = "v"

// VersionAsked is the slide version that a request's URL names, or empty.
func VersionAsked(r *http.Request) string {
	if r.URL.RawQuery == "" || (r.Method != http.MethodGet && r.Method != http.MethodHead) {
		return ""
	}
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		if version, ok := strings.CutPrefix(part, versionParameter+"="); ok {
			return version
		}
	}
	return ""
}

// WithVersion is the query of a request's URL with another version.
func WithVersion(r *http.Request, version string) string {
	parts := strings.Split(r.URL.RawQuery, "&")
	for i, part := range parts {
		if strings.HasPrefix(part, versionParameter+"=") {
			parts[i] = versionParameter + "=" + version
		}
	}
	return strings.Join(parts, "&")
}

// Plain tells that a request's URL has no parameters but for the version and a
// grant: nothing that the answer's bytes depend on.
func Plain(r *http.Request) bool {
	for query := r.URL.RawQuery; query != ""; {
		var parameter string
		parameter, query, _ = strings.Cut(query, "&")
		if name, _, _ := strings.Cut(parameter, "="); name != versionParameter && name != access.GrantParameter {
			return false
		}
	}
	return true
}

func noStore(r *http.Request) bool {
	for _, value := range r.Header["Cache-Control"] {
		for directive := range strings.SplitSeq(value, ",") {
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
		for candidate := range strings.SplitSeq(value, ",") {
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
