package pims

import (
	"math"

	"github.com/pims-cloud/pims/internal/render"
)

// fractions are a rectangle in parts of a tier's width and height.
type fractions struct{ left, top, width, height float64 }

// fractionsOf reads a rectangle that is given in parts of its tier, which PIMS
// does not know. All four members are numbers from 0 to 1, and one at least is
// not whole: whole ones are pixels. Anything else is not ok.
func fractionsOf(object map[string]any) (out fractions, ok bool) {
	whole := true
	for name, to := range map[string]*float64{"left": &out.left, "top": &out.top, "width": &out.width, "height": &out.height} {
		v, isNumber := toFloat(object[name])
		if !isNumber || !(v >= 0 && v <= 1) {
			return fractions{}, false
		}
		*to = v
		whole = whole && v == math.Trunc(v)
	}
	return out, !whole && out.width > 0 && out.height > 0
}

// of gives the rectangle in pixels of a tier: each edge is the nearest one
// between pixels, and there is a pixel at least.
func (f fractions) of(t render.Tier) render.Rect {
	edge := func(part float64, sidePx int) int { return int(math.Round(part * float64(sidePx))) }
	left, top := min(edge(f.left, t.Width), t.Width-1), min(edge(f.top, t.Height), t.Height-1)
	return render.Rect{
		X: left, Y: top,
		Width:  max(edge(f.left+f.width, t.Width)-left, 1),
		Height: max(edge(f.top+f.height, t.Height)-top, 1),
	}
}
