package importer

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/queue"
	"github.com/pims-cloud/pims/internal/slide"
)

// Deps is what an Importer works with.
type Deps struct {
	Registry *formats.Registry
	Slides   *objectstore.Store
	// Uploads is where uploads come from; nil when only files are imported.
	Uploads *objectstore.Store
	// Files opens a file of this machine, for uploads of BucketFile, and says
	// under which key the store has it; nil where that is not offered.
	Files func(path string) (store *objectstore.Store, key string, err error)
	// Convert is where conversions wait; when nil, whoever imports a slide
	// converts it right after.
	Convert queue.Queue
	// Larger is where conversions go that this process leaves to another one: they
	// would take longer than Config.ConvertLongest, or need libvips, which this
	// build does not have. When nil, the former are given back to their queue
	// and the latter fail.
	Larger queue.Queue
	// Imports is where the members of archives wait for their imports; when
	// nil, they are imported one after the other by whoever unpacked them.
	Imports queue.Queue
	// Catalog forgets slides that were imported again, and is what Verify
	// opens slides with; nil in a process that serves none.
	Catalog *slide.Catalog
	// Events is told what happens; nil when nobody wants to know.
	Events Listener
	// Took is told how long each stage of an import took, well or not; may be nil.
	Took func(stage State, took time.Duration)
	// Clock is the machine's when nil.
	Clock queue.Clock
	// Log is silent when nil.
	Log *slog.Logger
	// Creator is the program and its version, written into what is made.
	Creator string
	// Config is DefaultConfig when it is the zero value.
	Config Config
}

// Importer imports uploads. It is safe for concurrent use.
type Importer struct {
	deps   Deps
	config Config
	hub    *hub
}

// New makes an Importer; kind Invalid when something it needs is missing or
// the configuration is wrong.
func New(deps Deps) (*Importer, error) {
	if deps.Registry == nil || deps.Slides == nil {
		return nil, fault.New(fault.Invalid, "importer-deps", "an importer needs a registry of formats and a slides store")
	}
	if deps.Config == (Config{}) {
		deps.Config = DefaultConfig()
	}
	if err := deps.Config.Validate(); err != nil {
		return nil, err
	}
	if deps.Events == nil {
		deps.Events = Listeners(nil)
	}
	if deps.Took == nil {
		deps.Took = func(State, time.Duration) {}
	}
	if deps.Clock == nil {
		deps.Clock = queue.SystemClock{}
	}
	if deps.Log == nil {
		deps.Log = slog.New(slog.DiscardHandler)
	}
	return &Importer{deps: deps, config: deps.Config, hub: newHub()}, nil
}

// Enqueue writes the report of a waiting import and sends its job, so that the
// import can be asked about from this moment on. A job whose import is known
// already is not sent again, unless it may have been lost on the way.
func (im *Importer) Enqueue(ctx context.Context, q queue.Queue, job Job) (*Report, error) {
	if err := job.validate(); err != nil {
		return nil, err
	}
	r, send, err := im.queued(ctx, job)
	if err != nil || !send {
		return r, err
	}
	if err := q.Send(ctx, job.Encode()); err != nil {
		return nil, err
	}
	return r, nil
}

// Expect is Enqueue for an import that the bucket's own event will ask for: its
// report is written, and no job is sent.
func (im *Importer) Expect(ctx context.Context, job Job) (*Report, error) {
	if err := job.validate(); err != nil {
		return nil, err
	}
	r, _, err := im.queued(ctx, job)
	return r, err
}

// queued writes the report of a waiting import and tells whether a job must be
// sent. One is not needed when the import is finished or being worked on; it is
// sent again when the import waits, because the first may never have been sent.
func (im *Importer) queued(ctx context.Context, job Job) (*Report, bool, error) {
	const tries = 3
	for range tries {
		old, etag, err := im.stored(ctx, job.ID)
		if err != nil {
			return nil, false, err
		}
		now := im.deps.Clock.Now()
		r := im.newReport(job, now)
		if old != nil {
			if im.finished(old, job) || old.Lease != nil && old.Lease.Until.After(now) {
				return old, false, nil
			}
			r.inherit(old, job)
		}
		if _, err = im.store(ctx, r, etag); err == nil {
			return r, true, nil
		}
		if fault.KindOf(err) != fault.Changed {
			return nil, false, err
		}
	}
	return nil, false, busy(job.ID, nil)
}

// Report gives the state of an import; kind NotFound when there is none.
func (im *Importer) Report(ctx context.Context, id slide.ID) (*Report, error) {
	r, _, err := im.stored(ctx, id)
	if err == nil && r == nil {
		return nil, fault.New(fault.NotFound, "import-not-found", "There is no import %q.", string(id))
	}
	return r, err
}

// Subscribe gives the reports of an import that runs in this process, as it
// goes; the channel closes after the final one, or when stop is called. Look
// at Report after subscribing: an import that is finished says nothing more.
func (im *Importer) Subscribe(id slide.ID) (reports <-chan Report, stop func()) {
	return im.hub.subscribe(id)
}

// Import runs one import to its end. It is idempotent: the job of a finished
// import gives the stored report and reads nothing of the upload.
//
// A report with state failed comes with its error and is the last word: the
// job is done with. Other errors leave the import to be tried again: kind Busy
// while another worker has it, kind Canceled when ctx ended, else a store that
// failed or a defect of ours (a panic is contained and reported as kind
// Internal).
func (im *Importer) Import(ctx context.Context, job Job) (*Report, error) {
	if err := job.validate(); err != nil {
		return nil, err
	}
	if job.Convert {
		return im.Convert(ctx, job)
	}
	if job.Recount != "" {
		return im.Recount(ctx, job.ID, job.Recount)
	}
	if err := im.knownOrThere(ctx, job); err != nil {
		return nil, err
	}
	c, done, err := im.claim(ctx, job)
	if err != nil {
		return nil, err
	}
	if done != nil {
		if done.State == StateDone {
			im.removeUpload(ctx, done)
		}
		return im.thenContinue(ctx, job, done, done.Err())
	}
	held, stop := c.hold(ctx)
	err = im.contained(held, c, job)
	stop()
	if errors.Is(context.Cause(held), errLost) {
		err = errLost
	}
	r, err := im.conclude(ctx, c, err)
	return im.thenContinue(ctx, job, r, err)
}

// thenContinue does what is left once an import has ended: the members of an
// archive, or a conversion.
func (im *Importer) thenContinue(ctx context.Context, job Job, r *Report, err error) (*Report, error) {
	if err == nil && r != nil && r.State == StateUnpacked {
		return im.importMembers(ctx, job, r)
	}
	return im.thenConvert(ctx, job, r, err)
}

// knownOrThere fails with kind NotFound for a job whose upload is gone and of
// which no report exists: a late duplicate must not bring a deleted slide back.
func (im *Importer) knownOrThere(ctx context.Context, job Job) error {
	r, _, err := im.stored(ctx, job.ID)
	if err != nil || r != nil {
		return err
	}
	_, err = im.findUpload(ctx, job.Upload)
	if fault.CodeOf(err) == codeUploadMissing {
		return err
	}
	return nil // what else may be wrong is told in a report
}

// contained runs the stages; a panic becomes an error.
func (im *Importer) contained(ctx context.Context, c *claim, job Job) (err error) {
	defer func() {
		if p := recover(); p != nil {
			im.deps.Log.Error("import: panic", "slide", string(job.ID), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "import-panic",
				"the import of %q stopped on a defect of this program; the log has the details", job.Name).Because(fmt.Errorf("panic: %v", p))
		}
	}()
	return im.run(ctx, c, job)
}

// stage is one step of an import.
type stage struct {
	state    State
	progress float64 // when it begins
	run      func(context.Context, *attempt) error
	failed   EventName
}

func stages() []stage {
	return []stage{
		{StateProbing, 0, probe, ErrorNoFormat},
		{StateChecking, 0.1, check, ErrorIntegrity},
		{StateRegistering, 0.3, register, GenericFileError},
	}
}

// run performs the stages, one after the other.
func (im *Importer) run(ctx context.Context, c *claim, job Job) error {
	job.Name, job.InPlace = c.report.Name, c.report.InPlace
	w := &attempt{im: im, claim: c, job: job}
	for _, s := range stages() {
		err := c.commit(ctx, func(r *Report) {
			r.State, r.Progress = s.state, max(r.Progress, s.progress)
		})
		if err != nil {
			return err
		}
		w.failed = s.failed
		err = im.timed(s.state, func() error { return s.run(ctx, w) })
		w.countReads()
		if errors.Is(err, errUnpacked) {
			return nil
		}
		if err != nil {
			return stageError{err: err, event: w.failed}
		}
	}
	return nil
}

// timed runs a stage and tells how long it took.
func (im *Importer) timed(stage State, run func() error) error {
	start := im.deps.Clock.Now()
	err := run()
	im.deps.Took(stage, im.deps.Clock.Now().Sub(start))
	return err
}

// stageError carries which event tells about an error.
type stageError struct {
	err   error
	event EventName
}

func (e stageError) Error() string { return e.err.Error() }
func (e stageError) Unwrap() error { return e.err }

// cleanupTimeout bounds what is still done after the caller's context ended:
// giving the claim back and removing what a failed import left.
const cleanupTimeout = 10 * time.Second

// conclude ends an attempt: done, failed for good, or to be tried again.
func (im *Importer) conclude(ctx context.Context, c *claim, err error) (*Report, error) {
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	switch {
	case err == nil && (c.snapshot().State == StateConverting || c.snapshot().State == StateUnpacked):
		return im.handOver(after, c)
	case err == nil:
		return im.succeed(after, c)
	case errors.Is(err, errLost):
		return nil, fault.New(fault.Busy, "import-taken-over",
			"the import of %s was taken over by another worker", c.report.ID).Because(err)
	case ctx.Err() != nil || !permanent(err):
		im.giveBack(after, c, err)
		if ctx.Err() != nil {
			return nil, fault.New(fault.Canceled, "import-stopped", "the import of %s was stopped and will be taken up again", c.report.ID).Because(err)
		}
		return nil, err
	}
	return im.fail(after, c, err)
}

// permanent tells whether trying again cannot help: the fault is in the file.
func permanent(err error) bool {
	switch fault.KindOf(err) {
	case fault.Corrupt, fault.Unsupported, fault.Invalid, fault.TooLarge:
		return fault.CodeOf(err) != codeUploadElsewhere // wrong settings are mended
	case fault.NotFound, fault.Changed:
		code := fault.CodeOf(err)
		return code == codeUploadMissing || code == codeUploadReplaced
	}
	return false
}

// succeed writes the state done and then takes the upload away, which is why
// an import that dies in between leaves a done slide and a stray upload: the
// next event of it removes it.
func (im *Importer) succeed(ctx context.Context, c *claim) (*Report, error) {
	err := c.commit(ctx, func(r *Report) { r.State, r.Progress, r.Lease, r.Error = StateDone, 1, nil, nil })
	if err != nil {
		return nil, err
	}
	r := c.snapshot()
	if im.deps.Catalog != nil {
		im.deps.Catalog.Forget(r.ID)
	}
	im.removeUpload(ctx, r)
	im.deps.Events.Notify(ctx, Event{Name: EndSuccessfulImport, Report: *r})
	return r, nil
}

// fail writes the reason and removes all that was made, except the report.
func (im *Importer) fail(ctx context.Context, c *claim, cause error) (*Report, error) {
	// The listeners tell the reason; the whole chain of causes is for debugging.
	im.deps.Log.Debug("import failed", "slide", string(c.report.ID), "name", c.report.Name, "error", cause.Error())
	if err := im.removePartial(ctx, c.report.ID); err != nil {
		im.giveBack(ctx, c, cause)
		return nil, err
	}
	err := c.commit(ctx, func(r *Report) {
		r.State, r.Lease, r.Error, r.Source, r.Viewable = StateFailed, nil, reasonOf(cause), nil, false
	})
	if err != nil {
		return nil, err
	}
	r := c.snapshot()
	name := GenericFileError
	var at stageError
	if errors.As(cause, &at) {
		name = at.event
	}
	im.deps.Events.Notify(ctx, Event{Name: name, Report: *r})
	return r, r.Err()
}

// giveBack ends the claim without an end of the import, so that nobody needs to
// wait for the lease. When that fails too, the lease does its work.
func (im *Importer) giveBack(ctx context.Context, c *claim, cause error) {
	im.deps.Log.Warn("import interrupted", "slide", string(c.report.ID), "name", c.report.Name, "error", cause.Error())
	err := c.commit(ctx, func(r *Report) {
		r.State, r.Lease, r.Error = StateQueued, nil, reasonOf(cause)
	})
	if err != nil {
		im.deps.Log.Warn("import: the claim could not be given back; its lease will pass",
			"slide", string(c.report.ID), "error", err.Error())
	}
}

// Abandon ends an import that was tried too often: state failed, with the last
// reason. An import that is finished meanwhile, or in another worker's hands,
// is left alone.
func (im *Importer) Abandon(ctx context.Context, job Job, cause error) (*Report, error) {
	if job.Convert {
		return im.abandonConversion(ctx, job.ID, cause)
	}
	c, done, err := im.claim(ctx, job)
	if err != nil || done != nil {
		return done, err
	}
	return im.fail(ctx, c, cause)
}

// removePartial removes what a failed import made.
func (im *Importer) removePartial(ctx context.Context, id slide.ID) error {
	var keys []string
	for o, err := range im.deps.Slides.List(ctx, id.Prefix()) {
		if err != nil {
			return err
		}
		if o.Key != id.ReportKey() {
			keys = append(keys, o.Key)
		}
	}
	return im.deps.Slides.Delete(ctx, keys...)
}
