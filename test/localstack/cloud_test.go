// Package localstack_test runs the program on LocalStack as it runs on AWS: real
// function binaries, S3's notifications, SQS, the event source mapping and
// function URLs. `make test-localstack` starts LocalStack for it; LOCALSTACK_ENDPOINT
// names one that runs already.
package localstack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/connect"
	"github.com/pims-cloud/pims/internal/testfiles"
)

const region = "us-east-1"

// patience bounds every wait. LocalStack on a busy machine is slow; a test that
// passes never waits for so long.
const patience = 5 * time.Minute

// settings is what of infra/settings.json these tests compare and use.
type settings struct {
	Name    string
	Storage struct {
		Uploads struct {
			Bucket, Prefix, Suffix string
			Events                 []string
		}
		Slides struct{ Bucket, Prefix string }
	}
	Queues    map[string]queueSettings
	Functions map[string]functionSettings
}

type queueSettings struct {
	Name           string
	DeadLetterName string `json:"dead_letter_name"`
	Visibility     int    `json:"visibility_seconds"`
	MaxReceive     int    `json:"max_receive_count"`
	Retention      int    `json:"retention_seconds"`
}

type functionSettings struct {
	Memory      int `json:"memory_mb"`
	Timeout     int `json:"timeout_seconds"`
	Ephemeral   int `json:"ephemeral_mb"`
	Queue       string
	BatchSize   int `json:"batch_size"`
	Window      int `json:"batching_window_seconds"`
	Concurrency int `json:"maximum_concurrency"`
	Environment map[string]string
}

// cloud is a provisioned LocalStack.
type cloud struct {
	endpoint        *url.URL
	settings        settings
	uploads, slides *objectstore.Store
	sqs             *sqs.Client
	s3              *s3.Client
}

// connectTo skips the test when there is no LocalStack.
func connectTo(t *testing.T) *cloud {
	t.Helper()
	endpoint := os.Getenv("LOCALSTACK_ENDPOINT")
	if endpoint == "" {
		t.Skip("LOCALSTACK_ENDPOINT is not set; make test-localstack starts a LocalStack and sets it")
	}
	c := &cloud{}
	var err error
	if c.endpoint, err = url.Parse(endpoint); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(testfiles.Root(t), "infra", "settings.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &c.settings); err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": region,
		"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_SESSION_TOKEN": "", "AWS_PROFILE": "",
		"AWS_EC2_METADATA_DISABLED": "true"} {
		t.Setenv(name, value)
	}
	storage := c.settings.Storage
	c.uploads = c.store(t, storage.Uploads.Bucket, storage.Uploads.Prefix)
	c.slides = c.store(t, storage.Slides.Bucket, storage.Slides.Prefix)
	anybody := credentials.NewStaticCredentialsProvider("test", "test", "")
	c.sqs = sqs.New(sqs.Options{Region: region, BaseEndpoint: aws.String(endpoint), Credentials: anybody})
	c.s3 = s3.New(s3.Options{Region: region, BaseEndpoint: aws.String(endpoint), Credentials: anybody, UsePathStyle: true})
	return c
}

// name is that of a thing made by the provisioning.
func (c *cloud) name(of string) string { return c.settings.Name + "-" + of }

func (c *cloud) store(t *testing.T, bucket, prefix string) *objectstore.Store {
	t.Helper()
	s, err := connect.Open(t.Context(), "s3://"+c.name(bucket)+"/"+prefix,
		objectstore.Config{S3PathStyle: true, Concurrency: 16, Attempts: 4, RetryBase: 50 * time.Millisecond, RetryMax: 2 * time.Second, AnswerTimeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// put puts a file among the uploads, of which the import queue is told, and gives
// the job of its import.
func (c *cloud) put(t *testing.T, path, key string) importer.Job {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.uploads.Put(t.Context(), key, bytes.NewReader(text), int64(len(text)), objectstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return importer.NewJob(importer.Upload{Bucket: c.uploads.URL(), Key: key, ETag: o.ETag, Size: o.Size}, "", false)
}

// report reads how far an import is; nil when it has not begun. LocalStack may
// give half of an object that is being replaced, which S3 never does: nil, too.
func (c *cloud) report(t *testing.T, job importer.Job) *importer.Report {
	t.Helper()
	text, _, err := c.slides.Get(t.Context(), string(job.ID)+"/processed/import.json", 1<<20)
	if err != nil {
		return nil // which is told when the wait for it is over
	}
	var r importer.Report
	if err := json.Unmarshal(text, &r); err != nil {
		return nil
	}
	return &r
}

// final waits until the import has ended.
func (c *cloud) final(t *testing.T, job importer.Job) *importer.Report {
	t.Helper()
	var r *importer.Report
	wait(t, "the import of "+job.Upload.Key, func() bool {
		r = c.report(t, job)
		return r != nil && r.State.Final()
	})
	return r
}

// get asks a function by its URL. The host name need not resolve: it is told in
// the request.
func (c *cloud) get(t *testing.T, function, path string, header ...string) (*http.Response, []byte) {
	t.Helper()
	return c.ask(t.Context(), t, function, path, header...)
}

// ask is get with a context of its own.
func (c *cloud) ask(ctx context.Context, t *testing.T, function, path string, header ...string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, c.endpoint.String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = c.host(function)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return do(t, r)
}

// host is that of a function's URL.
func (c *cloud) host(function string) string {
	return c.name(function) + ".lambda-url." + region + ".localhost:" + c.endpoint.Port()
}

// lambda asks LocalStack's Lambda API, which wants a signature but does not check it.
func (c *cloud) lambda(t *testing.T, path string, into any) {
	t.Helper()
	c.callLambda(t.Context(), t, http.MethodGet, path, nil, into)
}

// callLambda sends a request with a body of JSON.
func (c *cloud) callLambda(ctx context.Context, t *testing.T, method, path string, body []byte, into any) {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, c.endpoint.String()+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=test/20200101/"+region+"/lambda/aws4_request, SignedHeaders=host, Signature=none")
	resp, answer := do(t, r)
	if err := json.Unmarshal(answer, into); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: status %d, %v: %.300s", path, resp.StatusCode, err, answer)
	}
}

func do(t *testing.T, r *http.Request) (*http.Response, []byte) {
	t.Helper()
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

func (c *cloud) queueURL(name string) string {
	return c.endpoint.String() + "/queue/" + region + "/000000000000/" + c.name(name)
}

// attributes reads all attributes of a queue.
func (c *cloud) attributes(t *testing.T, name string) map[string]string {
	t.Helper()
	out, err := c.sqs.GetQueueAttributes(t.Context(), &sqs.GetQueueAttributesInput{
		QueueUrl: aws.String(c.queueURL(name)), AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		t.Fatal(err)
	}
	return out.Attributes
}

// redeliver makes messages of the import queue that were not worked off come
// again after so many seconds, and at most so often, until the test ends: by the
// settings that is half an hour.
func (c *cloud) redeliver(t *testing.T, seconds, atMost int) {
	t.Helper()
	q := c.settings.Queues["import"]
	policy := c.attributes(t, q.Name)["RedrivePolicy"]
	var redrive map[string]any
	if err := json.Unmarshal([]byte(policy), &redrive); err != nil {
		t.Fatalf("%v: the redrive policy is %q", err, policy)
	}
	redrive["maxReceiveCount"] = atMost
	changed, err := json.Marshal(redrive)
	if err != nil {
		t.Fatal(err)
	}
	set := func(ctx context.Context, seconds int, policy string) error {
		_, err := c.sqs.SetQueueAttributes(ctx, &sqs.SetQueueAttributesInput{QueueUrl: aws.String(c.queueURL(q.Name)),
			Attributes: map[string]string{"VisibilityTimeout": strconv.Itoa(seconds), "RedrivePolicy": policy}})
		return err
	}
	if err := set(t.Context(), seconds, string(changed)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := set(context.Background(), q.Visibility, policy); err != nil {
			t.Errorf("the queue keeps the test's settings: %v", err)
		}
	})
}

// quiet waits until the import queue has neither waiting messages nor such as
// are worked on.
func (c *cloud) quiet(t *testing.T) {
	t.Helper()
	wait(t, "the import queue to be empty", func() bool {
		a := c.attributes(t, c.settings.Queues["import"].Name)
		return a["ApproximateNumberOfMessages"] == "0" && a["ApproximateNumberOfMessagesNotVisible"] == "0"
	})
}

// empty removes all messages of a queue.
func (c *cloud) empty(t *testing.T, name string) {
	t.Helper()
	if _, err := c.sqs.PurgeQueue(t.Context(), &sqs.PurgeQueueInput{QueueUrl: aws.String(c.queueURL(name))}); err != nil {
		t.Fatal(err)
	}
}

// send puts message bodies into the import queue at once.
func (c *cloud) send(t *testing.T, bodies ...string) {
	t.Helper()
	in := &sqs.SendMessageBatchInput{QueueUrl: aws.String(c.queueURL(c.settings.Queues["import"].Name))}
	for i, body := range bodies {
		in.Entries = append(in.Entries, types.SendMessageBatchRequestEntry{
			Id: aws.String(string(rune('a' + i))), MessageBody: aws.String(body)})
	}
	if out, err := c.sqs.SendMessageBatch(t.Context(), in); err != nil || len(out.Failed) > 0 {
		t.Fatal(err, out)
	}
}

// event is S3's notification about an upload.
func (c *cloud) event(job importer.Job) string {
	text, _ := json.Marshal(map[string]any{"Records": []any{map[string]any{ // strings always have a JSON form
		"eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
		"s3": map[string]any{
			"bucket": map[string]any{"name": c.name(c.settings.Storage.Uploads.Bucket)},
			"object": map[string]any{"key": c.settings.Storage.Uploads.Prefix + strings.ReplaceAll(url.PathEscape(job.Upload.Key), "%2F", "/"),
				"size": job.Upload.Size, "eTag": job.Upload.ETag},
		}}}})
	return string(text)
}

// wait polls until done, at most for patience.
func wait(t *testing.T, what string, done func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
		if done() {
			tick.Stop()
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("waited %v for %s", patience, what)
		}
	}
}
