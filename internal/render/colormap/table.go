package colormap

import (
	"math"
	"strconv"
	"strings"

	"github.com/pims-cloud/pims/internal/color"
)

// shape gives a colour's components in [0, 1], for entry i of n.
type shape interface {
	at(i, n int) [3]float64
}

// Table is the map in n entries of components from 0 to top, rounded half to
// even (pims-api §4.4, §8.4).
func (m *Map) Table(n, top int) [][3]uint16 {
	out := make([][3]uint16, n)
	s := m.shape()
	for i := range out {
		for k, v := range s.at(i, n) {
			out[i][k] = uint16(math.RoundToEven(min(max(v, 0), 1) * float64(top)))
		}
	}
	return out
}

func (m *Map) shape() shape {
	if m.color != nil {
		return gradient{*m.color, m.inverted}
	}
	switch m.kind {
	case "even":
		return evenLines(m.data, m.inverted)
	case "points":
		return pointLines(m.data, m.inverted)
	case "table":
		return steps{millionths(m.data), m.inverted}
	case "steps":
		return steps{hexColors(m.data), m.inverted}
	default:
		return curves(m.ID, m.inverted)
	}
}

// position is entry i's place in [0, 1], by the step as the reference's numpy
// has it: a division for each would round some entries the other way.
func position(i, n int) float64 {
	if i > 0 && i == n-1 {
		return 1
	}
	return float64(i) * (1 / float64(max(n-1, 1)))
}

// gradient goes straight from black to a colour, or back.
type gradient struct {
	color    color.Color
	inverted bool
}

func (g gradient) at(i, n int) [3]float64 {
	x := position(i, n)
	if g.inverted {
		x = position(n-1-i, n)
	}
	return [3]float64{float64(g.color.R) / 255 * x, float64(g.color.G) / 255 * x, float64(g.color.B) / 255 * x}
}

// steps are stored colours; every entry takes one of them as it is.
type steps struct {
	colors   [][3]float64
	inverted bool
}

func (s steps) at(i, n int) [3]float64 {
	k := len(s.colors)
	at := min(k-1, int(position(i, n)*float64(k)))
	if s.inverted {
		at = k - 1 - at
	}
	return s.colors[at]
}

// knot is where a line bends, or jumps from left to right.
type knot struct{ x, left, right float64 }

// lines are three components of straight pieces.
type lines [3][]knot

func (l lines) at(i, n int) [3]float64 {
	last := float64(max(n-1, 1))
	var out [3]float64
	for k, knots := range l {
		out[k] = interpolate(knots, last*position(i, n), last)
	}
	return out
}

// interpolate takes the left value where a knot is met exactly. Places are
// counted in entries, and products kept apart from sums (no fused steps), so
// that halves are rounded as in the reference on every processor.
func interpolate(knots []knot, x, last float64) float64 {
	if x <= knots[0].x*last {
		return knots[0].right
	}
	for j := 1; j < len(knots)-1; j++ {
		if knots[j].x*last >= x {
			return between(knots[j-1], knots[j], x, last)
		}
	}
	if x >= last {
		return knots[len(knots)-1].left
	}
	return between(knots[len(knots)-2], knots[len(knots)-1], x, last)
}

func between(a, b knot, x, last float64) float64 {
	from, to := float64(a.x*last), float64(b.x*last)
	return float64((x-from)/(to-from)*(b.left-a.right)) + a.right
}

func evenLines(data string, inverted bool) lines {
	colors := hexColors(data)
	var out lines
	for i, c := range colors {
		x := position(i, len(colors))
		for k, v := range c {
			out[k] = append(out[k], knot{x, v, v})
		}
	}
	return out.reversedIf(inverted)
}

func pointLines(data string, inverted bool) lines {
	var out lines
	for k, component := range strings.SplitN(data, "/", 3) {
		for _, field := range strings.Fields(component) {
			parts := strings.Split(field, ":")
			point := knot{number(parts[0]), number(parts[1]), number(parts[len(parts)-1])}
			out[k] = append(out[k], point)
		}
	}
	return out.reversedIf(inverted)
}

func (l lines) reversedIf(inverted bool) lines {
	if !inverted {
		return l
	}
	var out lines
	for k, knots := range l {
		for j := len(knots) - 1; j >= 0; j-- {
			out[k] = append(out[k], knot{1 - knots[j].x, knots[j].right, knots[j].left})
		}
	}
	return out
}

func hexColors(data string) [][3]float64 {
	var out [][3]float64
	for _, field := range strings.Fields(data) {
		v := digits(field)
		out = append(out, [3]float64{float64(v>>16) / 255, float64(v>>8&255) / 255, float64(v&255) / 255})
	}
	return out
}

// millionths reads five hexadecimal digits a component.
func millionths(data string) [][3]float64 {
	out := make([][3]float64, len(data)/15)
	for i := range out {
		for k := range 3 {
			out[i][k] = float64(digits(data[15*i+5*k:][:5])) / 1e6
		}
	}
	return out
}

// digits and number read the package's own data, which a test holds to be
// right: what they cannot read is 0.
func digits(text string) uint64 {
	v, _ := strconv.ParseUint(text, 16, 32)
	return v
}

func number(text string) float64 {
	v, _ := strconv.ParseFloat(text, 64)
	return v
}
