package cloud_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/pims-cloud/pims/internal/lambdaadapter/runtimetest"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/queue/queuetest"
	"github.com/pims-cloud/pims/internal/queue/sqs"
	"github.com/pims-cloud/pims/internal/queue/sqs/sqstest"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/test/s3gateway"
)

// world is buckets, queues and functions.
type world struct {
	gateway *s3gateway.Gateway
	server  *sqstest.Server
	uploads *objectstore.Store

	imports     *eventSource
	importWires []*wire
	tiles       *runtimetest.Environment
	tilesWire   *wire

	tilesURL, metadataURL string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{gateway: s3gateway.Start(t)}
	w.gateway.Bucket(t, "incoming")
	w.gateway.Bucket(t, "slides")
	w.uploads = w.gateway.Store(t, "incoming", "in/")
	clock := queuetest.NewClock()
	w.server = sqstest.Start(t, clock)
	w.server.Create("dead", nil)
	queueURL := w.server.Create("imports", map[string]string{
		"RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:eu-west-1:000000000000:dead","maxReceiveCount":1000}`,
	})
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"} {
		t.Setenv(name, "test") // of the test's own client of the queue
	}
	q, err := sqs.Open(t.Context(), queueURL, sqs.Config{Visibility: 30 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}

	binaries := map[string]string{}
	for _, name := range []string{"import", "tiles", "metadata"} {
		binaries[name] = runtimetest.Build(t, testfiles.Root(t), "./functions/"+name)
	}
	// Every environment has a wire of its own.
	keep := func(name string, more ...string) (*runtimetest.Environment, *wire) {
		wire := lay(t, w.gateway.Endpoint)
		environ := slices.Concat(w.gateway.Env(), []string{
			"AWS_ENDPOINT_URL_S3=" + wire.URL, "STORE_URL=s3://slides/prod", "UPLOADS_URL=s3://incoming/in",
			"QUEUE_URL=" + queueURL, "IMPORT_LEASE=5s", "LOG_FORMAT=json",
		}, more)
		return runtimetest.Keep(t, binaries[name], environ...), wire
	}
	w.imports = &eventSource{queue: q, clock: clock}
	for range 2 {
		e, wire := keep("import")
		w.imports.environments, w.importWires = append(w.imports.environments, e), append(w.importWires, wire)
	}
	w.tiles, w.tilesWire = keep("tiles", "LAMBDA_RESPONSE=stream")
	metadata, _ := keep("metadata")
	front := func(e *runtimetest.Environment) string {
		server := httptest.NewServer(&runtimetest.Front{Function: e})
		t.Cleanup(server.Close)
		return server.URL
	}
	w.tilesURL, w.metadataURL = front(w.tiles), front(metadata)
	return w
}

// upload is a file that was sent, and what the bucket says of it.
type upload struct {
	name, id, path string
	event          string
}

// uploadAll sends the slides at the same time, each in parts straight to the
// bucket; the last one has several.
func (w *world) uploadAll(t *testing.T) []upload {
	t.Helper()
	slide, err := os.ReadFile(testfiles.Own(t, "svs/ycbcr-256.svs"))
	if err != nil {
		t.Fatal(err)
	}
	sent := make([]upload, slides)
	var group sync.WaitGroup
	for i := range sent {
		// What follows a TIFF's last structure means nothing.
		data := append(slices.Clone(slide), byte(i))
		if i == slides-1 {
			data = append(data, make([]byte, 9<<20)...)
		}
		group.Go(func() { sent[i] = w.upload(t, fmt.Sprintf("slide-%02d.svs", i), data) })
	}
	group.Wait()
	if t.Failed() {
		t.FailNow()
	}
	return sent
}

// upload sends one file; failures are told, and end only this upload.
func (w *world) upload(t *testing.T, name string, data []byte) upload {
	type part struct {
		Number  int               `json:"number"`
		Size    int64             `json:"size,omitempty"`
		ETag    string            `json:"etag,omitempty"`
		URL     string            `json:"url,omitempty"`
		Headers map[string]string `json:"headers,omitempty"`
	}
	var begun struct {
		ID, Key  string
		PartSize int64
		Parts    []part
	}
	if !w.call(t, "/uploads", map[string]any{"name": name, "size": len(data)}, &begun) {
		return upload{}
	}
	var done struct {
		Parts []part `json:"parts"`
	}
	for _, p := range begun.Parts {
		from := int64(p.Number-1) * begun.PartSize
		etag, err := put(t, p.URL, p.Headers, data[from:from+p.Size])
		if err != nil {
			t.Errorf("part %d of %s: %v", p.Number, name, err)
			return upload{}
		}
		done.Parts = append(done.Parts, part{Number: p.Number, ETag: etag})
	}
	var file struct{ ID, Path string }
	if !w.call(t, "/uploads/"+begun.ID+"/complete", done, &file) {
		return upload{}
	}
	o, err := w.uploads.Stat(t.Context(), begun.Key)
	if err != nil {
		t.Error(err)
		return upload{}
	}
	event := fmt.Sprintf(`{"Records":[{"eventSource":"aws:s3","eventName":"ObjectCreated:CompleteMultipartUpload",
		"s3":{"bucket":{"name":"incoming"},"object":{"key":%q,"size":%d,"eTag":%q}}}]}`, "in/"+o.Key, o.Size, o.ETag)
	return upload{name: name, id: file.ID, path: file.Path, event: event}
}

func put(t *testing.T, address string, headers map[string]string, data []byte) (etag string, err error) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, address, bytes.NewReader(data))
	if err != nil {
		return "", err
	}
	for name, value := range headers {
		r.Header.Set(name, value)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer reply.Body.Close()
	if reply.StatusCode != http.StatusOK {
		return "", fmt.Errorf("status %d", reply.StatusCode)
	}
	return reply.Header.Get("ETag"), nil
}

// call posts JSON to the metadata function.
func (w *world) call(t *testing.T, path string, in, out any) bool {
	body, err := json.Marshal(in)
	if err != nil {
		t.Error(err)
		return false
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.metadataURL+path, bytes.NewReader(body))
	if err != nil {
		t.Error(err)
		return false
	}
	r.Header.Set("Content-Type", "application/json")
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Error(err)
		return false
	}
	defer reply.Body.Close()
	answer, err := io.ReadAll(reply.Body)
	if err == nil && reply.StatusCode < 300 {
		err = json.Unmarshal(answer, out)
	}
	if err != nil || reply.StatusCode >= 300 {
		t.Errorf("POST %.60s: status %d, %v: %.300s", path, reply.StatusCode, err, answer)
		return false
	}
	return true
}

func (w *world) get(t *testing.T, address string) (status int, body []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	reply, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if body, err = io.ReadAll(reply.Body); err != nil {
		t.Fatal(err)
	}
	return reply.StatusCode, body
}

// keys lists a bucket.
func (w *world) keys(t *testing.T, bucket string) (keys []string) {
	t.Helper()
	pages := s3.NewListObjectsV2Paginator(w.gateway.Client(), &s3.ListObjectsV2Input{Bucket: &bucket})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range page.Contents {
			keys = append(keys, aws.ToString(o.Key))
		}
	}
	return keys
}
