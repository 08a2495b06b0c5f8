package annotation

import (
	"encoding/json"

	"github.com/paulmach/orb"
)

// geoJSON is any geometry object of RFC 7946, and a Feature around one.
type geoJSON struct {
	Type        string            `json:"type"`
	Coordinates json.RawMessage   `json:"coordinates"`
	Geometries  []json.RawMessage `json:"geometries"`
	Geometry    json.RawMessage   `json:"geometry"`
}

// position is the ordinates of a vertex; those after the second are dropped.
type position []float64

// parseGeoJSON reads a geometry or a feature; coordinates are pixels. The error
// is errGrammar or of kind TooLarge.
func parseGeoJSON(text string) (orb.Geometry, error) {
	vertices := 0
	return decodeGeoJSON([]byte(text), 0, &vertices)
}

func decodeGeoJSON(text []byte, depth int, vertices *int) (orb.Geometry, error) {
	if depth > maxDepth {
		return nil, tooComplex("collections inside each other", maxDepth)
	}
	var object geoJSON
	if err := json.Unmarshal(text, &object); err != nil {
		return nil, errGrammar
	}
	switch object.Type {
	case "Feature":
		if depth > 0 || len(object.Geometry) == 0 {
			return nil, errGrammar
		}
		return decodeGeoJSON(object.Geometry, depth+1, vertices)
	case "GeometryCollection":
		out := make(orb.Collection, 0, len(object.Geometries))
		for _, part := range object.Geometries {
			g, err := decodeGeoJSON(part, depth+1, vertices)
			if err != nil {
				return nil, err
			}
			out = append(out, g)
		}
		return out, nil
	}
	g, err := decodeCoordinates(object)
	if err != nil {
		return nil, err
	}
	if *vertices += Vertices(g); *vertices > MaxVertices {
		return nil, tooComplex("vertices", MaxVertices)
	}
	return g, nil
}

func decodeCoordinates(object geoJSON) (orb.Geometry, error) {
	switch object.Type {
	case "Point":
		p, err := decode[position](object)
		if err != nil || len(p) == 0 {
			return orb.MultiPoint{}, err
		}
		ps, err := toPoints([]position{p})
		if err != nil {
			return nil, err
		}
		return ps[0], nil
	case "MultiPoint":
		ps, err := decode[[]position](object)
		points, err := toPoints(ps, err)
		return orb.MultiPoint(points), err
	case "LineString":
		ps, err := decode[[]position](object)
		line, err := toLine(ps, err)
		return line, err
	case "MultiLineString":
		lines, err := decode[[][]position](object)
		out := make(orb.MultiLineString, len(lines))
		for i, ps := range lines {
			out[i], err = toLine(ps, err)
		}
		return out, err
	case "Polygon":
		rings, err := decode[[][]position](object)
		return toPolygon(rings, err)
	case "MultiPolygon":
		parts, err := decode[[][][]position](object)
		out := make(orb.MultiPolygon, len(parts))
		for i, rings := range parts {
			out[i], err = toPolygon(rings, err)
		}
		return out, err
	}
	return nil, errGrammar
}

func decode[T any](object geoJSON) (out T, err error) {
	if json.Unmarshal(object.Coordinates, &out) != nil {
		err = errGrammar
	}
	return out, err
}

// toPoints gives the vertices, or the first of the errors so far.
func toPoints(ps []position, before ...error) ([]orb.Point, error) {
	if err := first(before...); err != nil {
		return nil, err
	}
	out := make([]orb.Point, len(ps))
	for i, p := range ps {
		if len(p) < 2 {
			return nil, errGrammar
		}
		out[i] = orb.Point{p[0], p[1]}
	}
	return out, nil
}

func toLine(ps []position, before error) (orb.LineString, error) {
	line, err := toPoints(ps, before)
	if err == nil && len(line) == 1 {
		err = errGrammar
	}
	return line, err
}

func toPolygon(rings [][]position, before error) (orb.Polygon, error) {
	out := make(orb.Polygon, len(rings))
	err := before
	for i, ps := range rings {
		var ring []orb.Point
		if ring, err = toPoints(ps, err); err == nil && !isRing(ring) {
			err = errGrammar
		}
		out[i] = ring
	}
	return out, err
}
