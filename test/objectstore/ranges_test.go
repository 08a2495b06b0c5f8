package objectstore_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/s3"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/test/s3gateway"
)

// through is the project's driver for the gateway's bucket at another address.
func through(t *testing.T, gw *s3gateway.Gateway, endpoint, bucket string) objectstore.Driver {
	t.Helper()
	config := gw.Config()
	config.BaseEndpoint = &endpoint
	d, err := s3.New(config, s3.Config{Bucket: bucket, Prefix: "präfix/", PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// TestRangesGoByPresignedURL holds a real server to what the fast path relies
// on: Range and If-Match count although they are not signed.
func TestRangesGoByPresignedURL(t *testing.T) {
	gw := s3gateway.Start(t)
	gw.Bucket(t, "slides")
	target, err := url.Parse(gw.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	var byURL, byHeader atomic.Int64
	forward := httputil.NewSingleHostReverseProxy(target)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && r.URL.Query().Has("X-Amz-Signature") {
			byURL.Add(1)
		} else if r.Method == http.MethodGet {
			byHeader.Add(1)
		}
		forward.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	s := objectstore.New(through(t, gw, proxy.URL, "slides"))
	data := bytes.Repeat([]byte("0123456789"), 1000)
	o, err := s.Put(t.Context(), "a b/ü+1", bytes.NewReader(data), int64(len(data)), objectstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		etag string
		r    source.Range
		kind fault.Kind
		ok   bool
	}{
		{etag: o.ETag, r: source.Range{Offset: 5, Length: 3}, ok: true},
		{etag: "", r: source.Range{Offset: 9990, Length: 10}, ok: true},
		{etag: "another", r: source.Range{Offset: 5, Length: 3}, kind: fault.Changed},
		{etag: o.ETag, r: source.Range{Offset: 10_000, Length: 1}, kind: fault.Invalid},
		{etag: o.ETag, r: source.Range{Offset: 9_999, Length: 2}, kind: fault.Invalid},
	} {
		got, err := s.ReadRanges(t.Context(), o.Key, test.etag, []source.Range{test.r})
		if test.ok && (err != nil || !bytes.Equal(got[0], data[test.r.Offset:test.r.End()])) {
			t.Errorf("etag %q, %+v: %q, %v", test.etag, test.r, got, err)
		}
		if !test.ok && (err == nil || fault.KindOf(err) != test.kind) {
			t.Errorf("etag %q, %+v: %v, want kind %s", test.etag, test.r, err, test.kind)
		}
	}
	if byURL.Load() != 5 || byHeader.Load() != 0 {
		t.Errorf("%d reads by presigned URL and %d by the SDK, want 5 and 0", byURL.Load(), byHeader.Load())
	}
}

// startLag runs the latency-and-fault proxy of the peers' harness before the
// gateway, with its arguments, and gives its address.
func startLag(t *testing.T, gw *s3gateway.Gateway, arguments ...string) string {
	t.Helper()
	folder, err := filepath.Abs("../../../shared/peers/s3lag")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(folder, "main.go")); err != nil {
		t.Skip("../shared/peers/s3lag is not here")
	}
	program := filepath.Join(t.TempDir(), "s3lag")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = folder
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building s3lag: %v\n%s", err, said)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close()
	target, err := url.Parse(gw.Endpoint)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, append([]string{"-listen", address, "-to", target.Host}, arguments...)...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("s3lag said:\n%s", said.String())
		}
	})
	for deadline := time.Now().Add(30 * time.Second); ; {
		connection, err := net.DialTimeout("tcp", address, time.Second)
		if err == nil {
			connection.Close()
			return "http://" + address
		}
		if time.Now().After(deadline) {
			t.Fatalf("s3lag does not start: %v\n%s", err, said.String())
		}
	}
}

// control asks s3lag something on its own behalf.
func control(t *testing.T, method, address string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil || reply.StatusCode != http.StatusOK {
		t.Fatalf("%s %s: %d %s, %v", method, address, reply.StatusCode, text, err)
	}
	return string(text)
}

// slideOf stores noise and gives a function that reads n tiles of it.
func slideOf(t *testing.T, direct *objectstore.Store) (o objectstore.Object, read func(s *objectstore.Store, n int)) {
	t.Helper()
	const size, tile = 4 << 20, 18 << 10
	data := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(data)
	o, err := direct.Put(t.Context(), "slide", bytes.NewReader(data), size, objectstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	dice := rand.New(rand.NewPCG(3, 3))
	return o, func(s *objectstore.Store, n int) {
		t.Helper()
		for range n {
			r := source.Range{Offset: dice.Int64N(size - tile), Length: tile}
			got, err := s.ReadRanges(t.Context(), o.Key, o.ETag, []source.Range{r})
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got[0], data[r.Offset:r.End()]) {
				t.Fatalf("%+v has other bytes", r)
			}
		}
	}
}

// TestNoFaultReachesTheReader is the same promise as in the driver's own tests,
// with faults that the driver's authors did not make.
func TestNoFaultReachesTheReader(t *testing.T) {
	gw := s3gateway.Start(t)
	gw.Bucket(t, "slides")
	lag := startLag(t, gw, "-seed", "7")
	_, read := slideOf(t, objectstore.New(through(t, gw, gw.Endpoint, "slides")))
	s := objectstore.New(objectstore.Standard(through(t, gw, lag, "slides"),
		objectstore.Config{Concurrency: 64, Attempts: 6, RetryBase: time.Millisecond}))
	read(s, 1)
	control(t, http.MethodPost, lag+"/__set?p503=0.02&preset=0.01&pcut=0.01")
	read(s, 1000)
	requests := lagRequests(t, lag)
	t.Logf("1001 reads, %d requests", requests)
	// 3 in 100 fail before the body, 1 within it.
	if extra := requests - 1001; extra < 20 || extra > 80 || s.Totals().Errors.Load() != 0 {
		t.Errorf("%d requests more than reads, %d errors; want about 40, and none", extra, s.Totals().Errors.Load())
	}
}

// TestHedgeCutsTheTail measures what hedging is for: a store whose slowest reads
// are eight times as slow as the usual ones. The times are told, not asserted.
func TestHedgeCutsTheTail(t *testing.T) {
	gw := s3gateway.Start(t)
	gw.Bucket(t, "slides")
	lag := startLag(t, gw, "-ttfb", "lognormal:p50=25ms,p99=200ms", "-seed", "7")
	o, _ := slideOf(t, objectstore.New(through(t, gw, gw.Endpoint, "slides")))
	for _, after := range []string{"", "p95"} {
		s := objectstore.New(objectstore.Standard(through(t, gw, lag, "slides"),
			objectstore.Config{Concurrency: 64, HedgeAfter: after}))
		const readers, reads = 12, 960
		times := make([]time.Duration, reads)
		control(t, http.MethodPost, lag+"/__reset")
		var group sync.WaitGroup
		for reader := range readers {
			group.Go(func() {
				for i := reader; i < reads; i += readers {
					begun := time.Now()
					r := source.Range{Offset: int64(i) * 4000, Length: 18 << 10}
					if _, err := s.ReadRanges(t.Context(), o.Key, o.ETag, []source.Range{r}); err != nil {
						t.Error(err)
					}
					times[i] = time.Since(begun)
				}
			})
		}
		group.Wait()
		slices.Sort(times)
		requests := lagRequests(t, lag)
		// The proxy counts a request when its body has gone, which may be after it was read.
		for deadline := time.Now().Add(20 * time.Second); requests < reads && time.Now().Before(deadline); requests = lagRequests(t, lag) {
			time.Sleep(time.Millisecond)
		}
		t.Logf("hedge %q: p50 %s, p95 %s, p99 %s, %d requests for %d reads", after,
			times[reads/2].Round(time.Millisecond), times[reads*95/100].Round(time.Millisecond),
			times[reads*99/100].Round(time.Millisecond), requests, reads)
		if extra := requests - reads; after == "" && extra != 0 || extra > reads/20+8 {
			t.Errorf("hedge %q: %d requests more than reads", after, extra)
		}
	}
}

func lagRequests(t *testing.T, lag string) int {
	t.Helper()
	var stats struct {
		Requests int `json:"requests"`
	}
	if err := json.Unmarshal([]byte(control(t, http.MethodGet, lag+"/__stats")), &stats); err != nil {
		t.Fatal(err)
	}
	return stats.Requests
}
