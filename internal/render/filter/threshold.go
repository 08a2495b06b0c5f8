package filter

import (
	"math"

	"github.com/pims-cloud/pims/fault"
)

// Threshold is the value above which a Global filter shows white. counts[v] is
// how many pixels have value v. Kind Invalid when there is no such value: an
// empty histogram, or one without two peaks for MINIMUM.
//
// The definitions are those of scikit-image (pims-api §4.11), except that MEAN
// is the mean of the values themselves: the reference counts them from the
// first that occurs (§9.3 no. 17).
func (f Filter) Threshold(counts []int64) (float64, error) {
	first, last := -1, -1
	for v, n := range counts {
		if n > 0 {
			if first < 0 {
				first = v
			}
			last = v
		}
	}
	if first < 0 {
		return 0, fault.New(fault.Invalid, "histogram-empty", "The histogram that filter %s works on is empty.", f.ID)
	}
	h := make([]float64, last-first+1)
	for i := range h {
		h[i] = float64(counts[first+i])
	}
	if len(h) == 1 && f.ID != "MINIMUM" {
		return float64(first), nil
	}
	at, err := 0.0, error(nil)
	switch f.ID {
	case "OTSU":
		at = otsu(h)
	case "ISODATA":
		at = isodata(h)
	case "YEN":
		at = yen(h)
	case "MINIMUM":
		at, err = minimum(h)
	case "MEAN":
		at = mean(h)
	default:
		err = fault.New(fault.Internal, "filter-not-global", "Filter %s has no threshold.", f.ID)
	}
	return at + float64(first), err
}

func mean(h []float64) float64 {
	total, moment := 0.0, 0.0
	for v, n := range h {
		total += n
		moment += n * float64(v)
	}
	return moment / total
}

// split calls with the weights and moments of what is at most v and above v,
// for every v but the last.
func split(h []float64, call func(v int, below, above, momentBelow, momentAbove float64)) {
	total, moment := 0.0, 0.0
	for v, n := range h {
		total += n
		moment += n * float64(v)
	}
	below, momentBelow := 0.0, 0.0
	for v, n := range h[:len(h)-1] {
		below += n
		momentBelow += n * float64(v)
		call(v, below, total-below, momentBelow, moment-momentBelow)
	}
}

// otsu parts the values so that the variance between both parts is greatest
// (Otsu 1979).
func otsu(h []float64) float64 {
	best, at := -1.0, 0
	split(h, func(v int, below, above, momentBelow, momentAbove float64) {
		distance := momentBelow/below - momentAbove/above
		if variance := below * above * distance * distance; variance > best {
			best, at = variance, v
		}
	})
	return float64(at)
}

// isodata is the first value that lies at most one below the middle of the
// means of both parts (Ridler, Calvard 1978).
func isodata(h []float64) float64 {
	at, nearest, nearestAt := -1, math.Inf(1), 0
	split(h, func(v int, below, above, momentBelow, momentAbove float64) {
		distance := (momentBelow/below+momentAbove/above)/2 - float64(v)
		if at < 0 && distance >= 0 && distance < 1 {
			at = v
		}
		if math.Abs(distance) < nearest {
			nearest, nearestAt = math.Abs(distance), v
		}
	})
	if at < 0 {
		at = nearestAt
	}
	return float64(at)
}

// yen maximises the criterion of Yen, Chang, Chang (1995).
func yen(h []float64) float64 {
	total, squaresAbove := 0.0, 0.0
	for _, n := range h {
		total += n
	}
	for _, n := range h {
		squaresAbove += n / total * (n / total)
	}
	best, at := math.Inf(-1), 0
	p1, squares := 0.0, 0.0
	for v, n := range h[:len(h)-1] {
		p := n / total
		p1 += p
		squares += p * p
		squaresAbove -= p * p
		// What is subtracted may leave nothing of a tiny rest.
		rest := max(squaresAbove, math.SmallestNonzeroFloat64)
		if criterion := 2*math.Log(p1*(1-p1)) - math.Log(squares) - math.Log(rest); criterion > best {
			best, at = criterion, v
		}
	}
	return float64(at)
}

// Bounds on smoothing: the reference's number of passes, and for histograms of
// many values the work of all passes together.
const (
	minimumPasses = 10000
	minimumWork   = 1 << 28
)

// minimum smooths until two peaks remain; the lowest value between them parts
// the picture (Prewitt, Mendelsohn 1966).
func minimum(h []float64) (float64, error) {
	smooth, next := h, make([]float64, len(h))
	for pass := 0; pass < minimumPasses && (pass+1)*len(h) < minimumWork; pass++ {
		last := len(smooth) - 1
		for i, v := range smooth {
			next[i] = (smooth[max(i-1, 0)] + v + smooth[min(i+1, last)]) / 3
		}
		smooth, next = next, smooth
		peaks := peaksOf(smooth)
		if len(peaks) == 2 {
			at := peaks[0]
			for i := at; i <= peaks[1]; i++ {
				if smooth[i] < smooth[at] {
					at = i
				}
			}
			return float64(at), nil
		}
		if len(peaks) < 2 {
			break
		}
	}
	return 0, fault.New(fault.Invalid, "histogram-not-bimodal",
		"Filter MINIMUM needs a picture whose intensities have two peaks, this one's have not; try OTSU.")
}

// peaksOf gives the first three places where values stop rising.
func peaksOf(h []float64) []int {
	var out []int
	rising := true
	for i := range len(h) - 1 {
		switch {
		case rising && h[i+1] < h[i]:
			rising = false
			if out = append(out, i); len(out) == 3 {
				return out
			}
		case !rising && h[i+1] > h[i]:
			rising = true
		}
	}
	return out
}
