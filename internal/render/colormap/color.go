package colormap

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/image/colornames"
)

// Color is an opaque colour of 8 bits a component.
type Color struct{ R, G, B uint8 }

func (c Color) grey() bool { return c.R == c.G && c.G == c.B }

// Grey tells a colour without hue.
func (c Color) Grey() bool { return c.grey() }

// String is the colour's CSS name, else its shortest hex form. Of two names it
// is "grey", "cyan", "magenta" (pims-api §3.0.6).
func (c Color) String() string {
	var names []string
	for name, v := range colornames.Map {
		if (Color{v.R, v.G, v.B}) == c {
			names = append(names, name)
		}
	}
	slices.Sort(names) // aqua, cyan; fuchsia, magenta; gray, grey
	if len(names) > 0 {
		return names[len(names)-1]
	}
	return c.Hex()
}

// Hex is "#rgb" where that says it, else "#rrggbb".
func (c Color) Hex() string {
	if c.R%17 == 0 && c.G%17 == 0 && c.B%17 == 0 {
		return fmt.Sprintf("#%x%x%x", c.R/17, c.G/17, c.B/17)
	}
	return fmt.Sprintf("#%02x%02x%02x", c.R, c.G, c.B)
}

// ParseColor reads a CSS colour in any case: a name, hex digits (three, four,
// six or eight after "#", "0x" or nothing), rgb(), rgba(), hsl() or hsla().
// Alpha must be right but is left out.
func ParseColor(text string) (Color, bool) {
	text = strings.ToLower(strings.TrimSpace(text))
	if c, ok := colornames.Map[text]; ok {
		return Color{c.R, c.G, c.B}, true
	}
	if name, arguments, ok := strings.Cut(text, "("); ok {
		arguments, ok = strings.CutSuffix(arguments, ")")
		if !ok {
			return Color{}, false
		}
		return parseFunction(strings.TrimSpace(name), strings.Split(arguments, ","))
	}
	digits, ok := strings.CutPrefix(text, "#")
	if !ok {
		digits = strings.TrimPrefix(text, "0x")
	}
	return parseHex(digits)
}

func parseHex(digits string) (Color, bool) {
	if len(digits) == 3 || len(digits) == 4 {
		var long []byte
		for i := range len(digits) {
			long = append(long, digits[i], digits[i])
		}
		digits = string(long)
	}
	if len(digits) != 6 && len(digits) != 8 {
		return Color{}, false
	}
	v, err := strconv.ParseUint(digits, 16, 32)
	if err != nil {
		return Color{}, false
	}
	if len(digits) == 8 {
		v >>= 8
	}
	return Color{uint8(v >> 16), uint8(v >> 8), uint8(v)}, true
}

func parseFunction(name string, arguments []string) (Color, bool) {
	base, alpha := strings.CutSuffix(name, "a")
	if alpha {
		if len(arguments) != 4 {
			return Color{}, false
		}
		if _, ok := fraction(arguments[3], 1); !ok {
			return Color{}, false
		}
		arguments = arguments[:3]
	}
	if len(arguments) != 3 {
		return Color{}, false
	}
	switch base {
	case "rgb":
		var out [3]uint8
		for i, argument := range arguments {
			v, ok := plainNumber(argument)
			if !ok || v < 0 || v > 255 {
				return Color{}, false
			}
			out[i] = uint8(math.RoundToEven(v))
		}
		return Color{out[0], out[1], out[2]}, true
	case "hsl":
		hue, ok := turns(arguments[0])
		saturation, okS := fraction(arguments[1], 100)
		lightness, okL := fraction(arguments[2], 100)
		if !ok || !okS || !okL || !percent(arguments[1]) || !percent(arguments[2]) {
			return Color{}, false
		}
		return fromHSL(hue, saturation, lightness), true
	}
	return Color{}, false
}

// plainNumber reads digits with an optional sign and fraction: no exponents, no
// names of values that are no numbers.
func plainNumber(text string) (float64, bool) {
	text = strings.TrimSpace(text)
	if strings.Trim(text, "+-.0123456789") != "" {
		return 0, false
	}
	v, err := strconv.ParseFloat(text, 64)
	return v, err == nil
}

func percent(text string) bool { return strings.HasSuffix(strings.TrimSpace(text), "%") }

// fraction reads "50%" or a number of `whole` as a part of 1.
func fraction(text string, whole float64) (float64, bool) {
	text = strings.TrimSpace(text)
	if number, ok := strings.CutSuffix(text, "%"); ok {
		text, whole = number, 100
	}
	v, ok := plainNumber(text)
	v /= whole
	return v, ok && v >= 0 && v <= 1
}

// turns reads an angle in degrees, or with its unit.
func turns(text string) (float64, bool) {
	text, whole := strings.TrimSpace(text), 360.0
	for unit, size := range map[string]float64{"deg": 360, "rad": 2 * math.Pi, "turn": 1} {
		if number, ok := strings.CutSuffix(text, unit); ok {
			text, whole = number, size
			break
		}
	}
	v, ok := plainNumber(text)
	v /= whole
	return v - math.Floor(v), ok
}

// fromHSL is CSS Color 3 §4.2.4.
func fromHSL(h, s, l float64) Color {
	high := l + s - l*s
	if l <= 0.5 {
		high = l * (s + 1)
	}
	low := 2*l - high
	component := func(h float64) uint8 {
		h -= math.Floor(h)
		v := low
		switch {
		case h < 1.0/6:
			v = low + (high-low)*h*6
		case h < 0.5:
			v = high
		case h < 2.0/3:
			v = low + (high-low)*(2.0/3-h)*6
		}
		return uint8(math.RoundToEven(v * 255))
	}
	return Color{component(h + 1.0/3), component(h), component(h - 1.0/3)}
}
