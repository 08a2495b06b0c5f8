package storetest

import (
	"bytes"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
)

// testPresign: an address gives the object to who has no credentials, with the
// headers that were asked for; a store without addresses says so.
func testPresign(t *testing.T, s *suite) {
	const key = "a folder/what+is ünder 100%.bin"
	s.put(key, []byte("the object"))
	options := objectstore.PresignOptions{
		ValidFor: time.Hour, ContentType: "image/jpeg", ContentDisposition: `attachment; filename="x y.jpg"`, CacheControl: "private",
	}
	address, err := s.store().PresignGet(t.Context(), key, options)
	if !s.store().CanPresign() {
		s.wantKind("a store without addresses", err, fault.Unsupported)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	reply, body := s.fetch(address)
	if reply.StatusCode != http.StatusOK || !bytes.Equal(body, []byte("the object")) {
		t.Fatalf("the address gives status %d: %s", reply.StatusCode, brief(body))
	}
	for name, want := range map[string]string{
		"Content-Type": options.ContentType, "Content-Disposition": options.ContentDisposition, "Cache-Control": options.CacheControl,
	} {
		if got := reply.Header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	other, err := s.store().PresignGet(t.Context(), "another", objectstore.PresignOptions{ValidFor: time.Hour})
	if err != nil {
		t.Fatalf("an address of what is not there: %v", err)
	}
	if reply, _ := s.fetch(other); reply.StatusCode != http.StatusNotFound {
		t.Errorf("the address of what is not there gives status %d", reply.StatusCode)
	}
	for _, validFor := range []time.Duration{0, -time.Second, 8 * 24 * time.Hour} {
		_, err := s.store().PresignGet(t.Context(), key, objectstore.PresignOptions{ValidFor: validFor})
		s.wantKind("an address valid for "+validFor.String(), err, fault.Invalid)
	}
}

// fetch gets an address as anybody does.
func (s *suite) fetch(address string) (*http.Response, []byte) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err := io.ReadAll(reply.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply, body
}
