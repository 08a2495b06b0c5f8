package filter

import (
	"encoding/binary"
	"math"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/pixel"
)

// darkest is the light that is counted at least: −ln of it is the density of
// black.
const darkest = 1e-6

// stains are the colours of pure stains as densities of red, green and blue
// (pims-api §4.11). The third of a pair is at right angles to both.
func stains(basis string) [3][3]float64 {
	switch basis {
	case "HEDAB":
		return [3][3]float64{{0.65, 0.70, 0.29}, {0.07, 0.99, 0.11}, {0.27, 0.57, 0.78}}
	case "HDAB":
		return withCross([3]float64{0.650, 0.704, 0.286}, [3]float64{0.268, 0.570, 0.776})
	case "GIEMSA":
		return withCross([3]float64{0.834750233, 0.513556283, 0.196330403}, [3]float64{0.092789, 0.954111, 0.283111})
	case "HE":
		return withCross([3]float64{0.644211, 0.716556, 0.266844}, [3]float64{0.092789, 0.954111, 0.283111})
	case "RGB":
		return [3][3]float64{{0, 1, 1}, {1, 0, 1}, {1, 1, 0}}
	default: // CMY
		return [3][3]float64{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}
	}
}

func withCross(a, b [3]float64) [3][3]float64 { return [3][3]float64{a, b, cross(a, b)} }

func cross(a, b [3]float64) [3]float64 {
	return [3]float64{a[1]*b[2] - a[2]*b[1], a[2]*b[0] - a[0]*b[2], a[0]*b[1] - a[1]*b[0]}
}

// inverse is that of a matrix whose rows are independent.
func inverse(m [3][3]float64) [3][3]float64 {
	columns := [3][3]float64{cross(m[1], m[2]), cross(m[2], m[0]), cross(m[0], m[1])}
	determinant := m[0][0]*columns[0][0] + m[0][1]*columns[0][1] + m[0][2]*columns[0][2]
	var out [3][3]float64
	for i := range 3 {
		for k := range 3 {
			out[i][k] = columns[k][i] / determinant
		}
	}
	return out
}

// Separate leaves one stain of an RGB picture with values 0 … top, in place
// (Ruifrok, Johnston 2001). Kind Invalid for another picture.
func (f Filter) Separate(r *pixel.Raster, top int) error {
	if f.Type != Pixel || r.Samples != 3 || top < 1 || r.Type != pixel.Uint8 && r.Type != pixel.Uint16 {
		return fault.New(fault.Invalid, "filter-picture", "Filter %s cannot be applied to %d × %s.", f.ID, r.Samples, r.Type)
	}
	m := stains(f.basis)
	inv := inverse(m)
	s := separation{top: float64(top), colour: m[f.stain]}
	for k := range 3 {
		s.amount[k] = inv[k][f.stain]
	}
	if r.Type == pixel.Uint8 {
		s.bytes(r)
	} else {
		s.words(r)
	}
	return nil
}

// separation calculates how much of a stain a pixel has, and the colour that
// so much of it has alone.
type separation struct {
	top    float64
	amount [3]float64 // of a unit of density in red, green, blue
	colour [3]float64 // density of a unit of the stain
}

// density is −ln of a component's light, at most −ln(darkest).
func (s *separation) density(v int) float64 { return -math.Log(max(float64(v)/s.top, darkest)) }

func (s *separation) light(k int, amount float64) float64 {
	return min(max(math.Exp(-amount*s.colour[k]), 0), 1) * s.top
}

// bytes takes exponentials of the sums apart into products of table entries:
// exp(−(a+b+c)·d) = exp(−a·d)·exp(−b·d)·exp(−c·d).
func (s *separation) bytes(r *pixel.Raster) {
	var amounts [3][256]float64
	var lights [3][256][3]float64
	for c := range 3 {
		for v := range 256 {
			a := s.amount[c] * s.density(v)
			amounts[c][v] = a
			for k := range 3 {
				lights[c][v][k] = math.Exp(-a * s.colour[k])
			}
		}
	}
	for y := range r.Height {
		row := r.Row(y)
		for ; len(row) >= 3; row = row[3:] {
			if amounts[0][row[0]]+amounts[1][row[1]]+amounts[2][row[2]] <= 0 {
				row[0], row[1], row[2] = uint8(s.top), uint8(s.top), uint8(s.top)
				continue
			}
			a, b, c := &lights[0][row[0]], &lights[1][row[1]], &lights[2][row[2]]
			for k := range 3 {
				row[k] = uint8(math.RoundToEven(min(a[k]*b[k]*c[k], 1) * s.top))
			}
		}
	}
}

func (s *separation) words(r *pixel.Raster) {
	for y := range r.Height {
		for row := r.Row(y); len(row) >= 6; row = row[6:] {
			amount := 0.0
			for c := range 3 {
				amount += s.amount[c] * s.density(int(binary.LittleEndian.Uint16(row[2*c:])))
			}
			amount = max(amount, 0)
			for k := range 3 {
				binary.LittleEndian.PutUint16(row[2*k:], uint16(math.RoundToEven(s.light(k, amount))))
			}
		}
	}
}
