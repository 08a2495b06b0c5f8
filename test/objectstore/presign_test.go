package objectstore_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/test/s3gateway"
)

// TestAnAddressExpires waits until an address that holds for a second is
// refused; that one for an hour is not shows that it is not refused for
// something else.
func TestAnAddressExpires(t *testing.T) {
	gw := s3gateway.Start(t)
	gw.Bucket(t, "results")
	store := gw.Store(t, "results", "")
	if _, err := store.Put(t.Context(), "k", strings.NewReader("x"), 1, objectstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	status := func(address string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		reply.Body.Close()
		return reply.StatusCode
	}
	sign := func(validFor time.Duration) string {
		address, err := store.PresignGet(t.Context(), "k", objectstore.PresignOptions{ValidFor: validFor})
		if err != nil {
			t.Fatal(err)
		}
		return address
	}
	short := sign(time.Second)
	deadline := time.Now().Add(time.Minute)
	for status(short) != http.StatusForbidden {
		if time.Now().After(deadline) {
			t.Fatal("an address that holds for a second is accepted after a minute")
		}
		time.Sleep(100 * time.Millisecond) // the server's clock can not be moved
	}
	if got := status(sign(time.Hour)); got != http.StatusOK {
		t.Errorf("an address that holds for an hour: status %d", got)
	}
}
