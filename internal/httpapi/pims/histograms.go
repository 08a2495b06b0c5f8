package pims

import (
	"context"
	"fmt"
	"math/bits"
	"net/http"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/histogram"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/slide"
)

// histogramItem is one histogram; its members come in PIMS' order, and those
// of a nil part are left out (pims-api §3.11).
type histogramItem struct {
	histogramBounds
	*histogramBins
	*histogramChannel
	*histogramPlane
}

type histogramBounds struct {
	Type    string `json:"type"`
	Minimum int    `json:"minimum"` // in intensities, whatever the bins are
	Maximum int    `json:"maximum"`
}

type histogramBins struct {
	FirstBin  int     `json:"first_bin"` // not empty, also with full_range
	LastBin   int     `json:"last_bin"`
	NBins     int     `json:"n_bins"`
	Histogram []int64 `json:"histogram"`
}

type histogramChannel struct {
	Channel         int     `json:"channel"`
	ConcreteChannel int     `json:"concrete_channel"`
	Sample          int     `json:"sample"`
	Color           *string `json:"color"`
}

type histogramPlane struct {
	ZSlice    int `json:"z_slice"`
	Timepoint int `json:"timepoint"`
}

// histogramQuery is what a request for histograms says.
type histogramQuery struct {
	nBins     int
	fullRange bool
	channels  []int // nil means all
	z, t      int
}

// defaultBins is PIMS'.
const defaultBins = 256

func histogramQueryOf(r *http.Request, v route.Vars) (histogramQuery, error) {
	var found problem.Validation
	f := queryForm(r.URL.Query(), &found)
	q := histogramQuery{nBins: defaultBins, fullRange: f.boolean("full_range", false)}
	if value, ok := f.scalar("n_bins", false); ok {
		if q.nBins, ok = toInt(value); !ok {
			found.Add(problem.NotInt(value, "query", "n_bins"))
		}
	}
	values, _ := f.list("channels", true)
	for i, value := range values {
		if n, ok := f.natural(value, "query", "channels", i); ok {
			q.channels = append(q.channels, n)
		}
	}
	if _, ok := v.Lookup("z"); ok {
		q.z, _ = f.natural(v.Get("z"), "path", "z_slices")
		q.t, _ = f.natural(v.Get("t"), "path", "timepoints")
	}
	return q, found.Err()
}

// powerOfTwo refuses a number of bins that the values do not divide into.
func (q histogramQuery) powerOfTwo() error {
	if q.nBins < 1 || bits.OnesCount(uint(q.nBins)) != 1 {
		return problem.BadRequest("n-bins", "%d is not a power of 2.", q.nBins)
	}
	return nil
}

// chosen are the channels that exist of those that were asked for.
func (q histogramQuery) chosen(total int) ([]int, error) {
	wanted := make([]bool, total)
	for _, c := range q.channels {
		if c < total {
			wanted[c] = true
		}
	}
	var out []int
	for c := range total {
		if wanted[c] || q.channels == nil {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return nil, problem.BadRequest("no-channels", "No valid indexes for channels")
	}
	return out, nil
}

// histogramScope is which pixels a histogram is of.
type histogramScope int

const (
	scopeImage histogramScope = iota
	scopeChannels
	scopePlane
)

// histograms answers with bins, or with bounds only. Without a stored histogram
// the bounds are those of the type, and bins a 400.
func (a *API) histograms(scope histogramScope, boundsOnly bool) route.Handler {
	return func(w http.ResponseWriter, r *http.Request, v route.Vars) error {
		q, invalid := histogramQueryOf(r, v)
		return a.withSlide(r, v, func(f found) error {
			if invalid != nil {
				return invalid
			}
			if !boundsOnly {
				if err := q.powerOfTwo(); err != nil {
					return err
				}
			}
			d := &f.Manifest().Description
			if scope == scopePlane && (q.z >= d.Depth || q.t >= d.Duration) {
				name := "z_slices"
				if q.z < d.Depth {
					name = "timepoints"
				}
				return problem.BadRequest("no-"+name, "No valid indexes for %s", name)
			}
			stored, err := storedHistogram(r.Context(), f.Slide)
			if err != nil {
				return err
			}
			if stored == nil && !boundsOnly {
				return problem.BadRequest("no-histogram", "No histogram found for %s", f.path)
			}
			h := histogramView{m: f.Manifest(), file: stored, query: q, boundsOnly: boundsOnly}
			if scope == scopeImage {
				return reply.JSON(w, r, h.item(h.image()))
			}
			items, err := h.items(scope)
			if err != nil {
				return err
			}
			return reply.JSON(w, r, reply.CollectionOf(items))
		})
	}
}

// storedHistogram is nil when the import could not count.
func storedHistogram(ctx context.Context, s *slide.Slide) (*histogram.File, error) {
	h, err := s.Histogram(ctx)
	if fault.CodeOf(err) == "no-histogram" {
		return nil, nil
	}
	return h, err
}

// histogramView makes answers of one stored histogram; file may be nil.
type histogramView struct {
	m          *slide.Manifest
	file       *histogram.File
	query      histogramQuery
	boundsOnly bool
}

func (h histogramView) image() histogram.Sample {
	if h.file == nil {
		return histogram.Sample{}
	}
	return h.file.Image()
}

func (h histogramView) items(scope histogramScope) ([]histogramItem, error) {
	d := &h.m.Description
	channels, err := h.query.chosen(len(d.Channels))
	if err != nil {
		return nil, err
	}
	var items []histogramItem
	for _, c := range channels {
		concrete, sample := c/d.Samples, c%d.Samples
		var counts histogram.Sample
		switch {
		case h.file == nil:
		case scope == scopePlane:
			counts, _ = h.file.Sample(formats.Plane{C: concrete, Z: h.query.z, T: h.query.t}, sample)
		default:
			counts, _ = h.file.Channel(concrete, sample)
		}
		item := h.item(counts)
		item.histogramChannel = &histogramChannel{c, concrete, sample, textOrNull(d.Channels[c].Color)}
		if scope == scopePlane {
			item.histogramPlane = &histogramPlane{h.query.z, h.query.t}
		}
		items = append(items, item)
	}
	return items, nil
}

// item is the part that does not depend on where the counts come from. Counts
// of wide types are coarser than values (internal/importer), which the shift
// puts right.
func (h histogramView) item(counts histogram.Sample) histogramItem {
	significant := h.m.Description.SignificantBits
	out := histogramItem{histogramBounds: histogramBounds{Type: histogram.Fast, Maximum: 1<<min(significant, 62) - 1}}
	if h.file == nil {
		return out
	}
	out.Type = h.file.Type
	shift := max(significant-h.file.Bits, 0)
	low, high, any := counts.Bounds()
	if any {
		out.Minimum, out.Maximum = low<<shift, high<<shift
	}
	if h.boundsOnly {
		return out
	}
	bins := counts.Bins(h.file.Bits, h.query.nBins)
	width := (1 << h.file.Bits) / len(bins)
	out.histogramBins = &histogramBins{NBins: len(bins), Histogram: bins, LastBin: len(bins) - 1}
	if any {
		out.FirstBin, out.LastBin = low/width, high/width
	}
	if !h.query.fullRange {
		out.Histogram = bins[out.FirstBin : out.LastBin+1]
	}
	return out
}

// recount makes the histogram anew: 201 when that is done, 202 when it was only
// asked for, and 200 when there is one already that may not be overwritten,
// where PIMS fails. Beyond PIMS, type=COMPLETE counts every pixel.
func (a *API) recount(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	var bad problem.Validation
	f := queryForm(r.URL.Query(), &bad)
	wait, overwrite := f.boolean("sync", true), f.boolean("overwrite", true)
	exact := false
	if value, ok := f.scalar("type", false); ok {
		kind := fmt.Sprint(value)
		if kind != histogram.Fast && kind != histogram.Complete {
			bad.Add(problem.Enum(value, []string{histogram.Fast, histogram.Complete}, "query", "type"))
		}
		exact = kind == histogram.Complete
	}
	var id slide.ID
	exists := false
	err := a.withSlide(r, v, func(s found) error {
		if err := bad.Err(); err != nil {
			return err
		}
		id = s.ID()
		stored, err := storedHistogram(r.Context(), s.Slide)
		exists = stored != nil
		return err
	})
	if err != nil {
		return err
	}
	status := http.StatusOK
	switch {
	case exists && !overwrite:
	case wait:
		status, err = http.StatusCreated, a.Recount(r.Context(), id, exact)
	default:
		status, err = http.StatusAccepted, a.RecountLater(r.Context(), id, exact)
	}
	if err != nil {
		return err
	}
	return reply.JSONStatus(w, r, status, nil)
}
