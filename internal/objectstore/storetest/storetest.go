// Package storetest is the conformance suite that every driver of objectstore
// passes. A driver's own test is one call of Run.
package storetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/source"
)

// Run proves that open makes stores that keep the contract. Each call of open
// gives an empty store; two calls give two stores.
func Run(t *testing.T, open func(t *testing.T) objectstore.Driver) {
	tests := []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"ranges are exact", testRanges},
		{"a range past the end is invalid", testPastTheEnd},
		{"a prefix is at most what there is", testPrefix},
		{"an empty object is an object", testEmpty},
		{"what is missing is not found", testMissing},
		{"a whole object streams", testReader},
		{"a part of an object streams", testStream},
		{"slices belong to the caller", testOwnership},
		{"bad keys never reach the driver", testBadKeys},
		{"awkward keys work", testAwkwardKeys},
		{"a put replaces", testReplace},
		{"a put of unknown size stores all of it", testUnknownSize},
		{"a put that fails stores nothing", testFailedPut},
		{"a put of another size than announced stores nothing", testWrongSize},
		{"conditional puts", testConditions},
		{"of many who create, one wins", testCreateRace},
		{"of many who update, one wins", testUpdateRace},
		{"lists are ordered by key", testListOrder},
		{"lists keep to the prefix", testListPrefix},
		{"a list can be left early", testListLeft},
		{"folders", testFolders},
		{"deleting", testDelete},
		{"deleting many", testDeleteMany},
		{"copying", testCopy},
		{"a copy is independent", testCopyIndependent},
		{"copies keep conditions", testCopyConditions},
		{"a replaced object is Changed under an open source", testChanged},
		{"versions are never mixed", testNeverMixed},
		{"a replaced object's stream is of one version", testStreamOneVersion},
		{"an address gives one object", testPresign},
		{"a client uploads in parts", testDirect},
		{"an address of a part is for its bytes alone", testDirectBounds},
		{"an aborted upload is gone", testDirectAborted},
		{"a cancelled context ends everything", testCancelled},
		{"a cancelled put stores nothing", testCancelledPut},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.run(t, &suite{t: t, open: open, driver: open(t)})
		})
	}
}

// suite is one test's store and what most tests do with it.
type suite struct {
	t      *testing.T
	open   func(t *testing.T) objectstore.Driver
	driver objectstore.Driver
}

func (s *suite) store() *objectstore.Store { return objectstore.New(s.driver) }

func (s *suite) put(key string, data []byte) objectstore.Object {
	s.t.Helper()
	o, err := s.store().Put(s.t.Context(), key, bytes.NewReader(data), int64(len(data)), objectstore.PutOptions{})
	if err != nil {
		s.t.Fatalf("put %q: %v", key, err)
	}
	if o.Key != key || o.Size != int64(len(data)) || o.ETag == "" || strings.Contains(o.ETag, `"`) {
		s.t.Fatalf("put %q gave %+v", key, o)
	}
	return o
}

func (s *suite) wantContent(key string, want []byte) {
	s.t.Helper()
	got, _, err := s.store().Get(s.t.Context(), key, int64(len(want))+1)
	if err != nil {
		s.t.Fatalf("get %q: %v", key, err)
	}
	if !bytes.Equal(got, want) {
		s.t.Fatalf("get %q: %s, want %s", key, brief(got), brief(want))
	}
}

func (s *suite) wantKind(doing string, err error, want fault.Kind) {
	s.t.Helper()
	if got := fault.KindOf(err); err == nil || got != want {
		s.t.Errorf("%s: error %v (kind %s), want kind %s", doing, err, got, want)
	}
}

func (s *suite) keys(prefix string) []string {
	s.t.Helper()
	var keys []string
	for o, err := range s.store().List(s.t.Context(), prefix) {
		if err != nil {
			s.t.Fatalf("list %q: %v", prefix, err)
		}
		keys = append(keys, o.Key)
	}
	return keys
}

// brief shows bytes in a message.
func brief(b []byte) string {
	if len(b) > 32 {
		return fmt.Sprintf("%d bytes %x…", len(b), b[:32])
	}
	return fmt.Sprintf("%d bytes %q", len(b), b)
}

// noise is n bytes that no compression and no offset error leaves unnoticed.
func noise(seed uint64, n int) []byte {
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8), byte(seed >> 16), 1})
	data := make([]byte, n)
	_, _ = r.Read(data)
	return data
}

// onlyReader hides that a body could be rewound or measured.
type onlyReader struct{ io.Reader }

// failingBody gives some bytes and then an error.
type failingBody struct {
	left int
	err  error
}

func (f *failingBody) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, f.err
	}
	n := min(len(p), f.left)
	clear(p[:n])
	f.left -= n
	return n, nil
}

func one(offset, length int64) []source.Range {
	return []source.Range{{Offset: offset, Length: length}}
}

func cancelled(t *testing.T) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	return ctx
}
