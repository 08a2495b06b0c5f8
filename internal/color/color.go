// Package color reads and names colours as CSS writes them, with the rules of
// PIMS (pims-api §3.0.6): the colours of channels, colormaps and annotations.
package color

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/image/colornames"
)

// Color is an opaque colour, 8 bits a component. The zero value is black.
type Color struct{ R, G, B uint8 }

// Grey tells whether all components are equal.
func (c Color) Grey() bool { return c.R == c.G && c.G == c.B }

// Luminance is the grey, 0 … 255, that looks as light as the colour: linear
// light weighted by Rec. 709, with the sRGB curve (pims-api §4.8).
func (c Color) Luminance() uint8 {
	y := 0.2126*linear(c.R) + 0.7152*linear(c.G) + 0.0722*linear(c.B)
	if y <= 0.0031308 {
		y *= 12.92
	} else {
		y = 1.055*math.Pow(y, 1/2.4) - 0.055
	}
	return uint8(math.RoundToEven(y * 255))
}

func linear(v uint8) float64 {
	x := float64(v) / 255
	if x <= 0.04045 {
		return x / 12.92
	}
	return math.Pow((x+0.055)/1.055, 2.4)
}

// Parse reads a colour in any case: a CSS name, #rgb, #rgba, #rrggbb, #rrggbbaa,
// the same with 0x or without a mark, rgb(), rgba(), hsl() and hsla(). Alpha is
// checked and ignored.
func Parse(text string) (c Color, ok bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if named, ok := colornames.Map[text]; ok {
		return Color{named.R, named.G, named.B}, true
	}
	name, rest, isCall := strings.Cut(text, "(")
	if !isCall {
		return parseHex(text)
	}
	arguments, closed := strings.CutSuffix(rest, ")")
	if !closed {
		return Color{}, false
	}
	values := split(arguments)
	if len(values) != 3 && (len(values) != 4 || !isAlpha(values[3])) {
		return Color{}, false
	}
	switch name {
	case "rgb", "rgba":
		return parseRGB(values)
	case "hsl", "hsla":
		return parseHSL(values)
	}
	return Color{}, false
}

func parseHex(text string) (Color, bool) {
	if rest, ok := strings.CutPrefix(text, "#"); ok {
		text = rest
	} else {
		text = strings.TrimPrefix(text, "0x")
	}
	if len(text) == 3 || len(text) == 4 {
		var long strings.Builder
		for i := range len(text) {
			long.WriteByte(text[i])
			long.WriteByte(text[i])
		}
		text = long.String()
	}
	if len(text) != 6 && len(text) != 8 {
		return Color{}, false
	}
	v, err := strconv.ParseUint(text, 16, 32)
	if len(text) == 8 {
		v >>= 8
	}
	return Color{uint8(v >> 16), uint8(v >> 8), uint8(v)}, err == nil
}

// split takes the comma form, "1, 2, 3", and the modern one, "1 2 3 / 4".
func split(arguments string) []string {
	if strings.Contains(arguments, ",") {
		values := strings.Split(arguments, ",")
		for i, v := range values {
			values[i] = strings.TrimSpace(v)
		}
		return values
	}
	colors, alpha, hasAlpha := strings.Cut(arguments, "/")
	values := strings.Fields(colors)
	if hasAlpha {
		if len(values) != 3 {
			return nil
		}
		values = append(values, strings.TrimSpace(alpha))
	}
	return values
}

// decimal is a number as CSS writes it: no exponent, no words.
var decimal = regexp.MustCompile(`^[+-]?(\d+(\.\d*)?|\.\d+)$`)

func number(text string) (float64, bool) {
	if len(text) > 32 || !decimal.MatchString(text) {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

func between(text string, top float64) (float64, bool) {
	v, ok := number(text)
	return v, ok && v >= 0 && v <= top
}

func isAlpha(text string) bool {
	if percent, ok := strings.CutSuffix(text, "%"); ok {
		_, ok = between(percent, 100)
		return ok
	}
	_, ok := between(text, 1)
	return ok
}

func parseRGB(values []string) (c Color, ok bool) {
	var parts [3]float64
	for i := range parts {
		if parts[i], ok = between(values[i], 255); !ok {
			return Color{}, false
		}
	}
	return FromComponents(parts), true
}

// FromComponents rounds components in 0 … 255, half to even.
func FromComponents(parts [3]float64) Color {
	at := func(i int) uint8 { return uint8(math.RoundToEven(min(max(parts[i], 0), 255))) }
	return Color{at(0), at(1), at(2)}
}

func parseHSL(values []string) (Color, bool) {
	hue, okH := angle(values[0])
	saturation, okS := percentage(values[1])
	light, okL := percentage(values[2])
	if !okH || !okS || !okL {
		return Color{}, false
	}
	// CSS Color 4, §7.1: component n of hue h, saturation s and lightness l.
	component := func(n float64) float64 {
		k := math.Mod(n+hue*12, 12)
		a := saturation * min(light, 1-light)
		return 255 * (light - a*max(-1, min(k-3, 9-k, 1)))
	}
	return FromComponents([3]float64{component(0), component(8), component(4)}), true
}

// angle is a hue in turns, 0 ≤ hue < 1; without a unit it is in degrees.
func angle(text string) (turns float64, ok bool) {
	scale := 1.0 / 360
	for unit, turn := range map[string]float64{"deg": 1.0 / 360, "turn": 1, "rad": 1 / (2 * math.Pi)} {
		if rest, found := strings.CutSuffix(text, unit); found {
			text, scale = rest, turn
			break
		}
	}
	v, ok := number(text)
	v *= scale
	return v - math.Floor(v), ok
}

func percentage(text string) (float64, bool) {
	text, isPercent := strings.CutSuffix(text, "%")
	v, ok := between(text, 100)
	return v / 100, ok && isPercent
}

// Name is the CSS name of the colour. Of two names it is the later one of the
// alphabet: cyan, grey, magenta.
func (c Color) Name() (name string, ok bool) {
	for _, candidate := range colornames.Names {
		if v := colornames.Map[candidate]; v.R == c.R && v.G == c.G && v.B == c.B && candidate > name {
			name, ok = candidate, true
		}
	}
	return name, ok
}

// ID is PIMS' canonical id of the colour: its name, or the shorter hex form, in
// upper case.
func (c Color) ID() string {
	if name, ok := c.Name(); ok {
		return strings.ToUpper(name)
	}
	if c.R%17 == 0 && c.G%17 == 0 && c.B%17 == 0 {
		return fmt.Sprintf("#%X%X%X", c.R/17, c.G/17, c.B/17)
	}
	return fmt.Sprintf("#%02X%02X%02X", c.R, c.G, c.B)
}
