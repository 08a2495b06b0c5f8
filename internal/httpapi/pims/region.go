package pims

import (
	"fmt"
	"math"

	"github.com/pims-cloud/pims/internal/annotation"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/render"
)

// windowRegion is the part of a slide that a window shows, as a client names it
// (pims-api §3.6): a rectangle or a tile of a reference tier.
type windowRegion struct {
	tier   tierIndex
	isTile bool
	tile   address
	parts  fractions // the rectangle in parts of the reference tier, or zero
	// The rectangle, in pixels of the reference tier.
	top, left, width, height int
}

// tierIndex names a tier by level or zoom; absent, it is full resolution.
type tierIndex struct {
	given, byZoom bool
	number        int
}

// level is the tier's level; the error is PIMS'.
func (t tierIndex) level(tiers []render.Tier) (int, error) {
	if !t.given {
		return 0, nil
	}
	level, _, _, err := address{byZoom: t.byZoom, number: t.number, byIndex: true}.locate(tiers)
	return level, err
}

// members reads numbers of an object one by one and notes what is wrong below
// the name of the shape that they belong to.
type members struct {
	form   *form
	object map[string]any
	shape  string
	bad    problem.Validation
}

func (m *members) number(name string, least int) int {
	loc := []any{m.form.where, "region", m.shape, name}
	v, present := m.object[name]
	if !present {
		m.bad.Add(problem.Missing(m.object, loc...))
		return 0
	}
	n, ok := toInt(v)
	switch {
	case !ok:
		m.bad.Add(problem.NotInt(v, loc...))
	case n < least:
		m.bad.Add(problem.AtLeast(v, least, loc...))
	}
	return min(n, math.MaxInt32)
}

// region reads the member "region". The first of its three shapes that fits is
// taken; when none does, what every shape lacks is noted, as PIMS does.
func (f *form) region() windowRegion {
	p, present := f.fields["region"]
	if !present {
		f.found.Add(problem.Missing(struct{}{}, f.where, "region"))
		return windowRegion{}
	}
	object := p.object()
	if object == nil {
		f.found.Add(problem.NotObject(p.values, f.where, "region"))
		return windowRegion{}
	}
	out := windowRegion{tier: f.tierIndex(object)}
	if parts, ok := fractionsOf(object); ok {
		out.parts = parts
		return out
	}
	rectangle := &members{form: f, object: object, shape: "WindowRegion"}
	out.top, out.left = rectangle.number("top", 0), rectangle.number("left", 0)
	out.width, out.height = rectangle.number("width", 1), rectangle.number("height", 1)
	if rectangle.bad.Err() == nil {
		return out
	}
	out.isTile = true
	index := &members{form: f, object: object, shape: "WindowTileIndex"}
	out.tile = address{byIndex: true, ti: index.number("ti", 0)}
	if index.bad.Err() == nil {
		return out
	}
	coordinates := &members{form: f, object: object, shape: "WindowTileCoord"}
	out.tile = address{tx: coordinates.number("tx", 0), ty: coordinates.number("ty", 0)}
	if coordinates.bad.Err() != nil {
		for _, shape := range []*members{rectangle, index, coordinates} {
			f.found.Issues = append(f.found.Issues, shape.bad.Issues...)
		}
	}
	return out
}

// object is the value when it is one JSON object.
func (p field) object() map[string]any {
	if len(p.values) != 1 {
		return nil
	}
	object, _ := p.values[0].(map[string]any)
	return object
}

func (f *form) tierIndex(object map[string]any) tierIndex {
	var out tierIndex
	if v := object["reference_tier_index"]; v != nil {
		n, ok := toInt(v)
		if !ok {
			f.found.Add(problem.NotInt(v, f.where, "region", "reference_tier_index"))
		}
		out.given, out.number = true, n
	}
	if v, present := object["tier_index_type"]; present {
		if v != "LEVEL" && v != "ZOOM" {
			f.found.Add(problem.Enum(v, []string{"LEVEL", "ZOOM"}, f.where, "region", "tier_index_type"))
		}
		out.byZoom = v == "ZOOM"
	}
	return out
}

// on gives the region in full-resolution pixels. Unlike PIMS it refuses only
// what really reaches out of the tier (pims-api §9.3 no. 7).
func (w windowRegion) on(tiers []render.Tier) (annotation.Region, error) {
	level, err := w.tier.level(tiers)
	if err != nil {
		return annotation.Region{}, err
	}
	t := tiers[level]
	rect := render.Rect{X: w.left, Y: w.top, Width: w.width, Height: w.height}
	if w.parts != (fractions{}) {
		rect = w.parts.of(t)
	}
	if w.isTile {
		tile := w.tile
		tile.number = level
		_, tx, ty, err := tile.locate(tiers)
		if err != nil {
			return annotation.Region{}, err
		}
		rect = t.Tile(tx, ty)
	}
	fx, fy := float64(tiers[0].Width)/float64(t.Width), float64(tiers[0].Height)/float64(t.Height)
	if rect.X+rect.Width > t.Width || rect.Y+rect.Height > t.Height {
		return annotation.Region{}, problem.BadRequest("region-out-of-bounds",
			"Some coordinates of region %s are out of bounds.", describe(rect, fx, fy))
	}
	return annotation.Region{
		Left: float64(rect.X) * fx, Top: float64(rect.Y) * fy,
		Width: float64(rect.Width) * fx, Height: float64(rect.Height) * fy,
	}, nil
}

// describe writes a rectangle as PIMS' messages do, with the blank at its end.
func describe(r render.Rect, fx, fy float64) string {
	number := func(v float64) string {
		text, err := reply.Float(v).MarshalJSON()
		if err != nil {
			return "?"
		}
		return string(text)
	}
	pixels := func(v int) string { return number(float64(v)) }
	return fmt.Sprintf("Region @ downsample (%s/%s) (Top: %s / Bottom: %s / Left: %s / Right: %s / Width: %s / Height: %s) ",
		number(fx), number(fy), pixels(r.Y), pixels(r.Y+r.Height), pixels(r.X), pixels(r.X+r.Width), pixels(r.Width), pixels(r.Height))
}

// regionSize is what sizes the picture of a region: a tier, else sides
// (pims-api §3.0.8).
type regionSize struct {
	tier tierIndex
	side outputSize
}

func (f *form) regionSize() regionSize {
	out := regionSize{side: f.outputSize(0)}
	for _, name := range []string{"level", "zoom"} {
		if v, ok := f.scalar(name, true); ok {
			if n, ok := f.natural(v, f.where, name); ok && !out.tier.given {
				out.tier = tierIndex{given: true, byZoom: name == "zoom", number: n}
			}
		}
	}
	return out
}

// of gives the size of the picture of a region. Sides are rounded half to even
// and at least 1.
func (s regionSize) of(r annotation.Region, tiers []render.Tier) (width, height int, err error) {
	if s.tier.given {
		level, err := s.tier.level(tiers)
		if err != nil {
			return 0, 0, err
		}
		t := tiers[level]
		return atLeast1(r.Width * float64(t.Width) / float64(tiers[0].Width)),
			atLeast1(r.Height * float64(t.Height) / float64(tiers[0].Height)), nil
	}
	side := s.side
	if side.height == nil && side.width == nil {
		// The length is of the longer side, told before both are cut to whole
		// pixels.
		if r.Width > r.Height {
			side.width = side.length
		} else {
			side.height = side.length
		}
	}
	return side.of(max(1, int(r.Width)), max(1, int(r.Height)))
}
