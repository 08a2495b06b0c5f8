package lambdaadapter

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/slide"
)

// Importer is what an event is worked on with; *importer.Importer is one.
type Importer interface {
	Import(ctx context.Context, job importer.Job) (*importer.Report, error)
	Report(ctx context.Context, id slide.ID) (*importer.Report, error)
}

// Uploads is the store that events tell about; *objectstore.Store is one.
type Uploads interface {
	URL() string
	Stat(ctx context.Context, key string) (objectstore.Object, error)
}

// Imports runs imports as a Lambda function, for the messages of an SQS queue
// or for events that invoke it directly. It is safe for concurrent use.
type Imports struct {
	importer Importer
	uploads  Uploads
	bucket   string // of the uploads store
	prefix   string // within the bucket, "" or with a trailing slash
	log      *slog.Logger
}

// NewImports makes the function. bucket and prefix say where in S3 the uploads
// store lies: events of elsewhere in the bucket are ignored. log may be nil.
func NewImports(im Importer, uploads Uploads, bucket, prefix string, log *slog.Logger) *Imports {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	return &Imports{importer: im, uploads: uploads, bucket: bucket, prefix: prefix, log: log}
}

// Start serves invocations until the platform ends the process. It does not
// return.
func (f *Imports) Start() { lambda.Start(f) }

// outcome is what an invocation returns: for SQS, which messages to deliver
// again, in the form that the event source mapping reads
// (ReportBatchItemFailures must be on); otherwise the reports.
type outcome struct {
	BatchItemFailures []failure          `json:"batchItemFailures"`
	Reports           []*importer.Report `json:"reports,omitempty"`
}

type failure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// reserve is kept of an invocation's time to tell how it went: a function that
// the platform kills gets its whole batch delivered again.
const reserve = 3 * time.Second

// Invoke works on one event. An import that failed for good (not a slide,
// truncated …) has its report and is done with; what may go better another time
// is given back: of an SQS batch only the messages concerned, of a direct event
// all of it, by an error.
func (f *Imports) Invoke(ctx context.Context, raw []byte) ([]byte, error) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-min(reserve, time.Until(deadline)/4)))
		defer cancel()
	}
	if messages, ok := batchOf(raw); ok {
		return marshal(f.batch(ctx, messages))
	}
	reports, err := f.run(ctx, raw)
	if err != nil {
		f.log.ErrorContext(ctx, "import event failed", "code", fault.CodeOf(err), "error", err.Error())
		return nil, err
	}
	return marshal(struct {
		Reports []*importer.Report `json:"reports"`
	}{reports})
}

// batchOf reads an SQS event.
func batchOf(raw []byte) ([]record, bool) {
	var e struct {
		Records []record `json:"Records"`
	}
	if json.Unmarshal(raw, &e) != nil || len(e.Records) == 0 {
		return nil, false
	}
	for _, r := range e.Records {
		if r.Body == nil || r.MessageID == "" {
			return nil, false
		}
	}
	return e.Records, true
}

// batch works on messages one after the other: a function has the memory for
// one import, and a duplicate in the same batch finds the first one done.
func (f *Imports) batch(ctx context.Context, messages []record) outcome {
	out := outcome{BatchItemFailures: []failure{}}
	for _, m := range messages {
		if _, err := f.run(ctx, []byte(*m.Body)); err != nil {
			f.log.ErrorContext(ctx, "import message given back", "message", m.MessageID,
				"code", fault.CodeOf(err), "error", err.Error())
			out.BatchItemFailures = append(out.BatchItemFailures, failure{m.MessageID})
		}
	}
	return out
}

// run imports everything that one event tells of, and gives the first error of
// what has to be tried again after all were tried.
func (f *Imports) run(ctx context.Context, body []byte) ([]*importer.Report, error) {
	found, err := arrivals(body, 0)
	if err != nil {
		return nil, err
	}
	var reports []*importer.Report
	var first error
	for _, a := range found {
		if ctx.Err() != nil {
			return reports, fault.New(fault.Canceled, "function-time-over", "the function's time is over before all of the event was imported").Because(ctx.Err())
		}
		report, err := f.one(ctx, a)
		if report != nil {
			reports = append(reports, report)
		}
		if err != nil && first == nil {
			first = err
		}
	}
	return reports, first
}

// one imports one arrival. A failed import whose report is the last word is no
// error here.
func (f *Imports) one(ctx context.Context, a arrival) (*importer.Report, error) {
	job, ok, err := f.job(ctx, a)
	if err != nil || !ok {
		return nil, err
	}
	report, err := f.importer.Import(ctx, job)
	if err != nil && report != nil && report.State == importer.StateFailed {
		f.log.WarnContext(ctx, "import failed for good", "slide", string(job.ID), "key", job.Upload.Key,
			"code", fault.CodeOf(err), "error", err.Error())
		return report, nil
	}
	return report, err
}

// job is what to do about an arrival; ok is false when it is none of ours.
func (f *Imports) job(ctx context.Context, a arrival) (job importer.Job, ok bool, err error) {
	if a.job != nil {
		return *a.job, true, nil
	}
	if a.bucket != f.bucket {
		return job, false, fault.New(fault.Invalid, "event-elsewhere",
			"the event is of bucket %q, but uploads lie in %q; check UPLOADS_URL and the bucket's notifications", a.bucket, f.bucket)
	}
	var keys []string
	for _, name := range a.names() {
		if key, inside := strings.CutPrefix(name, f.prefix); inside && wanted(key) {
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		f.log.DebugContext(ctx, "event ignored", "bucket", a.bucket, "key", a.key)
		return job, false, nil
	}
	upload := importer.Upload{Bucket: f.uploads.URL(), Key: keys[0], ETag: a.etag, Size: a.size}
	if len(keys) > 1 || a.etag == "" {
		if upload, ok, err = f.settle(ctx, upload, keys); err != nil || !ok {
			return job, false, err
		}
	}
	return importer.NewJob(upload, "", false), true, nil
}

// settle looks which of several keys is meant, and what its version is.
func (f *Imports) settle(ctx context.Context, u importer.Upload, keys []string) (_ importer.Upload, ok bool, err error) {
	for _, key := range keys {
		o, err := f.uploads.Stat(ctx, key)
		switch kind := fault.KindOf(err); {
		case err == nil && (u.ETag == "" || u.ETag == o.ETag):
			u.Key, u.ETag, u.Size = key, o.ETag, o.Size
			return u, true, nil
		case err != nil && kind != fault.NotFound && kind != fault.Invalid:
			return u, false, err
		}
	}
	if u.ETag == "" {
		return u, false, nil // gone, and nothing to ask the importer by
	}
	// A finished import has removed its upload: a duplicate event must find the
	// import under the key that it was made with.
	for _, key := range keys {
		_, err := f.importer.Report(ctx, slide.DeriveID(u.Bucket, key, u.ETag))
		if err == nil {
			u.Key = key
			return u, true, nil
		}
		if fault.KindOf(err) != fault.NotFound {
			return u, false, err
		}
	}
	return u, true, nil
}
