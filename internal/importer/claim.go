package importer

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/slide"
)

// errLost is the cause with which the work of a claim that somebody else took
// over is cancelled.
var errLost = errors.New("the claim on the import was taken over")

// claim is the right to work on one import, held through import.json. Its
// methods are safe for concurrent use.
type claim struct {
	im *Importer

	mu       sync.Mutex // guards everything below, held while writing
	report   *Report
	etag     string // of import.json as we wrote it last
	storedAt time.Time
	lost     bool
	// converting makes time count for the conversion, not for the import.
	converting bool
}

// stored gives an import's report and the ETag it was read with; nil without
// error when there is none.
func (im *Importer) stored(ctx context.Context, id slide.ID) (*Report, string, error) {
	b, object, err := im.deps.Slides.Get(ctx, id.ReportKey(), maxReportBytes)
	if fault.KindOf(err) == fault.NotFound {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	r, err := decodeReport(id, b)
	return r, object.ETag, err
}

// store writes a report under a condition and gives its new ETag.
func (im *Importer) store(ctx context.Context, r *Report, etag string) (string, error) {
	b, err := r.encode()
	if err != nil {
		return "", err
	}
	options := objectstore.PutOptions{ContentType: "application/json", OnlyIfETag: etag, OnlyIfAbsent: etag == ""}
	object, err := im.deps.Slides.Put(ctx, r.ID.ReportKey(), bytes.NewReader(b), int64(len(b)), options)
	return object.ETag, err
}

// claim takes the import for this call. Without a claim it gives the report
// of an import that is finished, or an error of kind Busy while another worker
// has it.
func (im *Importer) claim(ctx context.Context, job Job) (*claim, *Report, error) {
	const tries = 3 // every failed try means that another worker made a step
	for range tries {
		old, etag, err := im.stored(ctx, job.ID)
		if err != nil {
			return nil, nil, err
		}
		if old != nil && im.finished(old, job) {
			return nil, old, nil
		}
		now := im.deps.Clock.Now()
		if old != nil && old.Lease != nil && old.Lease.Until.After(now) {
			return nil, nil, busy(job.ID, old.Lease)
		}
		c := im.newClaim(im.begin(old, job, now), now)
		c.etag, err = im.store(ctx, c.report, etag)
		if fault.KindOf(err) == fault.Changed {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		return c, nil, nil
	}
	return nil, nil, busy(job.ID, nil)
}

// newClaim is a claim with a lease of its own, not stored yet.
func (im *Importer) newClaim(r *Report, now time.Time) *claim {
	r.Lease = &Lease{Worker: uuid.NewString(), Until: now.Add(im.config.Lease)}
	return &claim{im: im, report: r, storedAt: now}
}

// finished tells whether a stored report is the last word on the job. A
// failure of an older program is not: the newer one may know the format.
func (im *Importer) finished(r *Report, job Job) bool {
	return r.State == StateDone || r.State == StateConverting || r.State == StateUnpacked || r.State == StateFailed && !job.Again && r.Creator == im.deps.Creator
}

func busy(id slide.ID, l *Lease) error {
	if l == nil {
		return fault.New(fault.Busy, "import-in-progress", "the import of %s is being worked on", id)
	}
	return fault.New(fault.Busy, "import-in-progress",
		"the import of %s is being worked on by another worker until %s at least", id, l.Until.UTC().Format(time.RFC3339))
}

// begin is the report of a new attempt; old is nil or what the last one left.
func (im *Importer) begin(old *Report, job Job, now time.Time) *Report {
	r := im.newReport(job, now)
	r.State, r.StartedAt, r.Attempt = StateProbing, &now, 1
	if old != nil {
		r.inherit(old, job)
		r.Attempt++
	}
	return r
}

// inherit keeps what the first job of an upload said: an upload may be asked
// for twice, by whoever sent it and by who watches the folder, and the second
// knows less. Only a job that runs a failed import again may say otherwise.
func (r *Report) inherit(old *Report, job Job) {
	r.CreatedAt, r.Attempt, r.Source, r.Archive = old.CreatedAt, old.Attempt, old.Source, old.Archive
	if len(job.Properties) == 0 {
		r.Properties = old.Properties
	}
	if !job.Again {
		r.Name, r.Path, r.InPlace = old.Name, old.Path, old.InPlace
	}
}

func (im *Importer) newReport(job Job, now time.Time) *Report {
	return &Report{
		ID: job.ID, Path: job.ID.Prefix() + CleanName(job.Name), Name: job.Name,
		Upload: job.Upload, InPlace: job.InPlace, Properties: job.Properties, State: StateQueued,
		CreatedAt: now, UpdatedAt: now, Creator: im.deps.Creator,
	}
}

// snapshot is a copy of the report as it is.
func (c *claim) snapshot() *Report {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.report.clone()
}

// change edits the report and tells the subscribers. It is stored when that is
// due: at most every Config.ReportEvery, so that progress does not cost a
// write a step.
func (c *claim) change(ctx context.Context, edit func(*Report)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.edit(edit)
	c.im.hub.publish(*c.report.clone())
	if c.im.deps.Clock.Now().Sub(c.storedAt) < c.im.config.ReportEvery {
		return nil
	}
	return c.write(ctx)
}

// commit edits the report and stores it now.
func (c *claim) commit(ctx context.Context, edit func(*Report)) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.edit(edit)
	if err := c.write(ctx); err != nil {
		return err
	}
	c.im.hub.publish(*c.report.clone())
	return nil
}

// edit applies the edit and what follows from the time. The caller holds mu.
func (c *claim) edit(edit func(*Report)) {
	now := c.im.deps.Clock.Now()
	c.report.UpdatedAt = now
	switch {
	case c.converting:
		c.report.Conversion.Seconds = now.Sub(*c.report.Conversion.StartedAt).Seconds()
	case c.report.StartedAt != nil:
		c.report.Seconds = now.Sub(*c.report.StartedAt).Seconds()
	}
	edit(c.report)
	if c.report.Lease != nil {
		c.report.Lease.Until = now.Add(c.im.config.Lease)
	}
}

// write stores the report if it is still the one that we wrote. The caller
// holds mu.
func (c *claim) write(ctx context.Context) error {
	if c.lost {
		return errLost
	}
	etag, err := c.im.store(ctx, c.report, c.etag)
	if k := fault.KindOf(err); k == fault.Changed || k == fault.NotFound {
		// A retry below may have written it with the first answer lost.
		if again, now, getErr := c.im.stored(ctx, c.report.ID); getErr == nil && again != nil &&
			again.Attempt == c.report.Attempt && again.UpdatedAt.Equal(c.report.UpdatedAt) {
			c.etag, c.storedAt = now, c.im.deps.Clock.Now()
			return nil
		}
		c.lost = true
		return errLost
	}
	if err != nil {
		return err
	}
	c.etag, c.storedAt = etag, c.im.deps.Clock.Now()
	return nil
}

// hold keeps the lease until stop is called, and cancels the returned context
// with errLost when it cannot.
func (c *claim) hold(ctx context.Context) (held context.Context, stop func()) {
	held, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		c.heartbeat(held, cancel)
	}()
	return held, func() {
		cancel(nil)
		<-done
	}
}

func (c *claim) heartbeat(ctx context.Context, cancel context.CancelCauseFunc) {
	clock, lease := c.im.deps.Clock, c.im.config.Lease
	renewed := clock.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-clock.At(clock.Now().Add(lease / 4)):
		}
		err := c.commit(ctx, func(*Report) {})
		switch {
		case err == nil:
			renewed = clock.Now()
		case errors.Is(err, errLost):
			cancel(errLost)
			return
		case clock.Now().Sub(renewed) > lease*3/4:
			// The store does not answer, and soon another worker may begin.
			cancel(errLost)
			return
		}
	}
}
