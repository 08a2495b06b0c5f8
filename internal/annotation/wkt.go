package annotation

import (
	"errors"
	"strconv"
	"strings"

	"github.com/paulmach/orb"
)

// errGrammar is any breach of a grammar; clients are told no more than PIMS
// tells them.
var errGrammar = errors.New("not in the grammar")

// wktReader is a recursive descent over OGC 06-103r4 §7 (well-known text), in
// one pass. orb's own reader is not used: it takes bare prefixes for types, and
// nested collections cost it quadratic time.
type wktReader struct {
	text     string
	at       int
	vertices int
}

// parseWKT reads a whole text; the error is errGrammar or of kind TooLarge.
func parseWKT(text string) (orb.Geometry, error) {
	r := &wktReader{text: text}
	g, err := r.geometry(0)
	if err != nil {
		return nil, err
	}
	if r.space(); r.at != len(r.text) {
		return nil, errGrammar
	}
	return g, nil
}

func (r *wktReader) space() {
	for r.at < len(r.text) && strings.IndexByte(" \t\r\n", r.text[r.at]) >= 0 {
		r.at++
	}
}

// take skips one character when it comes next.
func (r *wktReader) take(c byte) bool {
	r.space()
	if r.at < len(r.text) && r.text[r.at] == c {
		r.at++
		return true
	}
	return false
}

// word reads letters, in upper case; "" when something else comes.
func (r *wktReader) word() string {
	r.space()
	start := r.at
	for r.at < len(r.text) && (r.text[r.at]|0x20 >= 'a' && r.text[r.at]|0x20 <= 'z') {
		r.at++
	}
	const longest = len("GEOMETRYCOLLECTION")
	if r.at-start > longest {
		return r.text[start:r.at]
	}
	return strings.ToUpper(r.text[start:r.at])
}

// number reads digits, sign, fraction, exponent.
func (r *wktReader) number() (float64, bool) {
	r.space()
	start := r.at
	for r.at < len(r.text) && strings.IndexByte("+-.0123456789eE", r.text[r.at]) >= 0 {
		r.at++
	}
	v, err := strconv.ParseFloat(r.text[start:r.at], 64)
	return v, err == nil
}

// point reads "x y" with up to two more ordinates, which are dropped.
func (r *wktReader) point() (p orb.Point, err error) {
	if r.vertices++; r.vertices > MaxVertices {
		return p, tooComplex("vertices", MaxVertices)
	}
	for i := range p {
		v, ok := r.number()
		if !ok {
			return p, errGrammar
		}
		p[i] = v
	}
	for range 2 {
		at := r.at
		if _, ok := r.number(); !ok {
			r.at = at
			break
		}
	}
	return p, nil
}

// list reads "EMPTY" or "(" item "," item … ")".
func (r *wktReader) list(item func() error) error {
	if !r.take('(') {
		if r.word() == "EMPTY" {
			return nil
		}
		return errGrammar
	}
	for {
		if err := item(); err != nil {
			return err
		}
		if r.take(')') {
			return nil
		}
		if !r.take(',') {
			return errGrammar
		}
	}
}

func (r *wktReader) points() (out []orb.Point, err error) {
	err = r.list(func() error {
		p, err := r.point()
		out = append(out, p)
		return err
	})
	return out, err
}

// line reads the vertices of a line: none, or at least two.
func (r *wktReader) line() (orb.LineString, error) {
	ps, err := r.points()
	if err == nil && len(ps) == 1 {
		err = errGrammar
	}
	return ps, err
}

// ring reads the vertices of a closed ring.
func (r *wktReader) ring() (orb.Ring, error) {
	ps, err := r.points()
	if err == nil && !isRing(ps) {
		err = errGrammar
	}
	return ps, err
}

// isRing tells a closed ring of at least four vertices.
func isRing(ps []orb.Point) bool { return len(ps) >= 4 && ps[0] == ps[len(ps)-1] }

func (r *wktReader) polygon() (out orb.Polygon, err error) {
	err = r.list(func() error {
		ring, err := r.ring()
		out = append(out, ring)
		return err
	})
	return out, err
}

// multiPoint takes "((1 2), (3 4))" and the older "(1 2, 3 4)".
func (r *wktReader) multiPoint() (out orb.MultiPoint, err error) {
	err = r.list(func() error {
		if inner := r.take('('); !inner {
			at := r.at
			if r.word() == "EMPTY" {
				return nil
			}
			r.at = at
			p, err := r.point()
			out = append(out, p)
			return err
		}
		p, err := r.point()
		if err == nil && !r.take(')') {
			err = errGrammar
		}
		out = append(out, p)
		return err
	})
	return out, err
}

// geometry reads a tagged text. depth counts the collections around it.
func (r *wktReader) geometry(depth int) (orb.Geometry, error) {
	if depth > maxDepth {
		return nil, tooComplex("collections inside each other", maxDepth)
	}
	name := r.word()
	at := r.at
	switch r.word() { // a dimension, which changes nothing here
	case "Z", "M", "ZM":
	default:
		r.at = at
	}
	switch name {
	case "POINT":
		ps, err := r.points()
		if err != nil || len(ps) > 1 {
			return nil, first(err, errGrammar)
		}
		if len(ps) == 0 {
			return orb.MultiPoint{}, nil
		}
		return ps[0], nil
	case "LINESTRING":
		return typed(r.line())
	case "LINEARRING":
		ring, err := r.ring()
		return orb.LineString(ring), err
	case "POLYGON":
		return typed(r.polygon())
	case "MULTIPOINT":
		return typed(r.multiPoint())
	case "MULTILINESTRING":
		var out orb.MultiLineString
		err := r.list(func() error {
			line, err := r.line()
			if len(line) > 0 {
				out = append(out, line)
			}
			return err
		})
		return out, err
	case "MULTIPOLYGON":
		var out orb.MultiPolygon
		err := r.list(func() error {
			p, err := r.polygon()
			out = append(out, p)
			return err
		})
		return out, err
	case "GEOMETRYCOLLECTION":
		var out orb.Collection
		err := r.list(func() error {
			g, err := r.geometry(depth + 1)
			out = append(out, g)
			return err
		})
		return out, err
	}
	return nil, errGrammar
}

// typed keeps a typed nil out of the interface.
func typed[G orb.Geometry](g G, err error) (orb.Geometry, error) {
	if err != nil {
		return nil, err
	}
	return g, nil
}

func first(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
