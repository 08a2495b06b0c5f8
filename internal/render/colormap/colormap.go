// Package colormap has the colours that intensities are shown in: the tables of
// pims-api §8.4 and gradients from black to any CSS colour (§3.0.6).
package colormap

import (
	_ "embed"
	"strings"

	"github.com/pims-cloud/pims/internal/color"
)

// The types of colormaps, as the catalogue names them.
const (
	PerceptualUniform = "PERCEPTUAL_UNIFORM"
	Sequential        = "SEQUENTIAL"
	Diverging         = "DIVERGING"
	Cyclic            = "CYCLIC"
	Qualitative       = "QUALITATIVE"
	Miscellaneous     = "MISCELLANEOUS"
)

//go:embed maps.txt
var maps string

// Map is one colormap. It is immutable and safe for concurrent use.
type Map struct {
	// ID is upper case, with "!" in front when inverted. A colour's is its CSS
	// name, else its short hex form.
	ID   string
	Name string // for people
	Type string // "" for a colour

	inverted   bool
	color      *color.Color // a gradient from black; nil for a table
	kind, data string       // of a table, see maps.txt
}

// List is all tables, not inverted, in the catalogue's order.
func List() []*Map {
	var out []*Map
	for line := range strings.Lines(maps) {
		if m := parseLine(line); m != nil {
			out = append(out, m)
		}
	}
	return out
}

// parseLine is nil for a comment.
func parseLine(line string) *Map {
	fields := strings.SplitN(strings.TrimSuffix(line, "\n"), "|", 5)
	if len(fields) != 5 || strings.HasPrefix(line, "#") {
		return nil
	}
	return &Map{ID: fields[0], Name: fields[1], Type: fields[2], kind: fields[3], data: fields[4]}
}

// Find gives a table by its id, in any case; "!" in front inverts it.
func Find(id string) (*Map, bool) {
	name, inverted := strings.CutPrefix(strings.ToUpper(id), "!")
	start := strings.Index(maps, "\n"+name+"|")
	if start < 0 || strings.ContainsAny(name, "|\n") {
		return nil, false
	}
	line, _, _ := strings.Cut(maps[start+1:], "\n")
	m := parseLine(line)
	if inverted {
		m = m.Inverse()
	}
	return m, true
}

// Parse gives a table or, when there is none of that id, the gradient of a CSS
// colour; "!" in front inverts both.
func Parse(id string) (*Map, bool) {
	if m, ok := Find(id); ok {
		return m, true
	}
	text, inverted := strings.CutPrefix(id, "!")
	c, ok := color.Parse(text)
	if !ok {
		return nil, false
	}
	m := Of(c)
	if inverted {
		m = m.Inverse()
	}
	return m, true
}

// Of is the gradient from black to a colour.
func Of(c color.Color) *Map { return &Map{ID: c.ID(), Name: strings.ToLower(c.ID()), color: &c} }

// Inverse is the map read from its end.
func (m *Map) Inverse() *Map {
	out := *m
	out.inverted = !m.inverted
	if out.inverted {
		out.ID, out.Name = "!"+m.ID, m.Name+" (Inverted)"
	} else {
		out.ID, out.Name = strings.TrimPrefix(m.ID, "!"), strings.TrimSuffix(m.Name, " (Inverted)")
	}
	return &out
}

// Is tells the gradient from black to exactly this colour.
func (m *Map) Is(c color.Color) bool { return m.color != nil && !m.inverted && *m.color == c }

// Black tells a map that shows nothing, which makes its channel useless
// (pims-api §3.0.7).
func (m *Map) Black() bool { return m.color != nil && *m.color == color.Color{} }

// Components is 1 for the gradient to a grey, else 3 (pims-api §4.4).
func (m *Map) Components() int {
	if m.color != nil && m.color.Grey() {
		return 1
	}
	return 3
}
