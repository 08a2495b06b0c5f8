package slide

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/histogram"
)

// maxHistogram is how large histogram.json may be, in bytes: 64 planes of 64
// channels of 65536 bins take less.
const maxHistogram = 256 << 20

// Histogram is what histogram.json says. It is read once an open slide, and
// must not be changed. Kind Invalid, code "no-histogram", when the slide has
// none.
func (s *Slide) Histogram(ctx context.Context) (*histogram.File, error) {
	if h := s.histogram.Load(); h != nil {
		return h, nil
	}
	body, err := s.ReadObject(ctx, s.id.HistogramKey(), maxHistogram)
	if fault.KindOf(err) == fault.NotFound {
		return nil, fault.New(fault.Invalid, "no-histogram", "No histogram found for %s", s.Path()).Because(err)
	}
	if err != nil {
		return nil, err
	}
	h, err := histogram.Parse(body)
	if err != nil {
		return nil, err
	}
	s.histogram.Store(h)
	return h, nil
}
