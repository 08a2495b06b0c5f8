package s3

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/pims-cloud/pims/source"
)

// rotating gives credentials that a test changes.
type rotating struct {
	now atomic.Pointer[aws.Credentials]
}

func (r *rotating) Retrieve(context.Context) (aws.Credentials, error) {
	if c := r.now.Load(); c != nil {
		return *c, nil
	}
	return aws.Credentials{}, fmt.Errorf("no credentials")
}

// world is a driver, the requests that its server got, and the time.
type world struct {
	d           *driver
	now         time.Time
	credentials rotating
	signed      atomic.Int64 // requests with the signature in the URL
	byHeader    atomic.Int64 // requests with the signature in a header
	refuse      atomic.Bool  // those with the signature in the URL
	signatures  map[string]int
}

func newWorld(t testing.TB) *world {
	w := &world{now: time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC), signatures: map[string]int{}}
	w.credentials.now.Store(&aws.Credentials{AccessKeyID: "A", SecretAccessKey: "s", SessionToken: "t"})
	server := httptest.NewServer(http.HandlerFunc(w.serve))
	t.Cleanup(server.Close)
	d, err := New(aws.Config{BaseEndpoint: &server.URL, Credentials: &w.credentials}, Config{Bucket: "bucket", PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	w.d = d.(*driver)
	// The clock of the test decides, and the SDK's cache must not hide a change.
	w.d.signer.now = func() time.Time { return w.now }
	w.d.signer.credentials = &w.credentials
	return w
}

// serve is called by one test at a time.
func (w *world) serve(out http.ResponseWriter, r *http.Request) {
	signature := r.URL.Query().Get("X-Amz-Signature")
	if signature == "" {
		w.byHeader.Add(1)
	} else {
		w.signed.Add(1)
		w.signatures[signature+r.URL.Query().Get("X-Amz-Security-Token")]++
		if w.refuse.Load() {
			out.WriteHeader(http.StatusForbidden)
			fmt.Fprint(out, "<Error><Code>AccessDenied</Code></Error>")
			return
		}
	}
	out.Header().Set("ETag", `"e"`)
	out.Header().Set("Content-Range", "bytes 10-29/100")
	out.Header().Set("Content-Length", "20")
	out.WriteHeader(http.StatusPartialContent)
	_, _ = io.WriteString(out, "12345678901234567890")
}

var tenToThirty = []source.Range{{Offset: 10, Length: 20}}

func (w *world) read(t *testing.T, key string) {
	t.Helper()
	got, err := w.d.ReadRanges(t.Context(), key, "e", tenToThirty)
	if err != nil || string(got[0]) != "12345678901234567890" {
		t.Fatalf("%q, %v", got, err)
	}
}

func (w *world) want(t *testing.T, after string, signatures int, signed, byHeader int64) {
	t.Helper()
	if len(w.signatures) != signatures || w.signed.Load() != signed || w.byHeader.Load() != byHeader {
		t.Errorf("%s: %d signatures, %d requests by URL, %d by header; want %d, %d, %d",
			after, len(w.signatures), w.signed.Load(), w.byHeader.Load(), signatures, signed, byHeader)
	}
}

func TestObjectIsSignedOnceForManyReads(t *testing.T) {
	w := newWorld(t)
	for range 50 {
		w.read(t, "k")
	}
	w.want(t, "50 reads", 1, 50, 0)
	w.read(t, "other")
	w.want(t, "another object", 2, 51, 0)
}

func TestSignatureIsRenewedWellBeforeItsEnd(t *testing.T) {
	w := newWorld(t)
	start := w.now
	for w.now.Before(start.Add(renewAfter)) {
		w.read(t, "k")
		w.now = w.now.Add(30 * time.Second)
	}
	old := w.d.signer.urls["k"]
	w.read(t, "k")
	if w.d.signer.urls["k"] == old {
		t.Errorf("after %s of %s the signature is still the first one", renewAfter, signatureLife)
	}
	// While one asker makes a new one, the others go on with the old one, but
	// never past its end.
	by := *w.credentials.now.Load()
	if !old.good(by, start.Add(renewAfter+time.Second)) {
		t.Error("a signature that is being renewed is not used meanwhile")
	}
	if old.good(by, start.Add(neverUseAfter)) || old.good(by, start.Add(-time.Second)) {
		t.Error("a signature is used at its end, or before its time")
	}
}

func TestNewCredentialsMeanANewSignature(t *testing.T) {
	w := newWorld(t)
	w.read(t, "k")
	w.credentials.now.Store(&aws.Credentials{AccessKeyID: "A", SecretAccessKey: "s", SessionToken: "refreshed"})
	w.read(t, "k")
	w.want(t, "refreshed credentials", 2, 2, 0)
	if got := w.d.signer.urls["k"].by.SessionToken; got != "refreshed" {
		t.Errorf("signed with the token %q", got)
	}
	w.credentials.now.Store(nil)
	if _, err := w.d.ReadRanges(t.Context(), "k", "e", tenToThirty); err == nil {
		t.Error("a URL outlives the credentials it was signed with")
	}
}

// As with a bucket policy on s3:authType.
func TestRefusedURLsLeaveTheReadingToTheSDK(t *testing.T) {
	w := newWorld(t)
	w.refuse.Store(true)
	w.read(t, "k")
	w.want(t, "the first read", 1, 1, 1)
	w.read(t, "k")
	w.read(t, "other")
	w.want(t, "further reads", 1, 1, 3)
	w.now = w.now.Add(presignPause)
	w.refuse.Store(false)
	w.read(t, "other")
	w.want(t, "after the pause", 2, 2, 3)
	// One that had worked is replaced, and the others go on.
	w.refuse.Store(true)
	w.read(t, "other")
	w.refuse.Store(false)
	w.now = w.now.Add(time.Second)
	w.read(t, "other")
	if w.byHeader.Load() != 4 || w.signed.Load() != 4 {
		t.Errorf("%d requests by URL, %d by header", w.signed.Load(), w.byHeader.Load())
	}
}

func TestKeptSignaturesAreBounded(t *testing.T) {
	w := newWorld(t)
	for n := range 3 * maxSigned {
		w.d.signer.keep(fmt.Sprint(n), &signedURL{signedAt: w.now})
		if got := len(w.d.signer.urls); got > maxSigned {
			t.Fatalf("%d are kept after %d", got, n+1)
		}
	}
	w.d.signer.keep("new", &signedURL{signedAt: w.now.Add(renewAfter)})
	for n := range maxSigned / 2 {
		w.d.signer.keep(fmt.Sprint("new", n), &signedURL{signedAt: w.now.Add(renewAfter)})
	}
	if w.d.signer.urls["new"] == nil {
		t.Error("a new signature was dropped while there were old ones")
	}
}

// The sidecar comes by the SDK, the tile by a presigned URL.
func TestSidecarAndTileShareAConnection(t *testing.T) {
	var connections atomic.Int64
	server := httptest.NewUnstartedServer(tileServer())
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	d := driverOn(t, server.URL)
	if _, _, err := d.ReadPrefix(t.Context(), "sidecar", tileBytes); err != nil {
		t.Fatal(err)
	}
	if _, err := d.ReadRanges(t.Context(), "slide", "e", []source.Range{tileRange}); err != nil {
		t.Fatal(err)
	}
	if connections.Load() != 1 {
		t.Errorf("%d connections for two requests in a row", connections.Load())
	}
}

func TestDirectoryBucketsAndForeignClientsAreLeftToTheSDK(t *testing.T) {
	sdk := aws.Config{Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("A", "s", "")}
	for name, test := range map[string]struct {
		bucket string
		client aws.HTTPClient
		signs  bool
	}{
		"bucket":           {bucket: "b", signs: true},
		"directory bucket": {bucket: "b--euc1-az1--x-s3"},
		"foreign client":   {bucket: "b", client: http.DefaultClient},
	} {
		sdk.HTTPClient = test.client
		d, err := New(sdk, Config{Bucket: test.bucket})
		if err != nil {
			t.Fatal(err)
		}
		if got := d.(*driver).signer != nil; got != test.signs {
			t.Errorf("%s: signer is there: %v", name, got)
		}
	}
}

func TestVirtualHostURLSignsOnlyTheHost(t *testing.T) {
	d, err := New(aws.Config{Region: "eu-central-1", Credentials: credentials.NewStaticCredentialsProvider("A", "s", "token")},
		Config{Bucket: "slides", Prefix: "a b/"})
	if err != nil {
		t.Fatal(err)
	}
	own := d.(*driver)
	u := own.signer.of(t.Context(), own.getInput("ü+1.svs"))
	if u == nil {
		t.Fatal("no URL")
	}
	q := u.request.URL.Query()
	if u.request.URL.Scheme != "https" || u.request.Host != "slides.s3.eu-central-1.amazonaws.com" ||
		u.request.URL.EscapedPath() != "/a%20b/%C3%BC%2B1.svs" {
		t.Errorf("URL %s", u.request.URL)
	}
	if q.Get("X-Amz-SignedHeaders") != "host" || q.Get("X-Amz-Security-Token") != "token" || q.Get("X-Amz-Expires") != "900" || len(u.header) != 0 {
		t.Errorf("query %v, headers to send %v", q, u.header)
	}
}
