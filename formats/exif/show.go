package exif

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"

	"github.com/pims-cloud/pims/formats/plainimage"
	"github.com/pims-cloud/pims/tiff"
)

// maxShownValues is up to how many numbers an unknown entry is shown.
const maxShownValues = 16

// show turns a stored value into what is shown; ok is false for what is not.
func (b *Block) show(def definition, v tiff.Value) (shown any, ok bool) {
	switch def.as {
	case asBytesText:
		return plainimage.Text(v.Bytes), len(v.Bytes) > 0
	case asComment:
		return b.comment(v.Bytes)
	case asWideText:
		return utf16Text(v.Bytes, binary.LittleEndian), len(v.Bytes) > 1
	case asComponents:
		return components(v.Bytes)
	case asInterop:
		return interop(strings.TrimRight(v.Text, " \x00")), v.Text != ""
	case asCompass:
		letter := strings.TrimRight(v.Text, " \x00")
		name, ok := map[string]string{"N": "North", "S": "South", "E": "East", "W": "West"}[strings.ToUpper(letter)]
		if !ok {
			name = "Unknown (" + letter + ")"
		}
		return name, letter != ""
	case asVersionBytes:
		return join(bytesAsInts(v.Bytes), "."), len(v.Bytes) > 0
	}
	numbers := numbersOf(v)
	if len(numbers) == 0 {
		text := strings.TrimRight(v.Text, " \x00")
		return plainimage.Scalar(text), v.Type == tiff.ASCII && text != ""
	}
	if def.as == asChoice {
		return choice(def, numbers[0]), true
	}
	return measure(def.as, numbers)
}

// measure shows numbers with what belongs to them.
func measure(as display, n []float64) (any, bool) {
	switch as {
	case asExposure:
		return plainimage.Scalar(exposure(n[0])), true
	case asShutter:
		return plainimage.Scalar(exposure(math.Exp2(-n[0]))), true
	case asAperture:
		return plainimage.Scalar(strconv.FormatFloat(math.Exp2(n[0]/2), 'f', 1, 64)), true
	case asFNumber:
		decimals := 1
		if n[0] > 0 && n[0] < 1 {
			decimals = 2
		}
		return plainimage.Scalar(strconv.FormatFloat(n[0], 'f', decimals, 64)), true
	case asFraction:
		return plainimage.Scalar(fraction(n[0])), true
	case asMillimetres:
		return strconv.FormatFloat(n[0], 'f', 1, 64) + " mm", true
	case asWholeMillimetres:
		return number(n[0]) + " mm", true
	case asMetres:
		return number(n[0]) + " m", true
	case asDegrees:
		return degrees(n), true
	case asClock:
		if len(n) < 3 {
			return nil, false
		}
		return fmt.Sprintf("%02d:%02d:%s", int(n[0]), int(n[1]), twoDigits(n[2])), true
	}
	return plainimage.Scalar(join(n, " ")), true
}

// numbersOf are the value's numbers; of bytes only a few, more are no numbers.
func numbersOf(v tiff.Value) []float64 {
	var out []float64
	for _, i := range v.Ints {
		out = append(out, float64(i))
	}
	for _, u := range v.Uints {
		out = append(out, float64(u))
	}
	out = append(out, v.Floats...)
	for _, r := range v.Ratios {
		out = append(out, float64(r.Num)/float64(r.Den))
	}
	if len(v.Bytes) <= 8 {
		out = append(out, bytesAsInts(v.Bytes)...)
	}
	return out
}

func bytesAsInts(b []byte) []float64 {
	out := make([]float64, len(b))
	for i, c := range b {
		out[i] = float64(c)
	}
	return out
}

// unshowable tells what exiftool shows as a placeholder for binary data.
func unshowable(v tiff.Value) bool {
	return len(v.Bytes) > 0 || len(v.Ints)+len(v.Uints)+len(v.Floats)+len(v.Ratios) > maxShownValues
}

// number is exiftool's notation: up to 10 digits; what division by zero gives
// is "inf" and "undef".
func number(f float64) string {
	switch {
	case math.IsNaN(f):
		return "undef"
	case math.IsInf(f, 0):
		return "inf"
	}
	return strconv.FormatFloat(rounded(f, 10), 'g', -1, 64)
}

// rounded keeps so many significant digits, and notes whole numbers in full.
func rounded(f float64, digits int) float64 {
	if r, err := strconv.ParseFloat(strconv.FormatFloat(f, 'g', digits, 64), 64); err == nil && math.Abs(f) < 1e10 {
		return r
	}
	return f
}

func join(n []float64, by string) string {
	parts := make([]string, len(n))
	for i, f := range n {
		if f == math.Trunc(f) && math.Abs(f) < 1e15 {
			parts[i] = strconv.FormatInt(int64(f), 10)
			continue
		}
		parts[i] = number(f)
	}
	return strings.Join(parts, by)
}

// exposure is "1/60" below a quarter of a second, else decimals.
func exposure(seconds float64) string {
	if seconds > 0 && seconds < 0.25001 {
		return "1/" + strconv.Itoa(int(math.Min(0.5+1/seconds, math.MaxInt32)))
	}
	return strings.TrimSuffix(strconv.FormatFloat(seconds, 'f', 1, 64), ".0")
}

// fraction is a step of the exposure: halves and thirds as such.
func fraction(f float64) string {
	near := func(n float64) bool { return math.Abs(n-math.Round(n)) < 0.001 }
	switch {
	case f == 0 || math.IsNaN(f) || math.IsInf(f, 0):
		return number(f)
	case near(f):
		return fmt.Sprintf("%+.0f", f)
	case near(2 * f):
		return fmt.Sprintf("%+.0f/2", 2*f)
	case near(3 * f):
		return fmt.Sprintf("%+.0f/3", 3*f)
	}
	return fmt.Sprintf("%+.3g", f)
}

func interop(index string) string {
	name, ok := map[string]string{
		"R98": "R98 - DCF basic file (sRGB)", "R03": "R03 - DCF option file (Adobe RGB)", "THM": "THM - DCF thumbnail file",
	}[index]
	if !ok {
		return "Unknown (" + index + ")"
	}
	return name
}

// degrees is an angle of degrees, minutes and seconds.
func degrees(n []float64) string {
	angle := 0.0
	for i, part := range n[:min(len(n), 3)] {
		angle += part / math.Pow(60, float64(i))
	}
	if math.IsNaN(angle) || math.IsInf(angle, 0) {
		return "undef"
	}
	whole := math.Trunc(angle)
	minutes := (angle - whole) * 60
	seconds := (minutes - math.Trunc(minutes)) * 60
	return fmt.Sprintf("%d deg %d' %.2f\"", int(whole), int(minutes), seconds)
}

func twoDigits(seconds float64) string {
	if seconds == math.Trunc(seconds) {
		return fmt.Sprintf("%02d", int(seconds))
	}
	text := strconv.FormatFloat(seconds, 'f', -1, 64)
	if seconds < 10 {
		return "0" + text
	}
	return text
}

// comment is a UserComment: 8 bytes that name the character set, and the text.
func (b *Block) comment(raw []byte) (any, bool) {
	if len(raw) < 8 {
		return nil, false
	}
	set, body := string(bytes.TrimRight(raw[:8], "\x00 ")), raw[8:]
	text := ""
	switch set {
	case "UNICODE":
		text = utf16Text(body, b.order)
	default:
		text = plainimage.Text(body)
	}
	text = strings.TrimRight(text, " \x00")
	return plainimage.Scalar(text), text != ""
}

func utf16Text(b []byte, order binary.ByteOrder) string {
	units := make([]uint16, 0, len(b)/2)
	for ; len(b) >= 2; b = b[2:] {
		unit := order.Uint16(b)
		if unit == 0 {
			break
		}
		units = append(units, unit)
	}
	return string(utf16.Decode(units))
}

// components is ComponentsConfiguration: what the four channels mean.
func components(raw []byte) (any, bool) {
	names := []string{"-", "Y", "Cb", "Cr", "R", "G", "B"}
	var out []string
	for _, c := range raw {
		name := "Err (" + strconv.Itoa(int(c)) + ")"
		if int(c) < len(names) {
			name = names[c]
		}
		out = append(out, name)
	}
	return strings.Join(out, ", "), len(out) > 0 && len(out) <= 8
}

// choice is the name of an enumerated value, "Unknown (7)" when it has none.
func choice(def definition, n float64) string {
	for _, c := range def.choices {
		if float64(c.value) == n {
			return c.name
		}
	}
	return "Unknown (" + number(n) + ")"
}
