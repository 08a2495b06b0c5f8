package pixel

import (
	"slices"

	"github.com/pims-cloud/pims/fault"
)

// Reduction is how several values become one.
type Reduction uint8

// The reductions. Median is the upper one of an even number of values.
const (
	Min Reduction = iota
	Median
	Max
)

// of may reorder the values; there is at least one.
func of[F real](how Reduction, values []F) F {
	switch how {
	case Min:
		return slices.Min(values)
	case Max:
		return slices.Max(values)
	default:
		slices.Sort(values)
		return values[len(values)/2]
	}
}

// ReduceSamples makes one sample of all samples of a pixel (pims-api §4.6). A
// raster of one sample comes back as it is.
func ReduceSamples(r *Raster, how Reduction) *Raster {
	if r.Samples == 1 {
		return r
	}
	out := New(r.Width, r.Height, 1, r.Type)
	if wide(r.Type) {
		reduceSamples[float64](out, r, how)
	} else {
		reduceSamples[float32](out, r, how)
	}
	return out
}

func reduceSamples[F real](out, r *Raster, how Reduction) {
	line := make([]F, r.Width*r.Samples)
	to := make([]F, r.Width)
	for y := range r.Height {
		load(line, r.Row(y), r.Type)
		for x := range to {
			to[x] = of(how, line[x*r.Samples:(x+1)*r.Samples])
		}
		store(out.Row(y), to, r.Type)
	}
}

// ReduceRasters makes one raster of several, sample by sample: a projection
// over focal planes or over time. The rasters are not changed. Kind Invalid
// when there is none or when sizes, samples or types differ.
func ReduceRasters(rasters []*Raster, how Reduction) (*Raster, error) {
	if len(rasters) == 0 {
		return nil, fault.New(fault.Invalid, "pixel-nothing-to-reduce", "At least one raster is needed to reduce.")
	}
	first := rasters[0]
	for _, r := range rasters {
		if r.Width != first.Width || r.Height != first.Height || r.Samples != first.Samples || r.Type != first.Type {
			return nil, fault.New(fault.Invalid, "pixel-reduce-mismatch", "A raster of %d × %d × %d %s cannot be reduced with one of %d × %d × %d %s.",
				r.Width, r.Height, r.Samples, r.Type, first.Width, first.Height, first.Samples, first.Type)
		}
	}
	if len(rasters) == 1 {
		return first, nil
	}
	out := New(first.Width, first.Height, first.Samples, first.Type)
	if wide(first.Type) {
		reduceRasters[float64](out, rasters, how)
	} else {
		reduceRasters[float32](out, rasters, how)
	}
	return out, nil
}

func reduceRasters[F real](out *Raster, rasters []*Raster, how Reduction) {
	lines := make([][]F, len(rasters))
	for i := range lines {
		lines[i] = make([]F, out.Width*out.Samples)
	}
	values := make([]F, len(rasters))
	for y := range out.Height {
		for i, r := range rasters {
			load(lines[i], r.Row(y), r.Type)
		}
		for x := range lines[0] {
			for i, line := range lines {
				values[i] = line[x]
			}
			lines[0][x] = of(how, values)
		}
		store(out.Row(y), lines[0], out.Type)
	}
}
