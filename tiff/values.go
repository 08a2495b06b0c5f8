package tiff

import (
	"bytes"
	"context"
	"math"
	"strconv"
	"unicode/utf8"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/source"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// Ratio is a fraction as stored; Den may be 0.
type Ratio struct{ Num, Den int64 }

// Value holds all values of one entry. Exactly one of the slices (or Text) is
// filled, chosen by Type.
type Value struct {
	Tag  Tag
	Type Type

	Ints   []int64   // signed types, and unsigned ones except Byte, Undefined and values over 2^63-1
	Uints  []uint64  // Long8 when a value is over 2^63-1
	Floats []float64 // Float and Double
	Ratios []Ratio   // Rational and SRational
	Bytes  []byte    // Byte and Undefined
	Text   string    // ASCII, as from IFD.Text
}

// Uint is the first value of the tag; ok is false when the tag is absent or has
// no values. A negative number or a type without whole numbers is an error of
// kind Corrupt.
func (d *IFD) Uint(ctx context.Context, tag Tag) (v uint64, ok bool, err error) {
	e, ok := d.Entry(tag)
	if !ok || e.Count == 0 {
		return 0, false, nil
	}
	vs, err := d.UintsAt(ctx, tag, 0, 1)
	if err != nil {
		return 0, false, err
	}
	return vs[0], true, nil
}

// Uints are all values of the tag, nil when it is absent.
func (d *IFD) Uints(ctx context.Context, tag Tag) ([]uint64, error) {
	e, ok := d.Entry(tag)
	if !ok || e.Count == 0 {
		return nil, nil
	}
	raw, err := d.raw(ctx, e)
	if err != nil {
		return nil, err
	}
	return d.uints(e, raw)
}

// UintsAt are count values of the tag beginning with number first; only their
// bytes are read. Asking for values that the entry does not have is an error of
// kind Corrupt.
func (d *IFD) UintsAt(ctx context.Context, tag Tag, first, count int) ([]uint64, error) {
	e, ok := d.Entry(tag)
	if !ok {
		return nil, fault.New(fault.Corrupt, "tiff-tag-missing",
			"The directory at byte %d has no tag %s.", d.Offset, tag)
	}
	if first < 0 || count < 0 || uint64(first) > e.Count || uint64(count) > e.Count-uint64(first) {
		return nil, fault.New(fault.Corrupt, "tiff-too-few-values",
			"Tag %s of the directory at byte %d has %d values; values %d to %d were needed.", tag, d.Offset, e.Count, first, first+count-1)
	}
	raw, err := d.rawAt(ctx, e, uint64(first), uint64(count))
	if err != nil {
		return nil, err
	}
	return d.uints(e, raw)
}

// Text is the text of the tag without trailing NULs; ok is false when it is
// absent. Bytes that are not UTF-8 are read as Latin-1, which old writers used.
// Byte and Undefined entries hold text too in some files (XML).
func (d *IFD) Text(ctx context.Context, tag Tag) (s string, ok bool, err error) {
	b, ok, err := d.Bytes(ctx, tag)
	if err != nil || !ok {
		return "", false, err
	}
	return text(b), true, nil
}

func text(b []byte) string {
	b = bytes.TrimRight(b, "\x00")
	if utf8.Valid(b) {
		return string(b)
	}
	runes := make([]rune, len(b))
	for i, c := range b {
		runes[i] = rune(c)
	}
	return string(runes)
}

// Bytes are the stored bytes of the tag's values, in file byte order; ok is
// false when it is absent.
func (d *IFD) Bytes(ctx context.Context, tag Tag) (b []byte, ok bool, err error) {
	e, ok := d.Entry(tag)
	if !ok {
		return nil, false, nil
	}
	b, err = d.raw(ctx, e)
	return b, err == nil, err
}

// Rational is the first value of the tag as a fraction; whole numbers have
// denominator 1, floating-point ones 10^6. ok is false when the tag is absent,
// empty, negative or no number. The denominator may be 0.
func (d *IFD) Rational(ctx context.Context, tag Tag) (num, den uint64, ok bool, err error) {
	e, found := d.Entry(tag)
	if !found || e.Count == 0 {
		return 0, 0, false, nil
	}
	raw, err := d.rawAt(ctx, e, 0, 1)
	if err != nil {
		return 0, 0, false, err
	}
	v, err := d.decode(e, raw)
	if err != nil {
		return 0, 0, false, err
	}
	switch {
	case len(v.Ratios) > 0:
		n, m := v.Ratios[0].Num, v.Ratios[0].Den
		return uint64(n), uint64(m), n >= 0 && m >= 0, nil
	case len(v.Ints) > 0:
		return uint64(v.Ints[0]), 1, v.Ints[0] >= 0, nil
	case len(v.Floats) > 0:
		x := v.Floats[0]
		if !(x >= 0 && x < 1e12) {
			return 0, 0, false, nil
		}
		return uint64(math.Round(x * 1e6)), 1e6, true, nil
	default:
		return 0, 0, false, nil
	}
}

// Value is all values of the tag in their own type; false when it is absent.
func (d *IFD) Value(ctx context.Context, tag Tag) (Value, bool, error) {
	e, ok := d.Entry(tag)
	if !ok {
		return Value{}, false, nil
	}
	raw, err := d.raw(ctx, e)
	if err != nil {
		return Value{}, false, err
	}
	v, err := d.decode(e, raw)
	return v, err == nil, err
}

// raw reads all bytes of an entry's values.
func (d *IFD) raw(ctx context.Context, e Entry) ([]byte, error) {
	return d.rawAt(ctx, e, 0, e.Count)
}

// rawAt reads the bytes of count values from first, which the entry has. The
// whole entry is compared with the file's size, the wanted part with the limit,
// before anything is allocated.
func (d *IFD) rawAt(ctx context.Context, e Entry, first, count uint64) ([]byte, error) {
	size := uint64(e.Type.Size())
	if size == 0 {
		return nil, fault.New(fault.Corrupt, "tiff-unknown-type",
			"Tag %s of the directory at byte %d has field type %d, which TIFF does not define.", e.Tag, d.Offset, e.Type)
	}
	if e.small {
		return append([]byte(nil), e.inline[first*size:(first+count)*size]...), nil
	}
	fileBytes := uint64(d.file.size)
	if e.Count > fileBytes/size || e.offset > fileBytes || e.Count*size > fileBytes-e.offset {
		return nil, fault.New(fault.Corrupt, "tiff-value-beyond-end",
			"Tag %s of the directory at byte %d claims %d values of %d bytes at byte %d, but the file has only %d bytes.",
			e.Tag, d.Offset, e.Count, size, e.offset, fileBytes)
	}
	// A decoded number takes up to 8 bytes, whatever it takes in the file.
	weight := size
	if e.Type != ASCII && e.Type != Byte && e.Type != Undefined {
		weight = 8
	}
	if count > uint64(d.file.limits.MaxValueBytes)/weight {
		return nil, fault.New(fault.TooLarge, "tiff-value-too-large",
			"Tag %s of the directory at byte %d has %d bytes; the limit is %d.", e.Tag, d.Offset, count*weight, d.file.limits.MaxValueBytes)
	}
	return source.ReadAt(ctx, d.file.blocks, int64(e.offset+first*size), int64(count*size))
}

// uints decodes whole numbers; signed ones only when not negative.
func (d *IFD) uints(e Entry, raw []byte) ([]uint64, error) {
	size := int(e.Type.Size())
	if !e.Type.unsigned() && !e.Type.signed() {
		return nil, fault.New(fault.Corrupt, "tiff-not-a-number",
			"Tag %s of the directory at byte %d has type %s; a whole number was expected.", e.Tag, d.Offset, e.Type)
	}
	out := make([]uint64, len(raw)/size)
	for i := range out {
		out[i] = d.uint(raw[i*size:], size)
		if e.Type.signed() && out[i]>>(8*size-1) != 0 {
			return nil, fault.New(fault.Corrupt, "tiff-negative-number",
				"Tag %s of the directory at byte %d holds a negative number.", e.Tag, d.Offset)
		}
	}
	return out, nil
}

// uint decodes one number of 1, 2, 4 or 8 bytes.
func (d *IFD) uint(b []byte, size int) uint64 {
	switch size {
	case 1:
		return uint64(b[0])
	case 2:
		return uint64(d.file.order.Uint16(b))
	case 4:
		return uint64(d.file.order.Uint32(b))
	default:
		return d.file.order.Uint64(b)
	}
}

// decode turns the bytes of values into a Value.
func (d *IFD) decode(e Entry, raw []byte) (Value, error) {
	v := Value{Tag: e.Tag, Type: e.Type}
	order := d.file.order
	switch e.Type {
	case ASCII:
		v.Text = text(raw)
	case Byte, Undefined:
		v.Bytes = raw
	case Float:
		for ; len(raw) >= 4; raw = raw[4:] {
			v.Floats = append(v.Floats, float64(math.Float32frombits(order.Uint32(raw))))
		}
	case Double:
		for ; len(raw) >= 8; raw = raw[8:] {
			v.Floats = append(v.Floats, math.Float64frombits(order.Uint64(raw)))
		}
	case Rational:
		for ; len(raw) >= 8; raw = raw[8:] {
			v.Ratios = append(v.Ratios, Ratio{int64(order.Uint32(raw)), int64(order.Uint32(raw[4:]))})
		}
	case SRational:
		for ; len(raw) >= 8; raw = raw[8:] {
			v.Ratios = append(v.Ratios, Ratio{int64(int32(order.Uint32(raw))), int64(int32(order.Uint32(raw[4:])))})
		}
	default:
		d.decodeWhole(&v, raw)
	}
	return v, nil
}

// decodeWhole fills Ints, or Uints when a number does not fit.
func (d *IFD) decodeWhole(v *Value, raw []byte) {
	size := int(v.Type.Size())
	count := len(raw) / size
	v.Ints = make([]int64, count)
	shift := 64 - 8*size
	for i := range count {
		n := d.uint(raw[i*size:], size)
		if v.Type.signed() {
			v.Ints[i] = int64(n<<shift) >> shift // extends the sign
			continue
		}
		if n > math.MaxInt64 {
			v.Ints = nil
			break
		}
		v.Ints[i] = int64(n)
	}
	if v.Ints != nil {
		return
	}
	v.Uints = make([]uint64, count)
	for i := range count {
		v.Uints[i] = d.uint(raw[i*size:], size)
	}
}
