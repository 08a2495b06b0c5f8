package annotation

import (
	"fmt"
	"math"
	"strings"

	"github.com/paulmach/orb"

	"github.com/pims-cloud/pims/fault"
)

// Bounds of what is read.
const (
	// MaxVertices is how many vertices one geometry may have.
	MaxVertices = 1 << 20
	// maxDepth is how deep collections may stand in each other.
	maxDepth = 32
	// maxCoordinate is far beyond the greatest slide, in pixels, and small
	// enough for exact arithmetic after scaling.
	maxCoordinate = 1e9
)

// InvalidGeometry is a text that is no usable geometry.
type InvalidGeometry struct {
	Text   string // as it came, shortened when it is long
	Reason string // "WKT reading error" for what does not follow the grammar
}

// Error is the text for logs.
func (e *InvalidGeometry) Error() string {
	return fmt.Sprintf("invalid geometry: %s: %s", e.Reason, e.Text)
}

// Reasons of an InvalidGeometry; the first is PIMS' (pims-api §2.5).
const (
	reasonWKT     = "WKT reading error"
	reasonGeoJSON = "GeoJSON reading error"
	reasonEmpty   = "Empty geometry"
)

func invalid(text, reason string) error {
	const longest = 2000
	if len(text) > longest {
		text = strings.ToValidUTF8(text[:longest], "") + "…"
	}
	return &InvalidGeometry{Text: text, Reason: reason}
}

func tooComplex(what string, limit int) error {
	return fault.New(fault.TooLarge, "annotation-too-complex",
		"The annotations have more %s than the %d that are accepted; simplify their geometries.", what, limit)
}

// Parse reads a geometry as WKT, or as GeoJSON when it begins with "{". All 2D
// types are known; a third ordinate is read and dropped. Polygons that cross
// themselves are taken by the even-odd rule, and those without any area become
// the line or point that they are, as GEOS' make_valid has it. The error is an
// InvalidGeometry, or of kind TooLarge.
func Parse(text string) (orb.Geometry, error) {
	trimmed := strings.TrimSpace(text)
	read, reason := parseWKT, reasonWKT
	if strings.HasPrefix(trimmed, "{") {
		read, reason = parseGeoJSON, reasonGeoJSON
	}
	g, err := read(trimmed)
	switch {
	case fault.KindOf(err) == fault.TooLarge:
		return nil, err
	case err != nil:
		return nil, invalid(text, reason)
	}
	if why := coordinatesFault(g); why != "" {
		return nil, invalid(text, why)
	}
	if g = repair(g); g == nil {
		return nil, invalid(text, reasonEmpty)
	}
	return g, nil
}

// coordinatesFault says what is wrong with a coordinate, in GEOS' words where it
// has some.
func coordinatesFault(g orb.Geometry) (reason string) {
	eachPoint(g, func(p orb.Point) {
		for _, v := range p {
			switch {
			case math.IsNaN(v) || math.IsInf(v, 0):
				reason = fmt.Sprintf("Invalid Coordinate[%v %v]", p[0], p[1])
			case math.Abs(v) > maxCoordinate:
				reason = fmt.Sprintf("Coordinate beyond ±%g pixels[%v %v]", maxCoordinate, p[0], p[1])
			}
		}
	})
	return reason
}

// repair drops what is empty, and turns polygons without area into the line or
// point that they are. The result is nil when nothing is left.
func repair(g orb.Geometry) orb.Geometry {
	switch g := g.(type) {
	case orb.MultiPoint:
		return some(g, len(g))
	case orb.LineString:
		return some(g, len(g))
	case orb.MultiLineString:
		return some(g, len(g))
	case orb.Polygon:
		if len(g) == 0 {
			return nil
		}
		return repairPolygon(g)
	case orb.MultiPolygon:
		return repairParts(g)
	case orb.Collection:
		var out orb.Collection
		for _, part := range g {
			if part = repair(part); part != nil {
				out = append(out, part)
			}
		}
		return some(out, len(out))
	default:
		return g
	}
}

func some(g orb.Geometry, parts int) orb.Geometry {
	if parts == 0 {
		return nil
	}
	return g
}

func repairPolygon(p orb.Polygon) orb.Geometry {
	if !flat(p[0]) {
		return p
	}
	first := p[0][0]
	for _, v := range p[0] {
		if v != first {
			return orb.LineString(p[0])
		}
	}
	return first
}

// repairParts keeps a multipolygon one geometry unless a part has no area: its
// parts are filled together, by the even-odd rule.
func repairParts(g orb.MultiPolygon) orb.Geometry {
	var areas orb.MultiPolygon
	var rest orb.Collection
	for _, part := range g {
		if len(part) == 0 {
			continue
		}
		if p, ok := repairPolygon(part).(orb.Polygon); ok {
			areas = append(areas, p)
		} else {
			rest = append(rest, repairPolygon(part))
		}
	}
	if len(rest) == 0 {
		return some(areas, len(areas))
	}
	if len(areas) > 0 {
		rest = append(orb.Collection{areas}, rest...)
	}
	return rest
}

// flat tells that all vertices of a ring lie on one line.
func flat(ring orb.Ring) bool {
	a := ring[0]
	var dx, dy float64
	for _, p := range ring {
		x, y := p[0]-a[0], p[1]-a[1]
		if dx == 0 && dy == 0 {
			dx, dy = x, y
		}
		if dx*y-dy*x != 0 {
			return false
		}
	}
	return true
}

// eachPoint visits all vertices.
func eachPoint(g orb.Geometry, do func(orb.Point)) {
	points := func(ps []orb.Point) {
		for _, p := range ps {
			do(p)
		}
	}
	switch g := g.(type) {
	case orb.Point:
		do(g)
	case orb.MultiPoint:
		points(g)
	case orb.LineString:
		points(g)
	case orb.MultiLineString:
		for _, line := range g {
			points(line)
		}
	case orb.Polygon:
		for _, ring := range g {
			points(ring)
		}
	case orb.MultiPolygon:
		for _, part := range g {
			eachPoint(part, do)
		}
	case orb.Collection:
		for _, part := range g {
			eachPoint(part, do)
		}
	}
}

// Vertices is the number of vertices of a geometry.
func Vertices(g orb.Geometry) int {
	n := 0
	eachPoint(g, func(orb.Point) { n++ })
	return n
}

// FromBottom maps a geometry whose origin is the bottom left corner of a slide
// of the given height (X-Annotation-Origin: LEFT_BOTTOM): y' = height − 0.5 − y
// (pims-api §2.4).
func FromBottom(g orb.Geometry, heightPx int) orb.Geometry {
	return mapPoints(g, func(p orb.Point) orb.Point {
		return orb.Point{p[0], float64(heightPx) - 0.5 - p[1]}
	})
}

// mapPoints gives a geometry of the same type with other vertices.
func mapPoints(g orb.Geometry, to func(orb.Point) orb.Point) orb.Geometry {
	points := func(ps []orb.Point) []orb.Point {
		out := make([]orb.Point, len(ps))
		for i, p := range ps {
			out[i] = to(p)
		}
		return out
	}
	switch g := g.(type) {
	case orb.Point:
		return to(g)
	case orb.MultiPoint:
		return orb.MultiPoint(points(g))
	case orb.LineString:
		return orb.LineString(points(g))
	case orb.MultiLineString:
		out := make(orb.MultiLineString, len(g))
		for i, line := range g {
			out[i] = points(line)
		}
		return out
	case orb.Polygon:
		out := make(orb.Polygon, len(g))
		for i, ring := range g {
			out[i] = points(ring)
		}
		return out
	case orb.MultiPolygon:
		out := make(orb.MultiPolygon, len(g))
		for i, part := range g {
			out[i] = mapPoints(part, to).(orb.Polygon)
		}
		return out
	case orb.Collection:
		out := make(orb.Collection, len(g))
		for i, part := range g {
			out[i] = mapPoints(part, to)
		}
		return out
	default:
		return g
	}
}
