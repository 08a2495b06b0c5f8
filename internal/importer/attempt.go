package importer

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/source"
)

// attempt is one attempt at one import, as it goes through the stages.
type attempt struct {
	im    *Importer
	claim *claim
	job   Job
	// failed is the event that tells when the present step fails.
	failed EventName
	// exact makes the histogram count every pixel of the finest level.
	exact bool

	upload found
	reader *counted
	bundle source.Bundle

	format  formats.Format
	image   formats.Image
	desc    *formats.Description
	locator formats.TileLocator  // nil for an image without addressable tiles
	region  formats.RegionReader // of such an image
	encs    []formats.Encoding
	decided decision
	// kept are encoded tiles that were read, by where they are; of the view,
	// once there is one.
	kept      map[source.Range][]byte
	keptBytes int64
	// view is what tiles are read from instead of the upload, once that was
	// converted.
	view *view
}

// tell notifies the listeners of an event with the report as it is.
func (w *attempt) tell(ctx context.Context, name EventName) {
	w.im.deps.Events.Notify(ctx, Event{Name: name, Report: *w.claim.snapshot()})
}

// progress moves the bar and notes what was read so far.
func (w *attempt) progress(ctx context.Context, to float64) error {
	if w.claim.converting { // which has a progress of its own
		return ctx.Err()
	}
	return w.claim.change(ctx, func(r *Report) {
		r.Progress = max(r.Progress, to)
		w.noteReads(r)
	})
}

// note edits the report without storing it yet.
func (w *attempt) note(edit func(*Report)) {
	w.claim.mu.Lock()
	defer w.claim.mu.Unlock()
	edit(w.claim.report)
}

func (w *attempt) noteReads(r *Report) {
	if w.reader != nil {
		r.BytesRead, r.Reads = w.reader.bytes.Load(), w.reader.reads.Load()
	}
}

func (w *attempt) countReads() { w.note(w.noteReads) }

// stale looks again at an upload whose read failed as changed or missing, so
// that the report says which of the two it was. Other errors stay as they are.
func (w *attempt) stale(ctx context.Context, err error) error {
	if k := fault.KindOf(err); k != fault.Changed && k != fault.NotFound {
		return err
	}
	if _, now := w.im.findUpload(ctx, w.job.Upload); now != nil {
		return now
	}
	return err
}
