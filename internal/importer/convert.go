package importer

import (
	"context"
	"errors"
	"fmt"
	"path"
	"runtime/debug"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/source"
)

// thenConvert starts the conversion that an import left to be done: on its own
// queue, or at once where there is none. The import's report and error pass
// through otherwise. A conversion that is known to wait is sent again, because
// the first message may never have been sent; a second one finds it done.
func (im *Importer) thenConvert(ctx context.Context, job Job, r *Report, err error) (*Report, error) {
	if err != nil || r == nil || !r.Conversion.waits() {
		return r, err
	}
	job.Convert = true
	if im.deps.Convert == nil {
		return im.Convert(ctx, job)
	}
	if err := im.deps.Convert.Send(ctx, job.Encode()); err != nil {
		return nil, err
	}
	return r, nil
}

// handOver ends the work on an import whose slide can be viewed only once it
// is converted.
func (im *Importer) handOver(ctx context.Context, c *claim) (*Report, error) {
	if err := c.commit(ctx, func(r *Report) { r.Lease, r.Error = nil, nil }); err != nil {
		return nil, err
	}
	return c.snapshot(), nil
}

// Convert rewrites a slide as a COG and switches its sidecar over to it. It is
// idempotent: a conversion that is finished, or that was never asked for, gives
// the stored report. What a killed worker had stored whole is used.
//
// A slide that can be viewed without stays as it is until the switch, and for
// good when the conversion fails, which its report then says without an error
// of this call. One that is beyond this process is sent to Deps.Larger, which is
// no error either. Other errors are those of Import; kind Busy also when the
// conversion would take longer than Config.ConvertLongest and there is no
// Larger.
func (im *Importer) Convert(ctx context.Context, job Job) (*Report, error) {
	if err := job.validate(); err != nil {
		return nil, err
	}
	old, etag, err := im.stored(ctx, job.ID)
	if err != nil {
		return nil, err
	}
	if old == nil || old.Source == nil && old.Conversion.waits() {
		return nil, fault.New(fault.NotFound, codeUploadMissing, "there is no import %s to convert", job.ID)
	}
	if !old.Conversion.waits() {
		return old, old.Err()
	}
	c, err := im.claimConversion(ctx, old, etag)
	if err != nil {
		return nil, err
	}
	held, stop := c.hold(ctx)
	err = im.convertContained(held, c)
	stop()
	if errors.Is(context.Cause(held), errLost) {
		err = errLost
	}
	r, err := im.concludeConversion(ctx, c, im.orLarger(err))
	if im.deps.Larger != nil && beyond(err) {
		if err := im.deps.Larger.Send(ctx, job.Encode()); err != nil {
			return nil, err
		}
		return c.snapshot(), nil
	}
	return r, err
}

// The codes of conversions that are beyond this process.
const (
	codeTooLong       = "conversion-too-long"
	codeNeedsAnother  = "conversion-needs-libvips"
	codecNeedsLibvips = "codec-needs-libvips"
	cogNeedsLibvips   = "convert-needs-libvips"
)

// beyond tells whether a conversion failed only because of where it ran.
func beyond(err error) bool {
	code := fault.CodeOf(err)
	return code == codeTooLong || code == codeNeedsAnother
}

// orLarger makes what this build cannot do something that is left to another
// process, where there is one.
func (im *Importer) orLarger(err error) error {
	if code := fault.CodeOf(err); im.deps.Larger == nil || code != codecNeedsLibvips && code != cogNeedsLibvips {
		return err
	}
	return fault.New(fault.Busy, codeNeedsAnother, "the conversion is left to a process with libvips").Because(err)
}

// claimConversion takes the claim on the import for a conversion.
func (im *Importer) claimConversion(ctx context.Context, old *Report, etag string) (*claim, error) {
	now := im.deps.Clock.Now()
	if old.Lease != nil && old.Lease.Until.After(now) {
		return nil, busy(old.ID, old.Lease)
	}
	c := im.newClaim(old.clone(), now)
	c.converting = true
	v := c.report.Conversion
	v.State, v.StartedAt, v.Attempt, v.Progress, v.Error = ConversionRunning, &now, v.Attempt+1, 0, nil
	c.report.UpdatedAt = now
	var err error
	c.etag, err = im.store(ctx, c.report, etag)
	if fault.KindOf(err) == fault.Changed {
		return nil, busy(old.ID, nil)
	}
	return c, err
}

// convertContained converts; a panic becomes an error.
func (im *Importer) convertContained(ctx context.Context, c *claim) (err error) {
	defer func() {
		if p := recover(); p != nil {
			id := c.snapshot().ID
			im.deps.Log.Error("conversion: panic", "slide", string(id), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fault.New(fault.Internal, "conversion-panic",
				"the conversion of %s stopped on a defect of this program; the log has the details", id).Because(fmt.Errorf("panic: %v", p))
		}
	}()
	w, err := im.reopen(ctx, c)
	if err != nil {
		return err
	}
	return im.timed(StateConverting, func() error { return w.convert(ctx) })
}

// reopen reads the structure of a stored source again.
func (im *Importer) reopen(ctx context.Context, c *claim) (*attempt, error) {
	r := c.snapshot()
	store, key, err := im.placeOf(*r.Source)
	if err != nil {
		return nil, err
	}
	object := objectstore.Object{Key: key, Size: r.Source.Size, ETag: r.Source.ETag}
	w := &attempt{im: im, claim: c, job: Job{ID: r.ID, Upload: r.Upload, Name: r.Name, InPlace: r.InPlace}}
	w.upload = found{store: store, object: object}
	w.reader = &counted{Reader: store.Source(object)}
	w.bundle = source.Single(path.Base(key), w.reader)
	format, ok := im.deps.Registry.ByID(r.Format)
	if !ok {
		return nil, fault.New(fault.Unsupported, "format-unknown", "the slide is of format %s, which this program does not have", r.Format)
	}
	w.format, w.failed = format, ErrorConversion
	if err := w.open(ctx); err != nil {
		return nil, err
	}
	return w, nil
}

// convert stores the COG, unless an earlier attempt did, and switches over.
func (w *attempt) convert(ctx context.Context) error {
	w.tell(ctx, StartConversion)
	original := *w.claim.snapshot().Source
	result := w.claim.snapshot().Conversion.Result
	if result == nil || !w.im.isStored(ctx, *result) {
		var err error
		if result, err = w.makeCOG(ctx); err != nil {
			return err
		}
	}
	if err := w.viewFrom(ctx, *result); err != nil {
		return err
	}
	if _, err := w.sample(ctx); err != nil { // what was stored can be read back
		return err
	}
	if err := w.switchOver(ctx, original); err != nil {
		return err
	}
	w.tell(ctx, EndConversion)
	return nil
}

// isStored tells whether an object is there in the version that is named.
func (im *Importer) isStored(ctx context.Context, o slide.SourceObject) bool {
	there, err := im.deps.Slides.Stat(ctx, o.Key)
	return err == nil && there.ETag == o.ETag && there.Size == o.Size
}

// switchOver makes viewers read the COG: by a first sidecar, or by one that
// replaces the present one in one step.
func (w *attempt) switchOver(ctx context.Context, original slide.SourceObject) error {
	m, object, err := slide.ReadManifest(ctx, w.im.deps.Slides, w.job.ID)
	if fault.KindOf(err) == fault.NotFound {
		return w.deploy(ctx, original)
	}
	if err != nil {
		return err
	}
	if len(m.Sources) == 1 && m.Sources[0] == w.view.object {
		return nil // an attempt that died between switch and report
	}
	m.Creator, m.CreatedAt = w.im.deps.Creator, w.im.deps.Clock.Now().UTC()
	m.Sources, m.Originals, m.Spatial = []slide.SourceObject{w.view.object}, []slide.SourceObject{original}, spatialFormat(w.desc)
	m.Encodings, m.Description.Levels = w.encs, w.desc.Levels
	// The claim is renewed first: whoever still holds it may write.
	if err := w.claim.commit(ctx, func(r *Report) { r.Conversion.Progress = 0.98 }); err != nil {
		return err
	}
	written, err := w.im.writeSidecar(ctx, m, w.job.ID, w.tiles, objectstore.PutOptions{OnlyIfETag: object.ETag})
	if err != nil {
		return err
	}
	w.note(func(r *Report) { r.SidecarBytes = written.Size })
	return nil
}

// concludeConversion ends an attempt: done, failed for good, or to be tried
// again.
func (im *Importer) concludeConversion(ctx context.Context, c *claim, err error) (*Report, error) {
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	switch {
	case err == nil:
		return im.converted(after, c)
	case errors.Is(err, errLost):
		return nil, fault.New(fault.Busy, "import-taken-over",
			"the conversion of %s was taken over by another worker", c.snapshot().ID).Because(err)
	case ctx.Err() != nil || !permanent(err):
		im.deps.Log.Warn("conversion interrupted", "slide", string(c.snapshot().ID), "error", err.Error())
		back := c.commit(after, func(r *Report) {
			r.Lease, r.Conversion.State, r.Conversion.Error = nil, ConversionQueued, reasonOf(err)
		})
		if back != nil {
			im.deps.Log.Warn("conversion: the claim could not be given back; its lease will pass", "error", back.Error())
		}
		if ctx.Err() != nil {
			return nil, fault.New(fault.Canceled, "import-stopped", "the conversion of %s was stopped and will be taken up again", c.snapshot().ID).Because(err)
		}
		return nil, err
	}
	return im.failConversion(after, c, err)
}

// converted writes the state done. A slide that could not be viewed before has
// its import end here.
func (im *Importer) converted(ctx context.Context, c *claim) (*Report, error) {
	first := c.snapshot().State == StateConverting
	err := c.commit(ctx, func(r *Report) {
		r.State, r.Progress, r.Lease, r.Viewable = StateDone, 1, nil, true
		r.Conversion.State, r.Conversion.Progress, r.Conversion.Error = ConversionDone, 1, nil
		r.PixelsIdentical = r.Conversion.PixelsIdentical == yesNo(true)
	})
	if err != nil {
		return nil, err
	}
	r := c.snapshot()
	if im.deps.Catalog != nil {
		im.deps.Catalog.Forget(r.ID)
	}
	im.deps.Log.Info("converted", "slide", string(r.ID), "way", string(r.Conversion.Way), "seconds", r.Conversion.Seconds,
		"bytesIn", r.Conversion.BytesIn, "bytesOut", r.Conversion.BytesOut, "pixelsIdentical", r.Conversion.PixelsIdentical)
	if first {
		im.removeUpload(ctx, r)
		im.deps.Events.Notify(ctx, Event{Name: EndSuccessfulImport, Report: *r})
	}
	return r, nil
}

// failConversion keeps a slide that can be viewed without, and fails the import
// of one that cannot.
func (im *Importer) failConversion(ctx context.Context, c *claim, cause error) (*Report, error) {
	im.deps.Events.Notify(ctx, Event{Name: ErrorConversion, Report: *c.snapshot()})
	if c.snapshot().State == StateConverting {
		c.mu.Lock()
		c.report.Conversion.State, c.report.Conversion.Error, c.report.Conversion.Result = ConversionFailed, reasonOf(cause), nil
		c.mu.Unlock()
		return im.fail(ctx, c, stageError{err: cause, event: ErrorConversion})
	}
	if err := im.deps.Slides.Delete(ctx, c.snapshot().ID.VisualisationKey()); err != nil {
		return nil, err
	}
	err := c.commit(ctx, func(r *Report) {
		r.Lease, r.Conversion.State, r.Conversion.Error, r.Conversion.Result = nil, ConversionFailed, reasonOf(cause), nil
	})
	if err != nil {
		return nil, err
	}
	r := c.snapshot()
	im.deps.Log.Warn("conversion failed; the slide is served as it was uploaded", "slide", string(r.ID),
		"code", r.Conversion.Error.Code, "detail", r.Conversion.Error.Detail)
	return r, nil
}

// abandonConversion ends a conversion that was tried too often.
func (im *Importer) abandonConversion(ctx context.Context, id slide.ID, cause error) (*Report, error) {
	old, etag, err := im.stored(ctx, id)
	if err != nil || old == nil || !old.Conversion.waits() {
		return old, err
	}
	c, err := im.claimConversion(ctx, old, etag)
	if err != nil {
		return nil, err
	}
	return im.failConversion(ctx, c, cause)
}
