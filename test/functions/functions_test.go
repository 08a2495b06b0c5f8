// Package functions_test runs the real Lambda functions over a real S3 server:
// a slide is put into a bucket, the event invokes the import function, and the
// other functions answer for it.
package functions_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/lambdaadapter/runtimetest"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/test/s3gateway"
)

func TestMain(m *testing.M) { s3gateway.Main(m) }

// cloud is the two buckets and the three functions.
type cloud struct {
	gateway         *s3gateway.Gateway
	uploads         *objectstore.Store
	imports         *runtimetest.Function
	viewed          *runtimetest.Function // the function behind tiles
	tiles, metadata string                // URLs of the fronts

	environ []string          // of every function
	binary  map[string]string // of the functions by name
}

func start(t *testing.T) *cloud {
	t.Helper()
	gw := s3gateway.Start(t)
	gw.Bucket(t, "incoming")
	gw.Bucket(t, "slides")
	c := &cloud{gateway: gw, binary: map[string]string{}}
	c.environ = append(gw.Env(), "STORE_URL=s3://slides/prod", "UPLOADS_URL=s3://incoming/in", "LOG_FORMAT=json",
		"QUEUE_URL=http://sqs.invalid/000000000000/imports")
	for _, name := range []string{"tiles", "metadata", "import"} {
		c.binary[name] = runtimetest.Build(t, testfiles.Root(t), "./functions/"+name)
	}
	c.uploads = gw.Store(t, "incoming", "in/")
	c.imports = c.run(t, "import")
	c.viewed = c.run(t, "tiles", "LAMBDA_RESPONSE=stream")
	c.tiles = front(t, &runtimetest.Front{Function: c.viewed})                               // a function URL
	c.metadata = front(t, &runtimetest.Front{Function: c.run(t, "metadata"), Stage: "prod"}) // API Gateway with a stage
	return c
}

// run starts a process of a function.
func (c *cloud) run(t *testing.T, name string, more ...string) *runtimetest.Function {
	t.Helper()
	return runtimetest.Start(t, c.binary[name], slices.Concat(c.environ, more)...)
}

// front gives the front's URL.
func front(t *testing.T, f *runtimetest.Front) string {
	t.Helper()
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return server.URL
}

// put stores a file as an upload, and gives the notification of S3 about it.
func (c *cloud) put(t testing.TB, path, key string) (event string) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.uploads.Put(t.Context(), key, file, info.Size(), objectstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	escaped := strings.NewReplacer(" ", "+", "+", "%2B").Replace("in/" + key)
	return fmt.Sprintf(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:Put",
		"s3":{"bucket":{"name":"incoming"},"object":{"key":%q,"size":%d,"eTag":%q,"sequencer":"00"}}}]}`, escaped, o.Size, o.ETag)
}

type report struct {
	ID, Path, State, Format string
	Error                   *struct{ Code string }
}

// direct invokes the import function with one event and gives the report.
func (c *cloud) direct(t testing.TB, event string) report {
	t.Helper()
	out, err := c.imports.InvokeJSON(t.Context(), []byte(event))
	if err != nil {
		t.Fatal(err)
	}
	var outcome struct{ Reports []report }
	if err := json.Unmarshal(out, &outcome); err != nil || len(outcome.Reports) != 1 {
		t.Fatalf("%v: %s", err, out)
	}
	return outcome.Reports[0]
}

func get(t *testing.T, url string, header ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp, body
}

func TestASlideInABucketIsSeen(t *testing.T) {
	c := start(t)
	t.Run("own SVS", func(t *testing.T) { c.see(t, ownSVS(t)) })
	t.Run("real SVS", func(t *testing.T) { c.see(t, testfiles.Shared(t, "svs/CMU-1-Small-Region.svs")) })
	t.Run("not a slide", func(t *testing.T) { c.refuse(t) })
}

func ownSVS(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(testfiles.Root(t), "testdata", "svs", "*.svs"))
	if err != nil || len(found) == 0 {
		t.Fatalf("no SVS in testdata/svs (make fixtures writes them): %v", err)
	}
	return found[0]
}

// see imports the slide by an SQS batch with a duplicate, and looks at it.
func (c *cloud) see(t *testing.T, path string) {
	event := c.put(t, path, "ward 7/"+filepath.Base(path))
	out, err := c.imports.InvokeJSON(t.Context(), runtimetest.SQSEvent(`{"Event":"s3:TestEvent"}`, event, "no event", event))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(out), `{"batchItemFailures":[{"itemIdentifier":"message-2"}]}`; got != want {
		t.Fatalf("the batch ends with %s, want %s", got, want)
	}
	// The same event once more, directly: the import is done, and its report
	// says where the slide is.
	r := c.direct(t, event)
	if r.State != "done" || r.Format == "" {
		t.Fatalf("report %+v", r)
	}

	resp, body := get(t, c.metadata+"/image/"+r.Path+"/info")
	var info struct{ Image struct{ Width, Height int } }
	if err := json.Unmarshal(body, &info); err != nil || resp.StatusCode != 200 || info.Image.Width < 1 || info.Image.Height < 1 {
		t.Fatalf("info: status %d, %v: %s", resp.StatusCode, err, body)
	}

	tile := c.tiles + "/image/" + r.Path + "/tile/level/0/tx/0/ty/0"
	resp, first := get(t, tile, "Accept", "image/jpeg")
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "image/jpeg" {
		t.Fatalf("tile: status %d, %v: %.300s", resp.StatusCode, resp.Header, first)
	}
	picture, err := jpeg.Decode(bytes.NewReader(first))
	if err != nil || picture.Bounds().Empty() {
		t.Fatalf("the tile is no JPEG: %v", err)
	}
	etag := resp.Header.Get("ETag")
	resp, body = get(t, tile, "Accept", "image/jpeg", "If-None-Match", etag)
	if etag == "" || resp.StatusCode != http.StatusNotModified || len(body) != 0 {
		t.Errorf("with If-None-Match %q: status %d, %d bytes", etag, resp.StatusCode, len(body))
	}
	if resp, _ := get(t, c.tiles+"/image/"+r.Path+"/tile/level/0/tx/9999/ty/0", "Accept", "image/jpeg"); resp.StatusCode != 400 {
		t.Errorf("a tile beyond the slide: status %d, want 400", resp.StatusCode)
	}
}

// refuse imports what is no slide: the report says so, and the upload stays.
func (c *cloud) refuse(t *testing.T) {
	path := filepath.Join(t.TempDir(), "letter+1.svs")
	if err := os.WriteFile(path, []byte("Dear doctor,"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := c.direct(t, c.put(t, path, "letter+1.svs"))
	if r.State != "failed" || r.Error == nil || r.Error.Code != "no-matching-format" {
		t.Errorf("report %+v", r)
	}
	if _, err := c.uploads.Stat(t.Context(), "letter+1.svs"); err != nil {
		t.Errorf("the upload is gone: %v", err)
	}
}

// TestALargeReplyIsFetchedFromTheBucket: what a function cannot return in whole is
// where it says, for who has the address.
func TestALargeReplyIsFetchedFromTheBucket(t *testing.T) {
	c := start(t)
	slide, err := os.ReadFile(ownSVS(t))
	if err != nil {
		t.Fatal(err)
	}
	slide = append(slide, make([]byte, 7<<20)...) // what follows a TIFF's last structure means nothing
	path := filepath.Join(t.TempDir(), "large.svs")
	if err := os.WriteFile(path, slide, 0o600); err != nil {
		t.Fatal(err)
	}
	r := c.direct(t, c.put(t, path, "large.svs"))
	resp, body := get(t, c.metadata+"/image/"+r.Path+"/export")
	if resp.StatusCode != http.StatusOK || !bytes.Equal(body, slide) {
		t.Fatalf("the export: status %d, %d bytes, want the %d of the slide: %.300s", resp.StatusCode, len(body), len(slide), body[:min(len(body), 300)])
	}
	first := resp.Request.Response // that the client followed
	if first == nil || first.StatusCode != http.StatusSeeOther || first.Header.Get("Cache-Control") != "no-store" ||
		!strings.Contains(resp.Request.URL.Path, "/prod/results/") || resp.Request.URL.Query().Get("X-Amz-Expires") != "900" {
		t.Fatalf("the bytes came from %s after %+v; want an address below results/ that holds for 15 minutes, by a 303", resp.Request.URL, first)
	}
	if got := resp.Header.Get("Content-Disposition"); !strings.Contains(got, "large.svs") {
		t.Errorf("the bucket's answer has Content-Disposition %q", got)
	}
	// Where clients have another address of the bucket, they are sent there.
	public := c.gateway.Public(t)
	outside := front(t, &runtimetest.Front{Function: c.run(t, "metadata", "S3_PUBLIC_ENDPOINT="+public.URL)})
	resp, body = get(t, outside+"/image/"+r.Path+"/export")
	if resp.StatusCode != http.StatusOK || !bytes.Equal(body, slide) || "http://"+resp.Request.URL.Host != public.URL || public.Requests.Load() != 1 {
		t.Errorf("the export: status %d, %d bytes from %s by %d requests, want the slide from %s by one", resp.StatusCode, len(body), resp.Request.URL.Host, public.Requests.Load(), public.URL)
	}
}
