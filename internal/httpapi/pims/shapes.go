package pims

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/annotation"
	"github.com/pims-cloud/pims/internal/color"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
)

// shape is one annotation of a request, its geometry still text (pims-api §3.7).
type shape struct {
	geometry string
	fill     color.Color
	stroke   *color.Color
	width    int
}

// maxStroke is the widest stroke, before it is scaled with the picture.
const maxStroke = 10

// shapes reads the member "annotations": one object or a list. GeoJSON objects
// are geometries, too.
func (f *form) shapes(nullable bool) []shape {
	const name = "annotations"
	p, present := f.fields[name]
	switch {
	case !present && !nullable:
		f.found.Add(problem.Missing(struct{}{}, f.where, name))
	case p.null && !nullable:
		f.found.Add(problem.Issue{Type: "list_type", Loc: []any{f.where, name}, Msg: "Input should be a valid list"})
	}
	var out []shape
	for i, v := range p.values {
		loc := []any{f.where, name, "list[Annotation]", i}
		object, ok := v.(map[string]any)
		if !ok {
			f.found.Add(problem.NotObject(v, loc...))
			continue
		}
		out = append(out, f.shape(object, loc))
	}
	return out
}

func (f *form) shape(object map[string]any, loc []any) shape {
	at := func(name string) []any { return append(slices.Clone(loc), name) }
	out := shape{fill: color.Color{R: 255, G: 255, B: 255}}
	switch v := object["geometry"].(type) {
	case string:
		out.geometry = v
	case map[string]any:
		text, err := json.Marshal(v)
		if err != nil {
			f.found.Add(problem.NotString(v, at("geometry")...))
		}
		out.geometry = string(text)
	case nil:
		if _, present := object["geometry"]; !present {
			f.found.Add(problem.Missing(object, at("geometry")...))
			break
		}
		f.found.Add(problem.NotString(v, at("geometry")...))
	default:
		f.found.Add(problem.NotString(v, at("geometry")...))
	}
	if c := f.color(object["fill_color"], at("fill_color")); c != nil {
		out.fill = *c
	}
	out.stroke = f.color(object["stroke_color"], at("stroke_color"))
	if v, present := object["stroke_width"]; present {
		out.width = 1 // of an explicit null
		if v != nil {
			out.width, _ = f.integer(v, 0, maxStroke, at("stroke_width")...)
		}
	}
	return out
}

// color reads a CSS colour or a list of components; null is nil.
func (f *form) color(v any, loc []any) *color.Color {
	switch v := v.(type) {
	case nil:
		return nil
	case string:
		if c, ok := color.Parse(v); ok {
			return &c
		}
	case []any:
		if c, ok := componentsColor(v); ok {
			return &c
		}
	}
	f.found.Add(problem.NotColor(v, loc...))
	return nil
}

// componentsColor reads [r, g, b], 0 … 255 each, and an alpha that is ignored.
func componentsColor(values []any) (color.Color, bool) {
	if len(values) != 3 && len(values) != 4 {
		return color.Color{}, false
	}
	var parts [3]float64
	for i := range parts {
		x, ok := toFloat(values[i])
		if !ok || x < 0 || x > 255 {
			return color.Color{}, false
		}
		parts[i] = x
	}
	return color.FromComponents(parts), true
}

// integer reads a whole number in [least, greatest].
func (f *form) integer(v any, least, greatest int, loc ...any) (int, bool) {
	n, ok := toInt(v)
	switch {
	case !ok:
		f.found.Add(problem.NotInt(v, loc...))
	case n < least:
		f.found.Add(problem.AtLeast(v, least, loc...))
		ok = false
	case n > greatest:
		f.found.Add(problem.AtMost(v, greatest, loc...))
		ok = false
	}
	return n, ok
}

// Origins of geometries (pims-api §2.4).
const (
	leftTop    = "LEFT_TOP"
	leftBottom = "LEFT_BOTTOM"
)

// origin reads X-Annotation-Origin.
func (a *API) origin(r *http.Request, found *problem.Validation) string {
	const header = "X-Annotation-Origin"
	origin := r.Header.Get(header)
	switch origin {
	case "":
		return a.Limits.AnnotationOrigin
	case leftTop, leftBottom:
		return origin
	}
	found.Add(problem.Enum(origin, []string{leftTop, leftBottom}, "header", header))
	return origin
}

// parseShapes reads the geometries, with the origin in the top left corner from
// here on. There is at least one, and their vertices are bounded together.
func parseShapes(shapes []shape, origin string, heightPx int) ([]annotation.Annotation, error) {
	if len(shapes) == 0 {
		return nil, problem.BadRequest("no-annotations", "At least one annotation is required.")
	}
	out := make([]annotation.Annotation, len(shapes))
	vertices := 0
	for i, s := range shapes {
		g, err := annotation.Parse(s.geometry)
		var bad *annotation.InvalidGeometry
		switch {
		case errors.As(err, &bad):
			return nil, problem.InvalidGeometry(bad.Text, bad.Reason)
		case err != nil:
			return nil, err
		}
		if vertices += annotation.Vertices(g); vertices > annotation.MaxVertices {
			return nil, fault.New(fault.TooLarge, "annotation-too-complex",
				"The annotations have more vertices than the %d that are accepted; simplify their geometries.", annotation.MaxVertices)
		}
		if origin == leftBottom {
			g = annotation.FromBottom(g, heightPx)
		}
		out[i] = annotation.Annotation{Geometry: g, Fill: s.fill, Stroke: s.stroke, StrokeWidth: s.width}
	}
	return out, nil
}

// optionalFloat, optionalInt and optionalBool read members that may be null,
// which counts as given in otherwise.
func (f *form) optionalFloat(name string, least, otherwise float64) float64 {
	if v, ok := f.scalar(name, true); ok {
		if x, ok := f.within(v, least, 1e6, f.where, name); ok {
			return x
		}
	}
	return otherwise
}

func (f *form) optionalBool(name string) bool {
	if f.fields[name].null {
		return false
	}
	return f.boolean(name, false)
}

// style is how annotations stand in a picture.
type style struct {
	mode         string // "" leaves them out
	transparency int    // percent, of CROP
	symbol       annotation.Symbol
	envelope     float64 // side of the square around a single point, in pixels
}

// Modes of style.
const (
	modeCrop    = "CROP"
	modeMask    = "MASK"
	modeDrawing = "DRAWING"
)

// transparencyPercent reads background_transparency; null is 0 (pims-api §9.3
// no. 8).
func (f *form) transparencyPercent() int {
	const name = "background_transparency"
	if v, ok := f.scalar(name, true); ok {
		n, _ := f.integer(v, 0, 100, f.where, name)
		return n
	}
	return 0
}

func (f *form) symbol() annotation.Symbol {
	const name = "point_cross"
	v, ok := f.scalar(name, true)
	if !ok {
		return annotation.Cross
	}
	text, _ := v.(string)
	if !slices.Contains(annotation.Symbols(), text) {
		f.found.Add(problem.Enum(v, annotation.Symbols(), f.where, name))
	}
	return annotation.Symbol(text)
}

// envelope reads point_envelope_length: absent it is 100, null is 1.
func (f *form) envelope() float64 {
	const name, standard, greatest = "point_envelope_length", 100, 1 << 20
	v, ok := f.scalar(name, true)
	switch {
	case ok:
		n, _ := f.integer(v, 0, greatest, f.where, name)
		return float64(n)
	case f.fields[name].null:
		return 1
	}
	return standard
}

// style reads a window's member annotation_style; without it annotations are
// left out.
func (f *form) style() style {
	const name = "annotation_style"
	p, present := f.fields[name]
	if !present || p.null {
		return style{}
	}
	object := p.object()
	if object == nil {
		f.found.Add(problem.NotObject(p.values, f.where, name))
		return style{}
	}
	inner := objectForm(object, f.found)
	inner.where = name
	out := style{transparency: inner.transparencyPercent(), symbol: inner.symbol(), envelope: 1}
	modes := []string{modeCrop, modeMask, modeDrawing}
	switch mode, present := object["mode"]; {
	case !present:
		f.found.Add(problem.Missing(object, f.where, name, "mode"))
	default:
		out.mode, _ = mode.(string)
		if !slices.Contains(modes, out.mode) {
			f.found.Add(problem.Enum(mode, modes, f.where, name, "mode"))
		}
	}
	return out
}
