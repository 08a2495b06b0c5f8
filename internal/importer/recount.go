package importer

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/queue"
	"github.com/pims-cloud/pims/internal/slide"
)

// Recount says how the histogram of an imported slide is made anew.
type Recount string

// The ways of counting: as an import does, or every pixel of the finest level,
// which reads the whole slide.
const (
	RecountSampled Recount = "sampled"
	RecountExact   Recount = "exact"
)

// Recount makes the histogram anew, and the bounds in the sidecar with it, as
// Reindex does and with its errors.
func (im *Importer) Recount(ctx context.Context, id slide.ID, how Recount) (*Report, error) {
	if how != RecountSampled && how != RecountExact {
		return nil, fault.New(fault.Invalid, "recount-unknown", "a histogram is counted sampled or exact, not %q", string(how))
	}
	return im.again(ctx, id, how == RecountExact)
}

// EnqueueRecount sends a job that makes the histogram anew. Kind NotFound when
// the slide was never imported to the end.
func (im *Importer) EnqueueRecount(ctx context.Context, q queue.Queue, id slide.ID, how Recount) error {
	r, _, err := im.stored(ctx, id)
	if err != nil {
		return err
	}
	if r == nil || r.State != StateDone {
		return fault.New(fault.NotFound, "slide-not-imported", "There is no imported slide %q to count again.", string(id))
	}
	return q.Send(ctx, Job{ID: id, Upload: r.Upload, Name: r.Name, Recount: how}.Encode())
}
