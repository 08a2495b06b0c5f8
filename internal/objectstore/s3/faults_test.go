package s3_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/s3"
	"github.com/pims-cloud/pims/source"
)

// open gives the bare driver on a server that answers with serve.
func open(t *testing.T, serve http.HandlerFunc) objectstore.Driver {
	t.Helper()
	server := httptest.NewServer(serve)
	t.Cleanup(server.Close)
	return on(t, server.URL)
}

func on(t *testing.T, endpoint string) objectstore.Driver {
	t.Helper()
	d, err := s3.New(aws.Config{
		BaseEndpoint: &endpoint, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}, s3.Config{Bucket: "bucket", Prefix: "p/", PathStyle: true, AnswerTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// answer is an error of S3.
func answer(status int, code string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprintf(w, "<Error><Code>%s</Code><Message>no</Message></Error>", code)
	}
}

func TestAnswersHaveKinds(t *testing.T) {
	for _, test := range []struct {
		status int
		code   string
		kind   fault.Kind
		name   string
	}{
		{404, "NoSuchKey", fault.NotFound, "store-not-found"},
		{404, "NoSuchBucket", fault.NotFound, "store-not-found"},
		{403, "AccessDenied", fault.Denied, "store-denied"},
		{403, "RequestTimeTooSkewed", fault.Denied, "store-denied"},
		{401, "Unauthorized", fault.Denied, "store-denied"},
		{412, "PreconditionFailed", fault.Changed, "store-changed"},
		{416, "InvalidRange", fault.Invalid, "store-range"},
		{409, "ConditionalRequestConflict", fault.Busy, "store-conflict"},
		{503, "SlowDown", fault.Busy, "store-slow-down"},
		{429, "TooManyRequests", fault.Busy, "store-slow-down"},
		{503, "", fault.Busy, "store-slow-down"},
		{500, "InternalError", fault.Busy, "store-unreachable"},
		{502, "", fault.Busy, "store-unreachable"},
		{400, "RequestTimeout", fault.Busy, "store-unreachable"},
		{301, "PermanentRedirect", fault.Invalid, "store-region"},
		{418, "Teapot", fault.Internal, "store-failed"},
	} {
		s := objectstore.New(open(t, answer(test.status, test.code)))
		_, err := s.ReadRanges(t.Context(), "k", "etag", []source.Range{{Offset: 0, Length: 1}})
		if fault.KindOf(err) != test.kind || fault.CodeOf(err) != test.name {
			t.Errorf("%d %s: %v (kind %s), want %s, kind %s", test.status, test.code, err, fault.KindOf(err), test.name, test.kind)
		}
	}
}

func TestOneRequestEachAndNoRetry(t *testing.T) {
	var requests atomic.Int64
	d := open(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		answer(503, "SlowDown")(w, r)
	})
	for name, do := range map[string]func(context.Context) error{
		"read":   func(ctx context.Context) error { _, err := d.ReadRanges(ctx, "k", "e", one); return err },
		"prefix": func(ctx context.Context) error { _, _, err := d.ReadPrefix(ctx, "k", 10); return err },
		"stat":   func(ctx context.Context) error { _, err := d.Stat(ctx, "k"); return err },
		"put": func(ctx context.Context) error {
			_, err := d.Put(ctx, "k", strings.NewReader("x"), 1, objectstore.PutOptions{})
			return err
		},
		"delete": func(ctx context.Context) error { return d.Delete(ctx, []string{"k"}) },
	} {
		requests.Store(0)
		if err := do(t.Context()); fault.KindOf(err) != fault.Busy || requests.Load() != 1 {
			t.Errorf("%s: %d requests, error %v", name, requests.Load(), err)
		}
	}
}

var one = []source.Range{{Offset: 10, Length: 20}}

// object answers a range read like S3, with faults to be put in.
func object(etag, contentRange, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"`+etag+`"`)
		w.Header().Set("Content-Range", contentRange)
		w.Header().Set("Content-Length", fmt.Sprint(len(body)))
		w.WriteHeader(http.StatusPartialContent)
		_, _ = io.WriteString(w, body)
	}
}

func TestReadAsksForExactlyTheRangeOfTheVersion(t *testing.T) {
	d := open(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Range"); got != "bytes=10-29" {
			t.Errorf("Range: %s", got)
		}
		if got := r.Header.Get("If-Match"); got != `"etag"` {
			t.Errorf("If-Match: %s", got)
		}
		if got := r.URL.EscapedPath(); got != "/bucket/p/a%20b/k" {
			t.Errorf("path %s", got)
		}
		object("etag", "bytes 10-29/100", strings.Repeat("x", 20))(w, r)
	})
	got, err := d.ReadRanges(t.Context(), "a b/k", "etag", one)
	if err != nil || string(got[0]) != strings.Repeat("x", 20) {
		t.Errorf("%q, %v", got, err)
	}
}

func TestStrangeAnswersGiveNoBytes(t *testing.T) {
	twenty := strings.Repeat("x", 20)
	for name, test := range map[string]struct {
		serve http.HandlerFunc
		kind  fault.Kind
	}{
		"another version, If-Match ignored": {object("other", "bytes 10-29/100", twenty), fault.Changed},
		"another range":                     {object("etag", "bytes 0-19/100", twenty), fault.Internal},
		"no range":                          {object("etag", "", twenty), fault.Internal},
		"the object is shorter":             {object("etag", "bytes 10-14/15", "xxxxx"), fault.Invalid},
		"the answer is shorter":             {object("etag", "bytes 10-29/100", "xxxxx"), fault.Busy},
		"the answer is cut off": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "20")
			object("etag", "bytes 10-29/100", "")(&keepLength{w}, r)
			_, _ = io.WriteString(w, "xxxxx")
			panic(http.ErrAbortHandler)
		}, fault.Busy},
		"the connection breaks": {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, fault.Busy},
	} {
		got, err := objectstore.New(open(t, test.serve)).ReadRanges(t.Context(), "k", "etag", one)
		if got != nil || err == nil || fault.KindOf(err) != test.kind {
			t.Errorf("%s: %q, %v (kind %s), want kind %s", name, got, err, fault.KindOf(err), test.kind)
		}
	}
}

// keepLength keeps object from announcing the length of its own body.
type keepLength struct{ http.ResponseWriter }

func (k *keepLength) WriteHeader(status int) {
	k.Header().Set("Content-Length", "20")
	k.ResponseWriter.WriteHeader(status)
}

func TestServerThatIsNotThereIsBusy(t *testing.T) {
	server := httptest.NewServer(nil)
	server.Close()
	_, err := on(t, server.URL).Stat(t.Context(), "k")
	if fault.CodeOf(err) != "store-unreachable" {
		t.Errorf("error %v", err)
	}
}

func TestSlowFirstByteEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release := make(chan struct{})
	d := open(t, func(http.ResponseWriter, *http.Request) {
		cancel()
		<-release
	})
	defer close(release)
	_, err := objectstore.New(d).ReadRanges(ctx, "k", "etag", one)
	if fault.KindOf(err) != fault.Canceled {
		t.Errorf("error %v", err)
	}
}

// A server that stops in the middle of its answer is as good as none, and the
// read may be tried again; it was not the caller who gave up.
func TestAnswerThatStandsStillIsBusy(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		object("etag", "bytes 10-29/100", "")(&keepLength{w}, r)
		_, _ = io.WriteString(w, "xxxxx")
		_ = http.NewResponseController(w).Flush()
		<-release
	}))
	defer server.Close()
	defer close(release)
	d, err := s3.New(aws.Config{
		BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("key", "secret", ""),
	}, s3.Config{Bucket: "bucket", PathStyle: true, AnswerTimeout: 100 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	got, err := objectstore.New(d).ReadRanges(t.Context(), "k", "etag", one)
	if got != nil || fault.CodeOf(err) != "store-unreachable" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestFailedUploadIsAborted(t *testing.T) {
	var aborted atomic.Bool
	d := open(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		switch {
		case r.Method == http.MethodDelete:
			aborted.Store(r.URL.Query().Get("uploadId") == "id")
			w.WriteHeader(http.StatusNoContent)
		case r.Method == http.MethodPost && r.URL.Query().Has("uploads"):
			fmt.Fprint(w, "<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>")
		case r.Method == http.MethodPut:
			w.Header().Set("ETag", `"part"`)
		default:
			t.Errorf("completed although the body broke: %s %s", r.Method, r.URL)
		}
	})
	broken := errors.New("the body broke")
	body := io.MultiReader(io.LimitReader(zeros{}, 20<<20), failing{broken})
	_, err := objectstore.New(d).Put(t.Context(), "k", body, -1, objectstore.PutOptions{})
	if !errors.Is(err, broken) || !aborted.Load() {
		t.Errorf("aborted: %v, error %v", aborted.Load(), err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestConfigIsChecked(t *testing.T) {
	for _, c := range []s3.Config{{}, {Bucket: "b", Prefix: "no-slash"}, {Bucket: "b", Prefix: "/"}, {Bucket: "b", Prefix: "../"}} {
		if _, err := s3.New(aws.Config{}, c); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v", c, err)
		}
	}
	d, err := s3.New(aws.Config{}, s3.Config{Bucket: "b", Prefix: "a/b/"})
	if err != nil || d.URL() != "s3://b/a/b" {
		t.Errorf("%v, %v", d, err)
	}
}
