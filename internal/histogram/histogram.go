// Package histogram reads what an import found out about the intensities of a
// slide: the object histogram.json (pims-api §4.12).
package histogram

import (
	"encoding/json"
	"math"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
)

// The types of histograms.
const (
	Complete = "COMPLETE" // every pixel was counted, or the plane has at most 2^20
	Fast     = "FAST"     // sampled
)

// File is histogram.json.
type File struct {
	// Type is Complete or Fast.
	Type string `json:"type"`
	Bits int    `json:"bits"` // 2^Bits bins
	// Planes are those that were counted, of each the channels of one pixel.
	Planes []Plane `json:"planes"`
}

// Plane is the histograms of one stored plane.
type Plane struct {
	formats.Plane
	Samples []Sample `json:"samples"`
}

// Sample counts the values of one sample, scaled to the number of pixels of
// level 0. Counts[i] is the count of value First+i; the bins that are left out
// at both ends are empty.
type Sample struct {
	First  int     `json:"first"`
	Counts []int64 `json:"counts"`
	// Found is the bounds that PIMS finds where those are not the ends of the
	// counts; nil elsewhere. Sums have none.
	Found *Bounds `json:"found,omitempty"`
}

// Bounds is the least and greatest of some values.
type Bounds struct {
	Low  int `json:"low"`
	High int `json:"high"`
}

// Parse reads histogram.json and holds it to its own bounds: every bin lies in
// 2^Bits and no count is negative. Kind Corrupt otherwise.
func Parse(b []byte) (*File, error) {
	var f File
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fault.New(fault.Corrupt, "histogram-unreadable", "The stored histogram is no JSON of the expected form.").Because(err)
	}
	if f.Bits < 1 || f.Bits > 16 {
		return nil, fault.New(fault.Corrupt, "histogram-bits", "The stored histogram has %d bits, expected 1 to 16.", f.Bits)
	}
	for _, p := range f.Planes {
		for _, s := range p.Samples {
			if s.First < 0 || s.First+len(s.Counts) > 1<<f.Bits {
				return nil, fault.New(fault.Corrupt, "histogram-bins",
					"The stored histogram has bins %d to %d, expected 0 to %d.", s.First, s.First+len(s.Counts)-1, 1<<f.Bits-1)
			}
			for _, n := range s.Counts {
				if n < 0 {
					return nil, fault.New(fault.Corrupt, "histogram-count", "The stored histogram has a count of %d.", n)
				}
			}
		}
	}
	return &f, nil
}

// Sample is the histogram of one sample of one stored plane; ok is false when
// it was not counted.
func (f *File) Sample(p formats.Plane, sample int) (s Sample, ok bool) {
	for _, plane := range f.Planes {
		if plane.Plane == p && sample >= 0 && sample < len(plane.Samples) {
			return plane.Samples[sample], true
		}
	}
	return Sample{}, false
}

// Channel is the sum of a sample over all counted z and t of a stored channel.
func (f *File) Channel(c, sample int) (s Sample, ok bool) {
	for _, plane := range f.Planes {
		if plane.C == c && sample >= 0 && sample < len(plane.Samples) {
			s, ok = s.Plus(plane.Samples[sample]), true
		}
	}
	return s, ok
}

// Image is the sum over everything that was counted.
func (f *File) Image() Sample {
	var s Sample
	for _, plane := range f.Planes {
		for _, more := range plane.Samples {
			s = s.Plus(more)
		}
	}
	return s
}

// Plus adds two histograms; neither is changed. Sums stop at the greatest
// number.
func (s Sample) Plus(o Sample) Sample {
	switch {
	case len(s.Counts) == 0:
		return o
	case len(o.Counts) == 0:
		return s
	}
	first := min(s.First, o.First)
	last := max(s.First+len(s.Counts), o.First+len(o.Counts))
	out := Sample{First: first, Counts: make([]int64, last-first)}
	copy(out.Counts[s.First-first:], s.Counts)
	for i, n := range o.Counts {
		at := &out.Counts[o.First-first+i]
		if *at > math.MaxInt64-n {
			n = math.MaxInt64 - *at
		}
		*at += n
	}
	return out
}

// Bounds is the least and greatest value that occurs; ok is false when none
// does.
func (s Sample) Bounds() (low, high int, ok bool) {
	low, high = -1, -1
	for i, n := range s.Counts {
		if n > 0 {
			if low < 0 {
				low = s.First + i
			}
			high = s.First + i
		}
	}
	return low, high, low >= 0
}

// Bins sums the 2^bits values in groups to n bins of equal width, n a power of
// two; more bins than values are as many as values.
func (s Sample) Bins(bits, n int) []int64 {
	width := max(1, (1<<bits)/max(n, 1))
	out := make([]int64, (1<<bits)/width)
	for i, count := range s.Counts {
		if at := (s.First + i) / width; at < len(out) {
			out[at] += count
		}
	}
	return out
}
