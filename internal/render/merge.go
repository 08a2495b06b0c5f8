package render

import (
	"encoding/binary"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/pixel"
)

// mustMerge tells whether channels are coloured or added up (pims-api §4.4,
// §4.5): not when they are shown as they are.
func mustMerge(v View, windowed bool) bool {
	if v.natural() {
		return false
	}
	for _, m := range v.Colormaps {
		if m != nil {
			return true
		}
	}
	// Channels without colours stay the bands that they are, unless intensities
	// change: then they become the sum (§4.5). So two are a grey and its alpha,
	// and four are RGBA, which is what PIMS answers.
	asTheyAre := !windowed && len(v.Channels) <= 4 && len(v.Filters) == 0 && v.Space == AutoSpace
	return len(v.Channels) > 1 && !(asTheyAre || !windowed && len(v.Channels) == 3)
}

// Colours are added in lanes of one word: three components of 21 bits hold the
// sum of 32 channels of 16 bits.
const (
	laneBits  = 21
	laneMask  = 1<<laneBits - 1
	laneBatch = 32
)

// merge looks up the colour of every channel's value and adds them, clipped to
// what holds the picture (pims-api §4.5).
type merge struct {
	math       [][]uint16 // a channel: from stored to shown values; nil leaves them
	colors     [][]uint64 // a channel: from shown values to lanes
	components int        // 1 or 3
	to         pixel.Type
	full       uint64
}

func newMerge(v View, lut *pixel.LUT, o output) merge {
	s := merge{components: 1, to: o.container(), full: uint64(o.full()), colors: make([][]uint64, len(v.Channels))}
	if lut != nil {
		s.math = lut.Tables
	}
	for i, m := range v.Colormaps {
		if m != nil {
			s.components = max(s.components, m.Components())
		}
		for j := range i {
			if same := v.Colormaps[j]; same == m || same != nil && m != nil && same.ID == m.ID {
				s.colors[i] = s.colors[j]
			}
		}
		if s.colors[i] == nil {
			s.colors[i] = lanes(v, i, o)
		}
	}
	return s
}

// lanes is the colour table of a channel; with a threshold the darkest entry is
// black (pims-api §4.4).
func lanes(v View, channel int, o output) []uint64 {
	out := make([]uint64, o.top()+1)
	m := v.Colormaps[channel]
	if m == nil {
		for i := range out {
			out[i] = uint64(i) | uint64(i)<<laneBits | uint64(i)<<(2*laneBits)
		}
		return out
	}
	for i, c := range m.Table(len(out), o.top()) {
		out[i] = uint64(c[0]) | uint64(c[1])<<laneBits | uint64(c[2])<<(2*laneBits)
	}
	if v.Threshold > 0 {
		out[0] = 0
	}
	return out
}

func (s merge) apply(r *pixel.Raster) (*pixel.Raster, error) {
	if r.Samples != len(s.colors) || r.Type != pixel.Uint8 && r.Type != pixel.Uint16 {
		return nil, fault.New(fault.Internal, "merge-samples", "%d colours were made for %d × %s.", len(s.colors), r.Samples, r.Type)
	}
	out := pixel.New(r.Width, r.Height, s.components, s.to)
	sums := make([]uint64, r.Width)
	var bytes [][256]uint64
	if r.Type == pixel.Uint8 {
		bytes = s.byteTables()
	}
	for y := range r.Height {
		clear(sums)
		for c := range s.colors {
			if c > 0 && c%laneBatch == 0 {
				s.clip(sums)
			}
			if bytes != nil {
				addBytes(sums, r.Row(y)[c:], r.Samples, &bytes[c])
			} else {
				s.addWords(sums, r.Row(y)[2*c:], r.Samples, c)
			}
		}
		s.write(out.Row(y), sums)
	}
	return out, nil
}

// byteTables chains both tables for stored bytes.
func (s merge) byteTables() [][256]uint64 {
	out := make([][256]uint64, len(s.colors))
	for c, colors := range s.colors {
		for v := range 256 {
			shown := v
			if s.math != nil {
				shown = int(s.math[c][min(v, len(s.math[c])-1)])
			}
			out[c][v] = colors[min(shown, len(colors)-1)]
		}
	}
	return out
}

func addBytes(sums []uint64, from []byte, step int, table *[256]uint64) {
	at := 0
	for x := range sums {
		sums[x] += table[from[at]]
		at += step
	}
}

func (s merge) addWords(sums []uint64, from []byte, step, c int) {
	colors := s.colors[c]
	at, last := 0, len(colors)-1
	if s.math == nil {
		for x := range sums {
			sums[x] += colors[min(int(binary.LittleEndian.Uint16(from[at:])), last)]
			at += 2 * step
		}
		return
	}
	math := s.math[c]
	top := len(math) - 1
	for x := range sums {
		sums[x] += colors[min(int(math[min(int(binary.LittleEndian.Uint16(from[at:])), top)]), last)]
		at += 2 * step
	}
}

func (s merge) clip(sums []uint64) {
	for x, sum := range sums {
		a, b, c := sum&laneMask, sum>>laneBits&laneMask, sum>>(2*laneBits)
		sums[x] = min(a, s.full) | min(b, s.full)<<laneBits | min(c, s.full)<<(2*laneBits)
	}
}

func (s merge) write(to []byte, sums []uint64) {
	switch {
	case s.to == pixel.Uint8 && s.components == 3:
		for _, sum := range sums {
			_ = to[2]
			to[0] = byte(min(sum&laneMask, s.full))
			to[1] = byte(min(sum>>laneBits&laneMask, s.full))
			to[2] = byte(min(sum>>(2*laneBits), s.full))
			to = to[3:]
		}
	case s.to == pixel.Uint8:
		for x, sum := range sums {
			to[x] = byte(min(sum&laneMask, s.full))
		}
	default:
		for _, sum := range sums {
			for range s.components {
				binary.LittleEndian.PutUint16(to, uint16(min(sum&laneMask, s.full)))
				sum >>= laneBits
				to = to[2:]
			}
		}
	}
}
