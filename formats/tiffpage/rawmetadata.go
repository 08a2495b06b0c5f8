package tiffpage

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/tiff"
)

// Namespace is that of all values which stand in TIFF tags.
const Namespace = "TIFF"

// maxListed is how many values a tag may have to be shown; longer ones are
// data, not metadata.
const maxListed = 1024

// RawMetadata lists the tags of a page in file order as PIMS shows them
// (pims-api §5.5): single values as they are, enumerations by name, several
// values as text in Python notation. Tags that hold bytes, tables or places in
// the file are left out. Errors are those of reading; a tag that cannot be
// believed is left out.
func RawMetadata(ctx context.Context, ifd *tiff.IFD) ([]formats.Metadatum, error) {
	var out []formats.Metadatum
	for _, entry := range ifd.Entries() {
		if isLeftOut(entry.Tag) || entry.Count == 0 || entry.Type != tiff.ASCII && entry.Count > maxListed {
			continue
		}
		value, ok, err := ifd.Value(ctx, entry.Tag)
		if err != nil && !formats.Structural(err) {
			return nil, err
		}
		if err != nil || !ok {
			continue
		}
		if datum, ok := metadatum(value); ok {
			out = append(out, datum)
		}
	}
	return out, nil
}

// isLeftOut is the list of pims-api §5.5, and the directories of EXIF, GPS and
// interoperability.
func isLeftOut(tag tiff.Tag) bool {
	switch tag {
	case 273, 278, 279, 288, 289, 301, 320, 324, 325, 347, 437, 519, 520, 521, 559,
		20624, 20625, 34665, 34675, 34853, 40965, 50839:
		return true
	}
	return tag >= 65420 && tag <= 65458
}

// alwaysTuple are the tags whose value is a list even if it is one number.
func alwaysTuple(tag tiff.Tag) bool {
	switch tag {
	case 273, 279, 324, 325, 330, tiff.ExtraSamples, 513, 514, tiff.YCbCrSubSampling, 34736, 50838:
		return true
	}
	return false
}

func metadatum(v tiff.Value) (formats.Metadatum, bool) {
	m := formats.Metadatum{Namespace: Namespace, Key: v.Tag.String()}
	switch {
	case v.Type == tiff.ASCII:
		m.Value = strings.TrimSpace(v.Text)
	case len(v.Ratios) > 0:
		m.Value = ratios(v.Ratios)
	case len(v.Floats) == 1 && isFinite(v.Floats[0]):
		m.Value = v.Floats[0]
	case len(v.Floats) > 0:
		m.Value = tuple(v.Floats, pythonFloat)
	case len(v.Bytes) == 1 && v.Type == tiff.Byte:
		m.Value = int64(v.Bytes[0])
	case len(v.Ints) == 1 && !alwaysTuple(v.Tag):
		m.Value = whole(v.Tag, v.Ints[0])
	case len(v.Ints) > 0:
		m.Value = tuple(v.Ints, func(i int64) string { return wholeInTuple(v.Tag, i) })
	case len(v.Uints) == 1 && !alwaysTuple(v.Tag):
		m.Value, m.Type = strconv.FormatUint(v.Uints[0], 10), formats.TypeInteger
	case len(v.Uints) > 0:
		m.Value = tuple(v.Uints, func(u uint64) string { return strconv.FormatUint(u, 10) })
	default:
		return formats.Metadatum{}, false // bytes
	}
	if _, isText := m.Value.(string); isText && v.Type != tiff.ASCII && m.Type == "" && !isEnum(v) {
		m.Type = formats.TypeUnknown
	}
	return m, true
}

func isEnum(v tiff.Value) bool {
	if len(v.Ints) != 1 || v.Ints[0] < 0 || alwaysTuple(v.Tag) {
		return false
	}
	_, ok := tiff.EnumName(v.Tag, uint64(v.Ints[0]))
	return ok
}

// whole is the name of an enumerated value or the number.
func whole(tag tiff.Tag, value int64) any {
	if value >= 0 {
		if name, ok := tiff.EnumName(tag, uint64(value)); ok {
			return name
		}
	}
	return value
}

// wholeInTuple is how Python prints a member of an enumeration inside a tuple:
// (<SAMPLEFORMAT.UINT: 1>, …).
func wholeInTuple(tag tiff.Tag, value int64) string {
	if value >= 0 {
		if name, ok := tiff.EnumName(tag, uint64(value)); ok {
			return fmt.Sprintf("<%s.%s: %d>", enumeration(tag), name, value)
		}
	}
	return strconv.FormatInt(value, 10)
}

// enumeration is the name of the enumeration's class as PIMS prints it.
func enumeration(tag tiff.Tag) string {
	switch tag {
	case tiff.ExtraSamples:
		return "EXTRASAMPLE"
	case tiff.PlanarConfiguration:
		return "PLANARCONFIG"
	case tiff.ResolutionUnit:
		return "RESUNIT"
	case tiff.PhotometricInterpretation:
		return "PHOTOMETRIC"
	case tiff.NewSubfileType:
		return "FILETYPE"
	default:
		return strings.ToUpper(tag.String())
	}
}

// ratios prints fractions as one flat tuple: (40000, 1).
func ratios(values []tiff.Ratio) string {
	flat := make([]int64, 0, 2*len(values))
	for _, r := range values {
		flat = append(flat, r.Num, r.Den)
	}
	return tuple(flat, func(i int64) string { return strconv.FormatInt(i, 10) })
}

// tuple prints values in Python notation; one alone has a comma after it.
func tuple[T any](values []T, print func(T) string) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = print(v)
	}
	if len(parts) == 1 {
		return "(" + parts[0] + ",)"
	}
	return "(" + strings.Join(parts, ", ") + ")"
}

// pythonFloat is Python's repr: the shortest digits that give the number back,
// with an exponent from 1e16 up and below 1e-4, and always a point or exponent.
func pythonFloat(f float64) string {
	switch {
	case math.IsNaN(f):
		return "nan"
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	}
	if size := math.Abs(f); size != 0 && (size < 1e-4 || size >= 1e16) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	text := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(text, ".") {
		text += ".0"
	}
	return text
}

func isFinite(f float64) bool { return !math.IsNaN(f) && !math.IsInf(f, 0) }
