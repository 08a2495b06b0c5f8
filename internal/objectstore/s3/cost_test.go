package s3

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/pims-cloud/pims/source"
)

// tileBytes is a 256-pixel JPEG tile's usual size.
const tileBytes = 18 << 10

// tileRange is read by everything that is measured here.
var tileRange = source.Range{Offset: 1 << 20, Length: tileBytes}

// tileServer answers every request with one range.
func tileServer() http.Handler {
	body := make([]byte, tileBytes)
	contentRange := fmt.Sprintf("bytes %d-%d/%d", tileRange.Offset, tileRange.End()-1, 1<<30)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		h := w.Header()
		h["Etag"], h["Content-Range"], h["Content-Length"] = []string{`"e"`}, []string{contentRange}, []string{strconv.Itoa(tileBytes)}
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(body)
	})
}

var fixed = credentials.NewStaticCredentialsProvider("key", "secret", "")

func driverOn(t testing.TB, endpoint string) *driver {
	t.Helper()
	d, err := New(aws.Config{BaseEndpoint: &endpoint, Credentials: fixed}, Config{Bucket: "bucket", PathStyle: true})
	if err != nil {
		t.Fatal(err)
	}
	return d.(*driver)
}

// TestRangeReadAllocatesLittle counts client and server together, since they
// share this process: the server's share is measured with net/http alone.
func TestRangeReadAllocatesLittle(t *testing.T) {
	server := httptest.NewServer(tileServer())
	defer server.Close()
	d := driverOn(t, server.URL)
	ranges := []source.Range{tileRange}
	allocations := func(read func()) float64 {
		read() // the connection and the signature are made once
		return testing.AllocsPerRun(200, read)
	}
	ours := allocations(func() {
		if _, err := d.ReadRanges(t.Context(), "k", "e", ranges); err != nil {
			t.Fatal(err)
		}
	})
	bare := allocations(func() { plainGet(t.Context(), t, d.signer.transport, server.URL+"/bucket/k") })
	d.signer = nil
	sdk := allocations(func() {
		if _, err := d.ReadRanges(t.Context(), "k", "e", ranges); err != nil {
			t.Fatal(err)
		}
	})
	t.Logf("allocations a read, client and server: %.0f, net/http alone %.0f, SDK %.0f", ours, bare, sdk)
	if ours > bare+15 {
		t.Errorf("a range read makes %.0f allocations, net/http alone %.0f: more than 15 of our own", ours, bare)
	}
}

// plainGet is the least that net/http can do for a tile.
func plainGet(ctx context.Context, t testing.TB, transport http.RoundTripper, address string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header["Range"] = []string{rangeHeader(tileRange)}
	readAnswer(t, transport, request)
}

func readAnswer(t testing.TB, transport http.RoundTripper, request *http.Request) {
	reply, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if _, err := io.ReadFull(reply.Body, make([]byte, tileBytes)); err != nil || reply.StatusCode != http.StatusPartialContent {
		t.Fatalf("status %d, %v", reply.StatusCode, err)
	}
}

// signedGet signs every request with the SDK's signer.
func signedGet(ctx context.Context, t testing.TB, transport http.RoundTripper, signer *v4.Signer, address string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header["Range"] = []string{rangeHeader(tileRange)}
	request.Header["If-Match"] = []string{`"e"`}
	request.Header["X-Amz-Content-Sha256"] = []string{"UNSIGNED-PAYLOAD"}
	by, err := fixed.Retrieve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := signer.SignHTTP(ctx, by, request, "UNSIGNED-PAYLOAD", "s3", "us-east-1", time.Now()); err != nil {
		t.Fatal(err)
	}
	readAnswer(t, transport, request)
}

// BenchmarkRangeRead tells what one tile from S3 costs this process, in CPU
// time: the server is another one.
func BenchmarkRangeRead(b *testing.B) {
	endpoint := startTileServer(b)
	d := driverOn(b, endpoint)
	address, ranges := endpoint+"/bucket/k", []source.Range{tileRange}
	driverRead := func(d *driver) func() {
		return func() {
			if _, err := d.ReadRanges(b.Context(), "k", "e", ranges); err != nil {
				b.Fatal(err)
			}
		}
	}
	bySDK := driverOn(b, endpoint)
	bySDK.signer = nil
	each := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	for _, way := range []struct {
		name string
		read func()
	}{
		{"nethttp", func() { plainGet(b.Context(), b, d.signer.transport, address) }},
		{"presigned", driverRead(d)},
		{"signer", func() { signedGet(b.Context(), b, d.signer.transport, each, address) }},
		{"sdk", driverRead(bySDK)},
	} {
		b.Run(way.name, func(b *testing.B) {
			way.read()
			b.ReportAllocs()
			before := cpuTime(b)
			for b.Loop() {
				way.read()
			}
			b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(b.N), "cpu-µs/op")
		})
	}
}

func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// serverVariable makes this test binary the server.
const serverVariable = "PIMS_TEST_TILE_SERVER"

func TestMain(m *testing.M) {
	if os.Getenv(serverVariable) == "" {
		os.Exit(m.Run())
	}
	server := httptest.NewServer(tileServer())
	fmt.Println(server.URL)
	_, _ = io.Copy(io.Discard, os.Stdin) // it ends with the test
	os.Exit(0)
}

func startTileServer(b *testing.B) string {
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), serverVariable+"=1")
	life, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	said, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		life.Close()
		_ = cmd.Wait()
	})
	line, err := bufio.NewReader(said).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(line)
}
