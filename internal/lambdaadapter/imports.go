package lambdaadapter

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/importer"
)

// Imports runs imports as a Lambda function, for the messages of an SQS queue
// or for events that invoke it directly. It is safe for concurrent use.
type Imports struct {
	importer    *importer.Importer
	events      *Events
	maxAttempts int
	hold        time.Duration
	queues      []Holder
	log         *slog.Logger
	measures    Measures
}

// Measures is told what an invocation measured; *emf.Metrics is one.
type Measures interface {
	// Waited tells how old a message was when work on it began.
	Waited(queue string, age time.Duration)
	// Flush writes what was measured: the process may never run again.
	Flush()
}

// Measure sets who is told; nobody is before.
func (f *Imports) Measure(m Measures) { f.measures = m }

// NewImports makes the function. maxAttempts is after how many deliveries of a
// message its imports are reported as failed; the queue's redrive policy should
// not give up before. Messages of these queues are kept invisible while they are
// worked on, for hold at a time, and come back soon when they must; without them
// the visibility time of the queue decides. log may be nil.
func NewImports(im *importer.Importer, uploads Uploads, maxAttempts int, hold time.Duration, log *slog.Logger, queues ...Holder) (*Imports, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	events, err := NewEvents(uploads, im, log)
	if err != nil {
		return nil, err
	}
	return &Imports{importer: im, events: events, maxAttempts: maxAttempts, hold: hold, queues: queues, log: log}, nil
}

// Start serves invocations until the platform ends the process. It does not
// return.
func (f *Imports) Start() { lambda.Start(f) }

// batchOutcome tells an SQS event source which messages to deliver again; the
// mapping must have ReportBatchItemFailures on.
type batchOutcome struct {
	BatchItemFailures []failure `json:"batchItemFailures"`
}

type failure struct {
	ItemIdentifier string `json:"itemIdentifier"`
}

// directOutcome is what who invokes the function itself gets.
type directOutcome struct {
	Reports []*importer.Report `json:"reports"`
}

// reserve is kept of an invocation's time to tell how it went: a function that
// the platform kills gets its whole batch delivered again.
const reserve = 3 * time.Second

// Invoke works on one event. An import that failed for good (not a slide,
// truncated …) has its report and is done with; what may go better another time
// is given back: of an SQS batch only the messages concerned, of a direct event
// all of it, by an error.
func (f *Imports) Invoke(ctx context.Context, raw []byte) ([]byte, error) {
	if f.measures != nil {
		defer f.measures.Flush()
	}
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-min(reserve, time.Until(deadline)/4)))
		defer cancel()
	}
	if messages, ok := batchOf(raw); ok {
		return marshal(f.batch(ctx, messages))
	}
	reports, err := f.run(ctx, raw, 0)
	if err != nil {
		f.log.ErrorContext(ctx, "import event failed", "code", fault.CodeOf(err), "error", err.Error())
		return nil, err
	}
	return marshal(directOutcome{reports})
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
func (f *Imports) batch(ctx context.Context, messages []record) batchOutcome {
	out := batchOutcome{BatchItemFailures: []failure{}}
	held, stop := f.keep(ctx, messages)
	defer stop()
	for _, m := range messages {
		f.waited(m)
		attempt, err := strconv.Atoi(m.Attributes.ReceiveCount)
		if err != nil {
			attempt = 1 // not told: the queue's own bound has to do
		}
		_, err = f.run(ctx, []byte(*m.Body), attempt)
		held.settle(ctx, m.MessageID, attempt, err)
		if err != nil {
			f.log.ErrorContext(ctx, "import message given back", "message", m.MessageID, "attempt", attempt,
				"code", fault.CodeOf(err), "error", err.Error())
			out.BatchItemFailures = append(out.BatchItemFailures, failure{m.MessageID})
		}
	}
	return out
}

// waited tells the age of a message.
func (f *Imports) waited(m record) {
	millis, err := strconv.ParseInt(m.Attributes.Sent, 10, 64)
	if f.measures == nil || err != nil {
		return
	}
	var job struct{ Convert bool }
	name := "import"
	if json.Unmarshal([]byte(*m.Body), &job) == nil && job.Convert {
		name = "convert"
	}
	f.measures.Waited(name, max(time.Since(time.UnixMilli(millis)), 0))
}

// run imports everything that one event tells of, and gives the first error of
// what has to be tried again after all were tried.
func (f *Imports) run(ctx context.Context, body []byte, attempt int) ([]*importer.Report, error) {
	jobs, err := f.events.Jobs(ctx, body)
	if err != nil {
		return nil, err
	}
	reports := []*importer.Report{}
	var first error
	for _, job := range jobs {
		if ctx.Err() != nil {
			return reports, fault.New(fault.Canceled, "function-time-over",
				"the function's time is over before all of the event was imported").Because(ctx.Err())
		}
		report, err := f.one(ctx, job, attempt)
		if report != nil {
			reports = append(reports, report)
		}
		if err != nil && first == nil {
			first = err
		}
	}
	return reports, first
}

// one runs one job. A failed import whose report is the last word is no error
// here, nor is an upload that is gone and was never imported.
func (f *Imports) one(ctx context.Context, job importer.Job, attempt int) (*importer.Report, error) {
	if job.Upload.Bucket == importer.BucketFile {
		// Only who sits at the machine may name its files; a message may not.
		return nil, fault.New(fault.Denied, "job-of-a-file", "a function imports from the uploads store, not the file %q", job.Upload.Key)
	}
	report, err := f.importer.Import(ctx, job)
	switch kind := fault.KindOf(err); {
	case err == nil || (report != nil && report.State.Final()):
		return report, nil
	case fault.CodeOf(err) == "upload-missing":
		f.log.InfoContext(ctx, "event of an upload that is gone", "slide", string(job.ID), "key", job.Upload.Key)
		return nil, nil
	case kind != fault.Busy && kind != fault.Canceled && attempt >= f.maxAttempts:
		// The message goes to the dead letters; its user must not wait forever.
		report, abandonErr := f.importer.Abandon(ctx, job, err)
		if abandonErr != nil && fault.KindOf(abandonErr) != kind {
			f.log.ErrorContext(ctx, "the failure could not be reported", "slide", string(job.ID), "error", abandonErr.Error())
		}
		return report, err
	default:
		return report, err
	}
}
