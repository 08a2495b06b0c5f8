package annotation

import (
	"math"

	"github.com/paulmach/orb"

	"github.com/pims-cloud/pims/internal/color"
)

// Annotation is one geometry, in full-resolution pixels from the top left
// corner, and how it looks.
type Annotation struct {
	Geometry    orb.Geometry
	Fill        color.Color
	Stroke      *color.Color // nil: the outline is not drawn
	StrokeWidth int
}

// Region is a rectangle of a slide in full-resolution pixels, not rounded.
type Region struct{ Left, Top, Width, Height float64 }

// Around is the bounding box of all annotations. A single point counts as a
// square around it whose side is pointEnvelope pixels, at least 1.
func Around(annotations []Annotation, pointEnvelope float64) Region {
	var all orb.Bound
	for i, a := range annotations {
		b := a.Geometry.Bound()
		if p, ok := a.Geometry.(orb.Point); ok {
			half := max(pointEnvelope, 1) / 2
			b = orb.Bound{Min: orb.Point{p[0] - half, p[1] - half}, Max: orb.Point{p[0] + half, p[1] + half}}
		}
		if i == 0 {
			all = b
		} else {
			all = all.Union(b)
		}
	}
	return Region{Left: all.Min[0], Top: all.Min[1], Width: all.Max[0] - all.Min[0], Height: all.Max[1] - all.Min[1]}
}

// Grow widens the region around its centre; a factor of 0 counts as 1. The
// corner is calculated as the specification says it (pims-api §4.9): its last
// bit decides which pixel is the first where corners fall on whole pixels.
func (r Region) Grow(factor float64) Region {
	if factor == 0 || factor == 1 {
		return r
	}
	return Region{
		Left: r.Left - float64(r.Width*(factor-1))/2, Top: r.Top - float64(r.Height*(factor-1))/2,
		Width: r.Width * factor, Height: r.Height * factor,
	}
}

// Square widens the smaller side to the larger one.
func (r Region) Square() Region {
	side := max(r.Width, r.Height)
	return r.sized(side, side)
}

// sized has other sides and the same centre.
func (r Region) sized(width, height float64) Region {
	return Region{Left: r.Left - (width-r.Width)/2, Top: r.Top - (height-r.Height)/2, Width: width, Height: height}
}

// Within moves the region into a slide; what is larger than the slide is cut to
// its size. A side of less than one pixel becomes one: a level line has a
// picture, too, where PIMS fails.
func (r Region) Within(widthPx, heightPx int) Region {
	r = r.sized(max(r.Width, 1), max(r.Height, 1))
	r.Left, r.Width = inside(r.Left, r.Width, float64(widthPx))
	r.Top, r.Height = inside(r.Top, r.Height, float64(heightPx))
	return r
}

func inside(start, length, limit float64) (float64, float64) {
	length = min(length, limit)
	return math.Max(0, min(start, limit-length)), length
}

// toPicture maps slide pixels to pixels of a picture of the region; the region
// is not rounded (pims-api §4.9). It scales first and shifts then, as an affine
// transform does: geometries of whole pixels often fall on the middle of
// pixels, where the last bit decides.
func (r Region) toPicture(widthPx, heightPx int) func(orb.Point) orb.Point {
	sx, sy := float64(widthPx)/r.Width, float64(heightPx)/r.Height
	left, top := -r.Left*sx, -r.Top*sy
	return func(p orb.Point) orb.Point {
		// The conversions keep processors that can from fusing the two steps.
		return orb.Point{float64(p[0]*sx) + left, float64(p[1]*sy) + top}
	}
}
