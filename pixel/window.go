package pixel

import (
	"math"

	"github.com/pims-cloud/pims/fault"
)

// Window is the intensity transfer of one channel (pims-api §4.3).
type Window struct {
	Lower, Upper int     // stored values shown darkest and brightest
	Gamma        float64 // exponent; 1 leaves the window straight, 0 makes everything full
	Log          bool    // ln(1+v)/ln 2 after gamma
	Threshold    float64 // results below this fraction of full scale become 0
}

// DefaultWindow is what a request without bounds gets: the whole range of the
// significant bits.
func DefaultWindow(bits int) Window { return Window{Upper: 1<<bits - 1, Gamma: 1} }

// AutoImageWindow is AUTO_IMAGE (pims-api §3.0.5): the whole range up to 8
// bits, above that the channel's least and greatest stored value.
func AutoImageWindow(bits, lower, upper int) Window {
	if bits <= 8 {
		return DefaultWindow(bits)
	}
	return Window{Lower: lower, Upper: upper, Gamma: 1}
}

// LUT maps stored values to display values, one table a channel, each of
// 2^significant bits entries.
type LUT struct {
	Bits   int // of the display values, at most 16
	Tables [][]uint16
}

// NewLUT calculates the tables for samples of `bits` significant bits shown
// with outBits bits, 1 to 16 both. It is nil when no table is needed: the
// stored values are the display values. Kind Invalid when a lower bound is
// above its upper bound or a bound is beyond the range.
func NewLUT(windows []Window, bits, outBits int) (*LUT, error) {
	if bits < 1 || bits > 16 || outBits < 1 || outBits > 16 {
		return nil, fault.New(fault.Invalid, "pixel-lut-bits",
			"A table from %d to %d bits was asked; both must be 1 to 16.", bits, outBits)
	}
	bounded, needed := false, false
	top := 1<<outBits - 1
	for _, w := range windows {
		if w.Lower > w.Upper || w.Lower < 0 || w.Upper > 1<<bits {
			return nil, fault.New(fault.Invalid, "pixel-window-invalid",
				"The intensity window %d to %d does not fit a range of 0 to %d.", w.Lower, w.Upper, 1<<bits-1)
		}
		bounded = bounded || w.Lower != 0 || w.Upper != top
		needed = needed || bent(w) || w.Log || w.Threshold > 0
	}
	if !bounded && !needed {
		return nil, nil
	}
	lut := &LUT{Bits: outBits, Tables: make([][]uint16, len(windows))}
	for i, w := range windows {
		for j := range i { // channels mostly share one window
			if windows[j] == w {
				lut.Tables[i] = lut.Tables[j]
				break
			}
		}
		if lut.Tables[i] == nil {
			lut.Tables[i] = table(w, 1<<bits, bounded, float64(top))
		}
	}
	return lut, nil
}

func bent(w Window) bool { return w.Gamma != 1 }

// table has n entries. Entries never fall, so only those are calculated that
// tell where the table steps: a table of 65536 entries for 8 bits costs some
// thousand powers and not 65536.
func table(w Window, n int, bounded bool, top float64) []uint16 {
	out := make([]uint16, n)
	out[0], out[n-1] = entry(w, 0, n, bounded, top), entry(w, n-1, n, bounded, top)
	var fill func(low, high int)
	fill = func(low, high int) {
		switch {
		case high-low < 2:
		case out[low] == out[high]:
			for v := low + 1; v < high; v++ {
				out[v] = out[low]
			}
		default:
			middle := (low + high) / 2
			out[middle] = entry(w, middle, n, bounded, top)
			fill(low, middle)
			fill(middle, high)
		}
	}
	fill(0, n-1)
	return out
}

// entry follows pims-api §4.3 step by step, in double precision.
func entry(w Window, v, n int, bounded bool, top float64) uint16 {
	x := float64(v) / float64(max(n-1, 1))
	if bounded {
		x = ramp(v, w.Lower, w.Upper)
	}
	if bent(w) {
		x = math.Pow(x, w.Gamma)
	}
	if w.Log {
		x = math.Log1p(x) / math.Ln2
	}
	if x < w.Threshold {
		x = 0
	}
	return uint16(math.RoundToEven(min(x, 1) * top))
}

// ramp is linspace(0, 1, upper−lower points) between the bounds: it reaches 1
// at upper−1, as the reference does. Like numpy's, it multiplies by the step: the
// last bit decides on which side of a threshold a value lies.
func ramp(v, lower, upper int) float64 {
	switch {
	case v >= upper || v == upper-1 && upper-lower > 1:
		return 1
	case v < lower || upper-lower == 1:
		return 0
	default:
		return float64(v-lower) * (1 / float64(upper-lower-1))
	}
}

// Apply maps every sample through its channel's table; values beyond a table
// take its last entry. The result is uint8 when the LUT has up to 8 bits, else
// uint16. r must be uint8 or uint16 with one channel a table.
func (l *LUT) Apply(r *Raster) (*Raster, error) {
	if r.Type != Uint8 && r.Type != Uint16 {
		return nil, unsupportedType("windowed", r.Type)
	}
	if r.Samples != len(l.Tables) {
		return nil, fault.New(fault.Invalid, "pixel-lut-mismatch",
			"A table for %d channels was applied to a picture of %d.", len(l.Tables), r.Samples)
	}
	t := Uint8
	if l.Bits > 8 {
		t = Uint16
	}
	out := New(r.Width, r.Height, r.Samples, t)
	for y := range r.Height {
		from, to := r.Row(y), out.Row(y)
		for c, table := range l.Tables {
			switch {
			case r.Type == Uint8 && t == Uint8:
				for i := c; i < len(to); i += r.Samples {
					to[i] = byte(table[min(int(from[i]), len(table)-1)])
				}
			case r.Type == Uint16 && t == Uint8:
				for i := c; i < len(to); i += r.Samples {
					to[i] = byte(table[min(int(get16(from, 2*i)), len(table)-1)])
				}
			case r.Type == Uint8:
				for i := c; 2*i < len(to); i += r.Samples {
					put16(to, 2*i, table[min(int(from[i]), len(table)-1)])
				}
			default:
				for i := c; 2*i < len(to); i += r.Samples {
					put16(to, 2*i, table[min(int(get16(from, 2*i)), len(table)-1)])
				}
			}
		}
	}
	return out, nil
}
