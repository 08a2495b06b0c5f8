package dicom

import (
	"context"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/suyashkumar/dicom/pkg/tag"
)

// text is the value of a textual element, without padding. What is not UTF-8 is
// taken as Latin-1, the first of DICOM's other character sets.
func (d *dataset) text(ctx context.Context, e element) (string, error) {
	if e.length <= 0 {
		return "", nil
	}
	b, err := d.bytes(ctx, e.offset, min(e.length, maxValueBytes))
	if err != nil {
		return "", err
	}
	s := strings.Trim(string(b), " \x00")
	if utf8.ValidString(s) {
		return s, nil
	}
	latin := make([]rune, 0, len(s))
	for i := range len(s) {
		latin = append(latin, rune(s[i]))
	}
	return string(latin), nil
}

// textOf is the text of a tag, "" when it is absent.
func (d *dataset) textOf(ctx context.Context, t tag.Tag) (string, error) {
	e, ok := d.find(t)
	if !ok {
		return "", nil
	}
	return d.text(ctx, e)
}

// values gives an element's values as string, int64 or float64; nil for
// sequences and bulk data.
func (d *dataset) values(ctx context.Context, e element) ([]any, error) {
	switch e.vr {
	case "SQ", "OB", "OW", "OD", "OF", "OL", "OV", "UN":
		return nil, nil
	case "US", "SS", "UL", "SL", "FL", "FD", "AT", "UV", "SV":
		return d.numbers(ctx, e)
	case "LT", "ST", "UT", "UR":
		s, err := d.text(ctx, e)
		return []any{s}, err
	}
	s, err := d.text(ctx, e)
	if err != nil {
		return nil, err
	}
	var out []any
	for _, part := range strings.Split(s, `\`) {
		out = append(out, scalar(e.vr, strings.TrimSpace(part)))
	}
	return out, nil
}

// scalar reads numbers that are written as text (PS3.5 §6.2).
func scalar(vr, s string) any {
	switch vr {
	case "IS":
		if n, err := strconv.ParseInt(s, 10, 64); err == nil {
			return n
		}
	case "DS":
		if f, err := strconv.ParseFloat(s, 64); err == nil && !math.IsNaN(f) && !math.IsInf(f, 0) {
			return f
		}
	}
	return s
}

func (d *dataset) numbers(ctx context.Context, e element) ([]any, error) {
	size := int64(4)
	switch e.vr {
	case "US", "SS":
		size = 2
	case "FD", "UV", "SV":
		size = 8
	}
	length := min(e.length, maxValueBytes) / size * size
	if length <= 0 {
		return nil, nil
	}
	b, err := d.bytes(ctx, e.offset, length)
	if err != nil {
		return nil, err
	}
	var out []any
	for ; len(b) > 0; b = b[size:] {
		switch e.vr {
		case "US":
			out = append(out, int64(d.order.Uint16(b)))
		case "SS":
			out = append(out, int64(int16(d.order.Uint16(b))))
		case "UL":
			out = append(out, int64(d.order.Uint32(b)))
		case "SL":
			out = append(out, int64(int32(d.order.Uint32(b))))
		case "AT":
			out = append(out, tag.Tag{Group: d.order.Uint16(b), Element: d.order.Uint16(b[2:])}.String())
		case "FL":
			out = append(out, float64(math.Float32frombits(d.order.Uint32(b))))
		case "FD":
			out = append(out, math.Float64frombits(d.order.Uint64(b)))
		default:
			out = append(out, int64(d.order.Uint64(b)))
		}
	}
	return out, nil
}

// number is the first value of a tag as a whole number.
func (d *dataset) number(ctx context.Context, t tag.Tag) (n int64, ok bool, err error) {
	e, ok := d.find(t)
	if !ok {
		return 0, false, nil
	}
	values, err := d.values(ctx, e)
	if err != nil || len(values) == 0 {
		return 0, false, err
	}
	switch v := values[0].(type) {
	case int64:
		return v, true, nil
	case float64:
		return int64(v), true, nil
	}
	return 0, false, nil
}

// moment joins a date and a time (PS3.5 §6.2: YYYYMMDD, HHMMSS.FFFFFF with
// parts left out from the right); nil when there is no valid date.
func moment(date, clock string) *time.Time {
	date, clock = strings.ReplaceAll(date, ".", ""), strings.ReplaceAll(clock, ":", "")
	whole, _, _ := strings.Cut(clock, ".")
	if date == "" || whole == "" {
		return nil
	}
	t, err := time.Parse("20060102150405", date+(whole + "000000")[:6])
	if err != nil {
		return nil
	}
	return &t
}
