package lambdaadapter_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/lambdaadapter"
	"github.com/pims-cloud/pims/internal/lambdaadapter/runtimetest"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
)

// bucket is a memory store that says that it is a prefix of a bucket.
type bucket struct {
	objectstore.Driver
	url  string
	down bool   // every question fails
	asks func() // called before each question is answered, when not nil
}

func (b *bucket) URL() string { return b.url }

func (b *bucket) Stat(ctx context.Context, key string) (objectstore.Object, error) {
	if b.asks != nil {
		b.asks()
	}
	if b.down {
		return objectstore.Object{}, fault.New(fault.Busy, "store-down", "The store is told to be down.")
	}
	return b.Driver.Stat(ctx, key)
}

// world is a real importer over stores in memory. No format is registered: an
// import that begins ends with the report that nobody knows the file, which
// tells under which key it was looked for.
type world struct {
	uploads  *bucket
	store    *objectstore.Store
	importer *importer.Importer
	events   *lambdaadapter.Events
	imports  *lambdaadapter.Imports
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{uploads: &bucket{Driver: memory.New(), url: "s3://incoming/in"}}
	w.store = objectstore.New(w.uploads)
	var err error
	w.importer, err = importer.New(importer.Deps{
		Registry: formats.NewRegistry(nil, formats.ResolutionOrder{}),
		Slides:   objectstore.New(memory.New()), Uploads: w.store, Creator: "test",
	})
	if err != nil {
		t.Fatal(err)
	}
	if w.events, err = lambdaadapter.NewEvents(w.store, w.importer, nil); err != nil {
		t.Fatal(err)
	}
	if w.imports, err = lambdaadapter.NewImports(w.importer, w.store, 3, time.Minute, nil); err != nil {
		t.Fatal(err)
	}
	return w
}

// put stores an upload and gives its ETag.
func (w *world) put(t *testing.T, key string) string {
	t.Helper()
	o, err := w.store.Put(t.Context(), key, strings.NewReader("not a slide"), 11, objectstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return o.ETag
}

// notification is what S3 sends; key stands in it as given.
func notification(event, bucket, key, etag string) string {
	return fmt.Sprintf(`{"Records":[{"eventVersion":"2.1","eventSource":"aws:s3","eventName":%q,"s3":{"s3SchemaVersion":"1.0",
		"bucket":{"name":%q},"object":{"key":%q,"size":11,"eTag":%q,"versionId":"v1","sequencer":"0055AED6DCD90281E5"}}}]}`, event, bucket, key, etag)
}

func inSNS(message string) string {
	text, _ := json.Marshal(message)
	return fmt.Sprintf(`{"Type":"Notification","MessageId":"m","TopicArn":"arn","Message":%s,"Timestamp":"2024-01-01T00:00:00Z"}`, text)
}

func eventBridge(kind, bucket, key, etag string) string {
	return fmt.Sprintf(`{"version":"0","source":"aws.s3","detail-type":%q,"detail":{"bucket":{"name":%q},
		"object":{"key":%q,"size":11,"etag":%q,"version-id":"v1","sequencer":"00"},"reason":"PutObject"}}`, kind, bucket, key, etag)
}

func TestEveryShapeOfAnEventGivesTheSameJob(t *testing.T) {
	w := newWorld(t)
	const key = "ward 7/a+b 100%.svs"
	etag := w.put(t, key)
	escaped := strings.ReplaceAll(url.QueryEscape("in/"+key), "%2F", "/")
	want := importer.NewJob(importer.Upload{Bucket: "s3://incoming/in", Key: key, ETag: etag, Size: 11}, "", false)

	s3 := notification("ObjectCreated:Put", "incoming", escaped, etag)
	for name, body := range map[string]string{
		"notification":             s3,
		"multipart":                notification("ObjectCreated:CompleteMultipartUpload", "incoming", escaped, etag),
		"other servers' name":      notification("s3:ObjectCreated:Put", "incoming", escaped, `"`+etag+`"`),
		"slashes escaped":          notification("ObjectCreated:Copy", "incoming", url.QueryEscape("in/"+key), etag),
		"key not escaped":          notification("ObjectCreated:Put", "incoming", "in/"+key, etag),
		"without ETag":             notification("ObjectCreated:Put", "incoming", escaped, ""),
		"in SNS":                   inSNS(s3),
		"SNS record":               fmt.Sprintf(`{"Records":[{"EventSource":"aws:sns","Sns":{"Message":%q}}]}`, s3),
		"EventBridge":              eventBridge("Object Created", "incoming", "in/"+key, etag),
		"EventBridge in SNS":       inSNS(eventBridge("Object Created", "incoming", "in/"+key, etag)),
		"job":                      string(want.Encode()),
		"twice in one":             strings.Replace(s3, `"Records":[`, `"Records":[`+strings.TrimSuffix(strings.TrimPrefix(s3, `{"Records":[`), `]}`)+",", 1),
		"beside a deleted one":     strings.Replace(notification("ObjectRemoved:Delete", "incoming", "in/x", ""), `]}`, ","+strings.TrimPrefix(s3, `{"Records":[`), 1),
		"with unknown members too": strings.Replace(s3, `{"Records"`, `{"later":{"x":[1]},"Records"`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := w.events.Jobs(t.Context(), []byte(body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]importer.Job{want}, got); diff != "" {
				t.Errorf("jobs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhatIsNoUploadGivesNothing(t *testing.T) {
	w := newWorld(t)
	for name, body := range map[string]string{
		"test event":         `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2024-01-01T00:00:00Z","Bucket":"incoming"}`,
		"test event in SNS":  inSNS(`{"Service":"Amazon S3","Event":"s3:TestEvent"}`),
		"deletion":           notification("ObjectRemoved:Delete", "incoming", "in/a.svs", ""),
		"lifecycle":          notification("LifecycleExpiration:Delete", "incoming", "in/a.svs", ""),
		"EventBridge delete": eventBridge("Object Deleted", "incoming", "in/a.svs", ""),
		"folder marker":      notification("ObjectCreated:Put", "incoming", "in/folder/", "e"),
		"outside the prefix": notification("ObjectCreated:Put", "incoming", "slides/a.svs", "e"),
		"prefix of a name":   notification("ObjectCreated:Put", "incoming", "inbox/a.svs", "e"),
		"the prefix itself":  notification("ObjectCreated:Put", "incoming", "in/", "e"),
		"our own object":     notification("ObjectCreated:Put", "incoming", "in/upload-6f6b7a2e-54a1-5d0b-9c5e-2b1f7c0a9d31/processed/slide.pims", "e"),
		"SNS confirmation":   `{"Type":"SubscriptionConfirmation","Token":"x","TopicArn":"arn"}`,
		"no records":         `{"Records":[]}`,
	} {
		t.Run(name, func(t *testing.T) {
			jobs, err := w.events.Jobs(t.Context(), []byte(body))
			if err != nil || len(jobs) != 0 {
				t.Errorf("got %v, %v", jobs, err)
			}
		})
	}
}

func TestUnknownEventsAreErrors(t *testing.T) {
	w := newWorld(t)
	nested := notification("ObjectCreated:Put", "incoming", "in/a.svs", "e")
	for range 8 {
		nested = inSNS(nested)
	}
	for name, body := range map[string]string{
		"not JSON": "hello", "empty object": `{}`, "list": `[1]`, "null": `null`, "number": `7`,
		"other service":  `{"Records":[{"eventSource":"aws:dynamodb"}]}`,
		"other bus":      `{"source":"aws.ec2","detail-type":"Instance Launch","detail":{}}`,
		"other bucket":   notification("ObjectCreated:Put", "elsewhere", "in/a.svs", "e"),
		"nested too far": nested,
		"forged job":     `{"id":"upload-6f6b7a2e-54a1-5d0b-9c5e-2b1f7c0a9d31","upload":{"bucket":"s3://incoming/in","key":"a","etag":"e"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			jobs, err := w.events.Jobs(t.Context(), []byte(body))
			if fault.KindOf(err) != fault.Invalid || len(jobs) != 0 {
				t.Errorf("got %v, %v; want kind invalid", jobs, err)
			}
		})
	}
}

func (w *world) invoke(t *testing.T, event []byte) (failed []string, err error) {
	t.Helper()
	out, err := w.imports.Invoke(t.Context(), event)
	if err != nil {
		return nil, err
	}
	var outcome struct {
		BatchItemFailures []struct{ ItemIdentifier string } `json:"batchItemFailures"`
		Reports           []importer.Report                 `json:"reports"`
	}
	if err := json.Unmarshal(out, &outcome); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, f := range outcome.BatchItemFailures {
		failed = append(failed, f.ItemIdentifier)
	}
	for _, r := range outcome.Reports {
		failed = append(failed, string(r.State))
	}
	return failed, nil
}

func TestOnlyWhatMayGoBetterIsDeliveredAgain(t *testing.T) {
	w := newWorld(t)
	etag := w.put(t, "a.svs")
	good := notification("ObjectCreated:Put", "incoming", "in/a.svs", etag)
	gone := notification("ObjectCreated:Put", "incoming", "in/gone.svs", "e")

	failed, err := w.invoke(t, runtimetest.SQSEvent(good, "hello", `{"Event":"s3:TestEvent"}`, good, gone))
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"message-1"}; !slices.Equal(failed, want) {
		t.Errorf("given back %v, want %v", failed, want)
	}
	job := importer.NewJob(importer.Upload{Bucket: "s3://incoming/in", Key: "a.svs", ETag: etag}, "", false)
	report, err := w.importer.Report(t.Context(), job.ID)
	if err != nil || report.State != importer.StateFailed || report.Attempt != 1 {
		t.Errorf("the import of an unknown file must be reported, once: %+v, %v", report, err)
	}
	if _, err := w.store.Stat(t.Context(), "a.svs"); err != nil {
		t.Errorf("the upload of a failed import must stay: %v", err)
	}
}

func TestAMessageCannotNameAFileOfTheMachine(t *testing.T) {
	w := newWorld(t)
	job := importer.NewJob(importer.Upload{Bucket: importer.BucketFile, Key: "/etc/passwd", ETag: "e"}, "", false)
	if _, err := w.invoke(t, job.Encode()); fault.KindOf(err) != fault.Denied {
		t.Errorf("got %v, want kind denied", err)
	}
}

func TestAStoreThatIsDownGivesTheMessageBackUntilItIsGivenUp(t *testing.T) {
	w := newWorld(t)
	etag := w.put(t, "a.svs")
	w.uploads.down = true
	body := notification("ObjectCreated:Put", "incoming", "in/a.svs", etag)

	failed, err := w.invoke(t, runtimetest.SQSEvent(body))
	if err != nil || !slices.Equal(failed, []string{"message-0"}) {
		t.Fatalf("given back %v, %v", failed, err)
	}
	if _, err := w.invoke(t, []byte(body)); fault.KindOf(err) != fault.Busy {
		t.Errorf("a direct event must fail so that the platform retries, got %v", err)
	}
	w.uploads.down = false
	if failed, err := w.invoke(t, []byte(body)); err != nil || !slices.Equal(failed, []string{"failed"}) {
		t.Errorf("after the store is back: reports %v, %v", failed, err)
	}
}

func FuzzEvents(f *testing.F) {
	f.Add(notification("ObjectCreated:Put", "incoming", "in/a%2Bb+c.svs", "e"))
	f.Add(inSNS(eventBridge("Object Created", "incoming", "in/a.svs", "e")))
	f.Add(`{"Records":[{"Sns":{"Message":"{}"}}]}`)
	f.Add(`{"Records":[null]}`)
	uploads := &bucket{Driver: memory.New(), url: "s3://incoming/in"}
	store := objectstore.New(uploads)
	im, err := importer.New(importer.Deps{Registry: formats.NewRegistry(nil, formats.ResolutionOrder{}),
		Slides: objectstore.New(memory.New()), Uploads: store})
	if err != nil {
		f.Fatal(err)
	}
	events, err := lambdaadapter.NewEvents(store, im, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body string) {
		jobs, err := events.Jobs(t.Context(), []byte(body))
		if err != nil && fault.KindOf(err) != fault.Invalid {
			t.Fatalf("kind %v: %v", fault.KindOf(err), err)
		}
		for _, job := range jobs {
			if job.Upload.Key == "" || job.Upload.ETag == "" {
				t.Fatalf("job without key or version: %+v", job)
			}
		}
	})
}
