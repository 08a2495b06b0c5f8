package annotation

import (
	"math"

	"github.com/paulmach/orb"
)

// Symbol is how a point is drawn.
type Symbol string

// The symbols, in full-resolution pixels around the point (pims-api §4.10).
const (
	Cross     Symbol = "CROSS"     // arms of 10
	CrossHair Symbol = "CROSSHAIR" // arms from 3 to 10 and a circle of radius 6
	Circle    Symbol = "CIRCLE"    // of radius 6
)

// Symbols are all of them.
func Symbols() []string { return []string{string(Cross), string(CrossHair), string(Circle)} }

const (
	symbolArm    = 10
	symbolGap    = 3
	symbolRadius = 6
	quarter      = 16 // segments a quarter of a circle
)

// contour is the lines that stand for a geometry: the rings of areas, lines
// themselves, symbols for points.
func contour(g orb.Geometry, symbol Symbol) []orb.LineString {
	switch g := g.(type) {
	case orb.Point:
		return symbolLines(g, symbol)
	case orb.MultiPoint:
		var out []orb.LineString
		for _, p := range g {
			out = append(out, symbolLines(p, symbol)...)
		}
		return out
	case orb.LineString:
		return []orb.LineString{g}
	case orb.MultiLineString:
		return g
	case orb.Polygon:
		out := make([]orb.LineString, len(g))
		for i, ring := range g {
			out[i] = orb.LineString(ring)
		}
		return out
	case orb.MultiPolygon:
		var out []orb.LineString
		for _, part := range g {
			out = append(out, contour(part, symbol)...)
		}
		return out
	case orb.Collection:
		var out []orb.LineString
		for _, part := range g {
			out = append(out, contour(part, symbol)...)
		}
		return out
	}
	return nil
}

func symbolLines(p orb.Point, symbol Symbol) []orb.LineString {
	x, y := middle(p[0]), middle(p[1])
	arm := func(dx, dy, from float64) orb.LineString {
		return orb.LineString{{x + dx*from, y + dy*from}, {x + dx*symbolArm, y + dy*symbolArm}}
	}
	switch symbol {
	case Circle:
		return []orb.LineString{circle(x, y)}
	case CrossHair:
		return []orb.LineString{
			circle(x, y), arm(-1, 0, symbolGap), arm(1, 0, symbolGap), arm(0, -1, symbolGap), arm(0, 1, symbolGap),
		}
	default:
		return []orb.LineString{arm(1, 0, -symbolArm), arm(0, 1, -symbolArm)}
	}
}

// middle moves a coordinate in the first half of a pixel to its middle.
func middle(v float64) float64 {
	if floor := math.Floor(v); v-floor < 0.5 {
		return floor + 0.5
	}
	return v
}

func circle(x, y float64) orb.LineString {
	out := make(orb.LineString, 4*quarter+1)
	for i := range out {
		sin, cos := math.Sincos(float64(i) * math.Pi / (2 * quarter))
		out[i] = orb.Point{x + symbolRadius*cos, y - symbolRadius*sin}
	}
	out[4*quarter] = out[0]
	return out
}

// strokePixels is the stroke's width in a picture whose larger side is given
// (pims-api §4.10).
func strokePixels(width, largerSidePx int) int {
	return int(math.RoundToEven(float64(width) * (0.75 + float64(largerSidePx)/1000)))
}

// strokeRadius is how far a stroke of more than one pixel reaches to either
// side of its line.
func strokeRadius(strokePx int) float64 { return 1 + float64(strokePx-1)/10 }
