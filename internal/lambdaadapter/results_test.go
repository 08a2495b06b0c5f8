package lambdaadapter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/lambdaadapter"
	"github.com/pims-cloud/pims/internal/objectstore"
)

// results is a store of one reply.
type results struct {
	key, contentType string
	body             []byte
	fails            error
	signed           objectstore.PresignOptions
}

func (s *results) CanPresign() bool { return true }

func (s *results) Put(_ context.Context, key string, body io.Reader, _ int64, options objectstore.PutOptions) (objectstore.Object, error) {
	if s.fails != nil {
		return objectstore.Object{}, s.fails
	}
	read, err := io.ReadAll(body)
	if err != nil {
		return objectstore.Object{}, err // all of a body, or nothing
	}
	s.key, s.contentType, s.body = key, options.ContentType, read
	return objectstore.Object{Key: key}, nil
}

func (s *results) PresignGet(_ context.Context, key string, options objectstore.PresignOptions) (string, error) {
	s.signed = options
	return "https://store.example/" + key + "?signature", nil
}

// returned is what a function answers a request of payload version 2.
type returned struct {
	StatusCode int
	Headers    map[string]string
	Body       string
}

// ask invokes a handler as a function with GET /large.
func ask(t *testing.T, next http.HandlerFunc, store lambdaadapter.Results) returned {
	t.Helper()
	h := lambdaadapter.NewHTTP(next, lambdaadapter.Config{ResultsValid: time.Minute}, store, nil)
	out, err := h.Invoke(t.Context(), []byte(`{"version":"2.0","rawPath":"/large","requestContext":{"http":{"method":"GET"}}}`))
	if err != nil {
		t.Fatal(err)
	}
	if len(out) > 6<<20 {
		t.Fatalf("the reply has %d bytes, more than the platform takes", len(out))
	}
	var got returned
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// sends writes n bytes of a picture in pieces.
func sends(n int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		w.Header().Set("Content-Disposition", "inline")
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("ETag", `"x"`)
		for n > 0 {
			k := min(n, 300_000)
			if _, err := w.Write(bytes.Repeat([]byte{0xff}, k)); err != nil {
				return
			}
			n -= k
		}
	}
}

func TestALargeReplyIsStoredAndItsAddressGiven(t *testing.T) {
	// Too large only in base64; larger than what is kept in memory.
	for _, size := range []int{5 << 20, 20 << 20} {
		store := &results{}
		got := ask(t, sends(size), store)
		if got.StatusCode != http.StatusSeeOther || got.Headers["Location"] != "https://store.example/"+store.key+"?signature" ||
			got.Headers["Cache-Control"] != "no-store" || got.Headers["Access-Control-Allow-Origin"] != "*" || got.Headers["Etag"] != "" || got.Body != "" {
			t.Errorf("%d bytes: %+v", size, got)
		}
		if len(store.body) != size || store.contentType != "image/png" || !strings.HasPrefix(store.key, lambdaadapter.ResultsPrefix) {
			t.Errorf("stored %d bytes of %s under %s, want %d", len(store.body), store.contentType, store.key, size)
		}
		if s := store.signed; s.ValidFor != time.Minute || s.ContentType != "image/png" || s.ContentDisposition != "inline" || s.CacheControl != "private, max-age=60" {
			t.Errorf("the address is for %+v", s)
		}
	}
}

func TestWhatFitsIsNotStored(t *testing.T) {
	store := &results{}
	if got := ask(t, sends(4<<20), store); got.StatusCode != http.StatusOK || store.key != "" {
		t.Errorf("status %d, stored %q", got.StatusCode, store.key)
	}
}

func TestLargeRepliesThatCannotBeStored(t *testing.T) {
	problem := func(got returned) string {
		var p struct{ Code string }
		if err := json.Unmarshal([]byte(got.Body), &p); err != nil {
			t.Errorf("%v: %s", err, got.Body)
		}
		return p.Code
	}
	if got := ask(t, sends(20<<20), nil); got.StatusCode != http.StatusRequestEntityTooLarge || problem(got) != "reply-too-large-for-function" {
		t.Errorf("without a store: %+v", got)
	}
	if got := ask(t, sends(20<<20), &results{fails: errors.New("it burns")}); got.StatusCode != http.StatusInternalServerError || problem(got) != "internal" {
		t.Errorf("with a store that fails: %+v", got)
	}
	store := &results{}
	failing := func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		sends(20<<20)(w, r)
	}
	if got := ask(t, failing, store); got.StatusCode != http.StatusRequestEntityTooLarge || store.key != "" {
		t.Errorf("an error: %+v, stored %q", got.StatusCode, store.key)
	}
}

func TestAReplyThatBreaksOffIsNotStored(t *testing.T) {
	store := &results{}
	h := lambdaadapter.NewHTTP(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sends(20<<20)(w, r)
		panic(http.ErrAbortHandler)
	}), lambdaadapter.Config{}, store, nil)
	_, err := h.Invoke(t.Context(), []byte(`{"version":"2.0","rawPath":"/large","requestContext":{"http":{"method":"GET"}}}`))
	if err == nil || store.key != "" {
		t.Errorf("error %v, stored %q", err, store.key)
	}
}
