package importer

import (
	"context"
	"path"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/source"
)

// Reindex writes everything that is derived from a slide's source anew: the
// sidecar last, replaced in one step, so that serving goes on meanwhile. It
// needs the import's report, which says where the source is, and reads no old
// sidecar: also one of an unknown version is replaced. Kind NotFound when the
// slide was never imported to the end, Busy while it is being imported. When it
// fails, the slide stays as it was.
func (im *Importer) Reindex(ctx context.Context, id slide.ID) (*Report, error) {
	return im.again(ctx, id, false)
}

// again is Reindex; exact makes the histogram count every pixel.
func (im *Importer) again(ctx context.Context, id slide.ID, exact bool) (*Report, error) {
	old, etag, err := im.stored(ctx, id)
	if err != nil {
		return nil, err
	}
	if old == nil || old.State != StateDone || old.Source == nil {
		return nil, fault.New(fault.NotFound, "slide-not-imported", "There is no imported slide %q to index again.", string(id))
	}
	c, err := im.reclaim(ctx, old, etag)
	if err != nil {
		return nil, err
	}
	held, stop := c.hold(ctx)
	err = im.reindex(held, c, exact)
	stop()
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	if err != nil {
		// What is stored still describes the slide: put the old report back.
		return nil, joinFirst(err, c.commit(after, func(r *Report) { *r = *old.clone() }))
	}
	if err := c.commit(after, func(r *Report) { r.Lease, r.Progress = nil, 1 }); err != nil {
		return nil, err
	}
	if im.deps.Catalog != nil {
		im.deps.Catalog.Forget(id)
	}
	return c.snapshot(), nil
}

// joinFirst gives the first error that is one.
func joinFirst(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// reindex runs the stages on the stored source. The state stays done: the
// slide can be viewed all the time.
func (im *Importer) reindex(ctx context.Context, c *claim, exact bool) error {
	r := c.snapshot()
	store, key, err := im.placeOf(*r.Source)
	if err != nil {
		return err
	}
	object := objectstore.Object{Key: key, Size: r.Source.Size, ETag: r.Source.ETag}
	w := &attempt{im: im, claim: c, job: Job{ID: r.ID, Upload: r.Upload, Name: r.Name, InPlace: r.InPlace}, exact: exact}
	w.upload = found{store: store, object: object}
	w.reader = &counted{Reader: store.Source(object)}
	w.bundle = source.Single(path.Base(key), w.reader)
	candidate, err := formats.NewCandidate(ctx, w.bundle)
	if err != nil {
		return err
	}
	format, match, err := im.deps.Registry.Detect(ctx, candidate)
	if err != nil {
		return err
	}
	w.format = format
	w.note(func(r *Report) { r.Format, r.Why, r.Warnings = format.Info().ID, match.Why, nil })
	if err := check(ctx, w); err != nil {
		return err
	}
	if err := w.viewConverted(ctx, r.Conversion); err != nil {
		return err
	}
	if err := w.deploy(ctx, *r.Source); err != nil {
		return err
	}
	w.countReads()
	return nil
}

// placeOf says in which store a source lies, and under which key.
func (im *Importer) placeOf(s slide.SourceObject) (*objectstore.Store, string, error) {
	switch {
	case s.In == slide.InSlides:
		return im.deps.Slides, s.Key, nil
	case s.In == slide.InUploads && im.deps.Uploads != nil:
		return im.deps.Uploads, s.Key, nil
	case s.In == slide.InFile && im.deps.Files != nil:
		return im.deps.Files(s.Key)
	}
	return nil, "", fault.New(fault.Unsupported, "source-place", "a source lies in %q, which this process cannot read", s.In)
}

// reclaim takes the claim on a slide that is finished.
func (im *Importer) reclaim(ctx context.Context, old *Report, etag string) (*claim, error) {
	now := im.deps.Clock.Now()
	if old.Lease != nil && old.Lease.Until.After(now) {
		return nil, busy(old.ID, old.Lease)
	}
	c := im.newClaim(old.clone(), now)
	c.report.StartedAt, c.report.Attempt, c.report.Creator = &now, old.Attempt+1, im.deps.Creator
	var err error
	c.etag, err = im.store(ctx, c.report, etag)
	if fault.KindOf(err) == fault.Changed {
		return nil, busy(old.ID, nil)
	}
	return c, err
}

// Delete removes a slide, or a failed import, and everything that is stored of
// it: the sidecar first, so that nobody opens half a slide, the report last.
// What was registered in place stays. Kind NotFound when there is nothing, Busy
// while it is being imported.
func (im *Importer) Delete(ctx context.Context, id slide.ID) error {
	old, etag, err := im.stored(ctx, id)
	switch {
	case fault.KindOf(err) == fault.Corrupt: // an unreadable report keeps nobody from deleting
	case err != nil:
		return err
	case old != nil:
		c, err := im.reclaim(ctx, old, etag)
		if err != nil {
			return err
		}
		held, stop := c.hold(ctx)
		defer stop()
		ctx = held
	}
	var keys []string
	for o, err := range im.deps.Slides.List(ctx, id.Prefix()) {
		if err != nil {
			return err
		}
		if o.Key != id.ReportKey() && o.Key != id.SidecarKey() {
			keys = append(keys, o.Key)
		}
	}
	if old == nil && len(keys) == 0 && err == nil {
		if _, statErr := im.deps.Slides.Stat(ctx, id.SidecarKey()); statErr != nil {
			return fault.New(fault.NotFound, "slide-not-found", "There is no slide %q.", string(id)).Because(statErr)
		}
	}
	err = im.deps.Slides.Delete(ctx, id.SidecarKey())
	if im.deps.Catalog != nil {
		im.deps.Catalog.Forget(id)
	}
	if err != nil {
		return err
	}
	if err := im.deps.Slides.Delete(ctx, keys...); err != nil {
		return err
	}
	return im.deps.Slides.Delete(ctx, id.ReportKey())
}
