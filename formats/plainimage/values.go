package plainimage

import (
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pims-cloud/pims/formats/tiffpage"
)

// Scalar reads a shown value as exiftool's JSON does, which PIMS' metadata come
// from: text that is written like a JSON number is a number (int64, float64),
// "true" and "false" are bool, everything else stays text. "0220" is text.
func Scalar(text string) any {
	switch strings.ToLower(text) {
	case "true":
		return true
	case "false":
		return false
	}
	if !jsonNumber(text) {
		return text
	}
	if whole, err := strconv.ParseInt(text, 10, 64); err == nil {
		return whole
	}
	if number, err := strconv.ParseFloat(text, 64); err == nil && !math.IsInf(number, 0) {
		return number
	}
	return text
}

// jsonNumber is exiftool's test: up to 15 digits without leading zeros, up to
// 16 decimals, an exponent.
func jsonNumber(text string) bool {
	rest := strings.TrimPrefix(text, "-")
	digits := span(rest)
	if digits == 0 || digits > 15 || digits > 1 && rest[0] == '0' {
		return false
	}
	rest = rest[digits:]
	if strings.HasPrefix(rest, ".") {
		decimals := span(rest[1:])
		if decimals == 0 || decimals > 16 {
			return false
		}
		rest = rest[1+decimals:]
	}
	if strings.HasPrefix(rest, "e") || strings.HasPrefix(rest, "E") {
		rest = rest[1:]
		if strings.HasPrefix(rest, "+") || strings.HasPrefix(rest, "-") {
			rest = rest[1:]
		}
		exponent := span(rest)
		if exponent == 0 || exponent > 3 {
			return false
		}
		rest = rest[exponent:]
	}
	return rest == ""
}

// span is how many digits text begins with.
func span(text string) int {
	n := 0
	for n < len(text) && text[n] >= '0' && text[n] <= '9' {
		n++
	}
	return n
}

// Text reads bytes as text: up to the first NUL, UTF-8, else Latin-1.
func Text(b []byte) string {
	for i, c := range b {
		if c == 0 {
			b = b[:i]
			break
		}
	}
	if utf8.Valid(b) {
		return string(b)
	}
	return Latin1(b)
}

// Latin1 reads bytes as ISO 8859-1.
func Latin1(b []byte) string {
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// Moment reads a date and time in the forms of pims-api §5.4 and those of PNG's
// and ISO's standards; nil for anything else. The zone is dropped: a slide's
// acquisition is told in its scanner's local time.
func Moment(text string) *time.Time {
	if at := tiffpage.ParseDateTime(text); at != nil {
		return at
	}
	text = strings.TrimSpace(text)
	for _, layout := range []string{
		"2006:01:02 15:04:05.999999999", "2006:01:02 15:04:05Z07:00", time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02 15:04:05",
		time.RFC1123Z, time.RFC1123, "Mon, 2 Jan 2006 15:04:05 MST", "2 Jan 2006 15:04:05 -0700", "2 Jan 2006 15:04:05 MST", time.ANSIC,
	} {
		if at, err := time.Parse(layout, text); err == nil {
			local := time.Date(at.Year(), at.Month(), at.Day(), at.Hour(), at.Minute(), at.Second(), at.Nanosecond(), time.UTC)
			return &local
		}
	}
	return nil
}

// PixelSize is 1 over a resolution of so many pixels per unit, in µm; nil when
// the resolution or the unit is not positive, or the size absurd.
//
// PIMS forgets to invert the resolutions of JPEG, WebP and EXIF (pims-api §9.3
// number 20): its pixels of 72 dpi are 72 inches wide. This is the right value.
func PixelSize(perUnit, unitMicrometres float64) *float64 {
	if !(perUnit > 0) || !(unitMicrometres > 0) {
		return nil
	}
	size := unitMicrometres / perUnit
	if math.IsInf(size, 0) || !(size > 0) {
		return nil
	}
	return &size
}

// The units of resolutions, in µm.
const (
	Inch       = 25_400.0
	Centimetre = 10_000.0
	Metre      = 1_000_000.0
)

// FirstText is the first of some texts that is not blank, nil when all are.
func FirstText(texts ...string) *string {
	for _, text := range texts {
		if strings.TrimSpace(text) != "" {
			return &text
		}
	}
	return nil
}

// FirstMoment is the first of some texts that is a date and time.
func FirstMoment(texts ...string) *time.Time {
	for _, text := range texts {
		if at := Moment(text); at != nil {
			return at
		}
	}
	return nil
}
