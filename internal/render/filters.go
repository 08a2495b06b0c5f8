package render

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/histogram"
	"github.com/pims-cloud/pims/internal/render/filter"
	"github.com/pims-cloud/pims/pixel"
)

// separate leaves one stain of an RGB picture (pims-api §4.11).
type separate struct {
	filter filter.Filter
	full   int
}

func (s separate) apply(r *pixel.Raster) (*pixel.Raster, error) {
	return r, s.filter.Separate(r, s.full)
}

// blackAndWhite is white where a grey picture is above a threshold, else black
// (pims-api §4.11). After another filter the stored histogram tells nothing of
// the picture, so the picture's own is taken.
type blackAndWhite struct {
	filter      filter.Filter
	above       float64
	fromPicture bool
}

func (s blackAndWhite) apply(r *pixel.Raster) (*pixel.Raster, error) {
	above := s.above
	if s.fromPicture {
		counts, err := pixel.Histogram(r, 8*r.Type.Bytes())
		if err != nil {
			return nil, err
		}
		whole := make([]int64, len(counts[0]))
		for v, n := range counts[0] {
			whole[v] = int64(n)
		}
		if above, err = s.filter.Threshold(whole); err != nil {
			return nil, err
		}
	}
	size := r.Type.Bytes()
	for y := range r.Height {
		row := r.Row(y)
		if size == 1 {
			for x, v := range row {
				row[x] = 0
				if float64(v) > above {
					row[x] = 255
				}
			}
			continue
		}
		for x := range r.Width {
			v := byte(0)
			if float64(word(row, x)) > above {
				v = 255
			}
			row[2*x], row[2*x+1] = v, v
		}
	}
	return r, nil
}

// storedThreshold finds a filter's threshold in the stored histogram of the
// view's channels and planes, binned to the depth of the picture and, of
// several channels, weighted as a grey (pims-api §4.11).
func storedThreshold(ctx context.Context, s Slide, v View, f filter.Filter, bits int) (float64, error) {
	h, err := s.Histogram(ctx)
	if err != nil {
		return 0, err
	}
	d := &s.Manifest().Description
	grey := make([]float64, 1<<bits)
	weights := []float64{0.2125, 0.7154, 0.0721}
	if len(v.Channels) == 1 {
		weights = []float64{1}
	}
	for i, weight := range weights {
		if i >= len(v.Channels) {
			break
		}
		sample, ok := samplesOf(h, d, v, v.Channels[i])
		if !ok {
			return 0, fault.New(fault.Invalid, "no-histogram", "No histogram found for channel %d in the planes that are shown.", v.Channels[i])
		}
		for j, n := range sample.Counts {
			grey[binOf(sample.First+j, h.Bits, bits)] += float64(n) * weight
		}
	}
	counts := make([]int64, len(grey))
	for i, n := range grey {
		// A part of a pixel still counts: nothing that occurs may vanish.
		counts[i] = int64(n * 1024)
	}
	return f.Threshold(counts)
}

// binOf is where a value of `from` bits lies among 2^to.
func binOf(v, from, to int) int {
	if to <= from {
		return v >> (from - to)
	}
	return v * (1<<to - 1) / (1<<from - 1)
}

// samplesOf sums a channel over the planes that a view shows.
func samplesOf(h *histogram.File, d *formats.Description, v View, channel int) (sum histogram.Sample, ok bool) {
	zs, ts := v.planes()
	for z := zs.Low; z < zs.High; z++ {
		for t := ts.Low; t < ts.High; t++ {
			plane := formats.Plane{C: channel / d.Samples, Z: z, T: t}
			if one, found := h.Sample(plane, channel%d.Samples); found {
				sum, ok = sum.Plus(one), true
			}
		}
	}
	return sum, ok
}
