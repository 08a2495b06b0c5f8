package objectstore_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/s3"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/test/s3gateway"
)

// TestAddressesForOthersAreSignedForThePublicEndpoint gets and puts by it; the
// store itself never does.
func TestAddressesForOthersAreSignedForThePublicEndpoint(t *testing.T) {
	gw := s3gateway.Start(t)
	gw.Bucket(t, "slides")
	public := gw.Public(t)
	store := objectstore.New(objectstore.Standard(
		gw.Driver(t, s3.Config{Bucket: "slides", Prefix: "prod/", PublicEndpoint: public.URL}), objectstore.Config{Concurrency: 16}))
	send := func(method, address string, body []byte, header map[string]string) (status int, answer []byte) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, address, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range header {
			request.Header.Set(name, value)
		}
		reply, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		defer reply.Body.Close()
		if answer, err = io.ReadAll(reply.Body); err != nil {
			t.Fatal(err)
		}
		return reply.StatusCode, answer
	}

	part := []byte("the whole of a slide, in one part")
	const key = "a slide+1 (2)/ä.svs"
	upload, err := store.BeginUpload(t.Context(), key, false)
	if err != nil {
		t.Fatal(err)
	}
	to, err := store.PresignPart(t.Context(), upload, objectstore.DirectPart{Number: 1, Size: int64(len(part))}, time.Hour)
	if err != nil || !strings.HasPrefix(to.URL, public.URL+"/slides/prod/") {
		t.Fatalf("the address of a part is %s (%v), want it at %s", to.URL, err, public.URL)
	}
	if status, answer := send(http.MethodPut, gw.Inside(public, to.URL), part, to.Header); status != http.StatusForbidden {
		t.Errorf("at the inner endpoint, for which it is not signed, a part is answered %d: %s", status, answer)
	}
	if status, answer := send(http.MethodPut, to.URL, part, to.Header); status != http.StatusOK {
		t.Fatalf("a part is answered %d: %s", status, answer)
	}
	if n := public.Requests.Load(); n != 1 {
		t.Fatalf("%d requests came by the public endpoint, want that of the part alone", n)
	}
	parts, err := store.UploadedParts(t.Context(), upload)
	if err != nil || len(parts) != 1 {
		t.Fatalf("the parts are %+v (%v)", parts, err)
	}
	object, err := store.CompleteUpload(t.Context(), upload, parts)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := store.ReadRanges(t.Context(), key, object.ETag, []source.Range{{Offset: 4, Length: 5}}); err != nil || string(got[0]) != "whole" {
		t.Errorf("the range is %q (%v)", got, err)
	}
	from, err := store.PresignGet(t.Context(), key, objectstore.PresignOptions{ValidFor: time.Hour, ContentType: "image/x"})
	if err != nil || !strings.HasPrefix(from, public.URL+"/slides/prod/") {
		t.Fatalf("the address of the object is %s (%v), want it at %s", from, err, public.URL)
	}
	if n := public.Requests.Load(); n != 1 {
		t.Errorf("the store itself made %d requests by the public endpoint", n-1)
	}
	if status, answer := send(http.MethodGet, from, nil, nil); status != http.StatusOK || !bytes.Equal(answer, part) {
		t.Errorf("the object is answered %d: %s", status, answer)
	}
	if status, _ := send(http.MethodGet, gw.Inside(public, from), nil, nil); status != http.StatusForbidden {
		t.Errorf("at the inner endpoint, for which it is not signed, the object is answered %d", status)
	}
}
