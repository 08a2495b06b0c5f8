package dicom

import (
	"context"
	"encoding/binary"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/source"
)

// Bounds on the structure. Real files have some hundred elements and sequences
// nested a few levels deep.
const (
	maxElements   = 20_000 // of the data set itself
	maxSteps      = 1 << 18
	maxNesting    = 32
	maxValueBytes = 64 << 10
	blockBytes    = 64 << 10
	blocksKept    = 32
	undefined     = 0xffffffff
	preambleBytes = 132
)

// element is where one value is.
type element struct {
	tag    tag.Tag
	vr     string
	offset int64
	length int64 // -1: until a delimiter
}

// dataset is the walked structure of a file, up to its pixels.
type dataset struct {
	reader   source.Reader
	blocks   source.Reader
	order    binary.ByteOrder
	explicit bool
	syntax   string
	elements []element // in file order, without group 0002
	pixels   *element  // PixelData, FloatPixelData or DoubleFloatPixelData
	steps    int
}

func corrupt(code, format string, args ...any) error {
	return fault.New(fault.Corrupt, "dicom-"+code, format, args...)
}

func unsupported(code, format string, args ...any) error {
	return fault.New(fault.Unsupported, "dicom-"+code, format, args...)
}

// readDataset walks a file. It reads headers of elements and skips values.
func readDataset(ctx context.Context, reader source.Reader) (*dataset, error) {
	d := &dataset{
		reader: reader, blocks: source.Blocks(reader, blockBytes, blocksKept),
		order: binary.LittleEndian, explicit: true,
	}
	start, err := d.readMeta(ctx)
	if err != nil {
		return nil, err
	}
	switch d.syntax {
	case syntaxImplicit, "":
		d.explicit = false
	case syntaxBigEndian:
		d.order = binary.BigEndian
	case syntaxDeflated:
		return nil, unsupported("deflated", "the whole data set is deflated; save the file with another transfer syntax, such as explicit VR little endian")
	}
	return d, d.walk(ctx, start)
}

// readMeta walks group 0002, which is always explicit VR little endian.
func (d *dataset) readMeta(ctx context.Context) (end int64, err error) {
	at := int64(preambleBytes)
	for at+8 <= d.reader.Size() {
		// What follows the group may have another syntax, so its number is
		// looked at first.
		group, err := d.bytes(ctx, at, 2)
		if err != nil || binary.LittleEndian.Uint16(group) != 2 {
			return at, err
		}
		e, next, err := d.header(ctx, at)
		if err != nil {
			return 0, err
		}
		if e.length < 0 {
			return 0, corrupt("meta", "element %s at byte %d has no length", e.tag, at)
		}
		if e.tag == tag.TransferSyntaxUID {
			if d.syntax, err = d.text(ctx, e); err != nil {
				return 0, err
			}
		}
		at = next + e.length
	}
	return at, nil
}

// walk lists the elements of the data set up to the pixels.
func (d *dataset) walk(ctx context.Context, at int64) error {
	for at+8 <= d.reader.Size() {
		e, next, err := d.header(ctx, at)
		if err != nil {
			return err
		}
		if isPixels(e.tag) {
			d.pixels = &e
			return nil
		}
		if len(d.elements) == maxElements {
			return corrupt("elements", "the file has more than %d elements before its pixels", maxElements)
		}
		d.elements = append(d.elements, e)
		if at, err = d.after(ctx, e, next, 0); err != nil {
			return err
		}
	}
	if at < d.reader.Size() {
		return corrupt("truncated", "the file ends at byte %d within an element", d.reader.Size())
	}
	return nil
}

func isPixels(t tag.Tag) bool {
	return t.Group == 0x7fe0 && (t.Element == 0x0010 || t.Element == 0x0008 || t.Element == 0x0009)
}

// header reads tag, type and length of the element at a byte; next is where its
// value begins (PS3.5 §7.1).
func (d *dataset) header(ctx context.Context, at int64) (e element, next int64, err error) {
	if d.steps++; d.steps > maxSteps {
		return e, 0, corrupt("elements", "the file has more than %d elements and items", maxSteps)
	}
	b, err := d.bytes(ctx, at, min(12, d.reader.Size()-at))
	if err != nil {
		return e, 0, err
	}
	if len(b) < 8 {
		return e, 0, corrupt("truncated", "the file ends at byte %d within an element", at)
	}
	e.tag = tag.Tag{Group: d.order.Uint16(b), Element: d.order.Uint16(b[2:])}
	length, head := d.order.Uint32(b[4:]), int64(8)
	switch {
	case e.tag.Group == 0xfffe: // items and delimiters have no type
	case !d.explicit:
		e.vr = dictionaryVR(e.tag)
	default:
		e.vr = string(b[4:6])
		if !isVR(e.vr) {
			return e, 0, corrupt("vr", "at byte %d there is no element: %q is not a value representation", at, e.vr)
		}
		if !longVR(e.vr) {
			length = uint32(d.order.Uint16(b[6:]))
			break
		}
		if len(b) < 12 {
			return e, 0, corrupt("truncated", "the file ends at byte %d within an element", at)
		}
		length, head = d.order.Uint32(b[8:]), 12
	}
	e.offset, e.length = at+head, int64(length)
	if length == undefined {
		e.length = -1
	} else if e.length > d.reader.Size()-e.offset && !isPixels(e.tag) {
		return e, 0, corrupt("length", "element %s at byte %d claims %d bytes, the file has %d left", e.tag, at, length, d.reader.Size()-e.offset)
	}
	return e, e.offset, nil
}

// after gives the byte behind an element's value.
func (d *dataset) after(ctx context.Context, e element, next int64, depth int) (int64, error) {
	if e.length >= 0 {
		return next + e.length, nil
	}
	// Of unknown type and without length: a sequence in implicit VR little
	// endian, whatever the file has (PS3.5 §6.2.2).
	explicit, order := d.explicit, d.order
	if e.vr == "UN" {
		d.explicit, d.order = false, binary.LittleEndian
	}
	end, err := d.skipSequence(ctx, next, depth)
	d.explicit, d.order = explicit, order
	return end, err
}

// skipSequence walks the items of a sequence without length up to its
// delimiter (PS3.5 §7.5).
func (d *dataset) skipSequence(ctx context.Context, at int64, depth int) (int64, error) {
	if depth == maxNesting {
		return 0, corrupt("nesting", "sequences are nested more than %d deep at byte %d", maxNesting, at)
	}
	for {
		e, next, err := d.header(ctx, at)
		switch {
		case err != nil:
			return 0, err
		case e.tag.Group != 0xfffe:
			return 0, corrupt("sequence", "at byte %d an item of a sequence was expected, found element %s", at, e.tag)
		case e.tag.Element == 0xe0dd:
			return next, nil
		case e.length >= 0:
			at = next + e.length
		default:
			if at, err = d.skipItem(ctx, next, depth); err != nil {
				return 0, err
			}
		}
	}
}

func (d *dataset) skipItem(ctx context.Context, at int64, depth int) (int64, error) {
	for {
		e, next, err := d.header(ctx, at)
		if err != nil {
			return 0, err
		}
		if e.tag.Group == 0xfffe && e.tag.Element == 0xe00d {
			return next, nil
		}
		if at, err = d.after(ctx, e, next, depth+1); err != nil {
			return 0, err
		}
	}
}

func (d *dataset) bytes(ctx context.Context, at, n int64) ([]byte, error) {
	if at < 0 || n <= 0 || at > d.reader.Size()-n {
		return nil, corrupt("truncated", "the file ends at byte %d, %d bytes were expected at byte %d", d.reader.Size(), n, at)
	}
	return source.ReadAt(ctx, d.blocks, at, n)
}

// find gives an element of the data set.
func (d *dataset) find(t tag.Tag) (element, bool) {
	for _, e := range d.elements {
		if e.tag == t {
			return e, true
		}
	}
	return element{}, false
}

// dictionaryVR is the type that the standard gives an element.
func dictionaryVR(t tag.Tag) string {
	info, err := tag.Find(t)
	if err != nil || len(info.VRs) == 0 {
		return "UN"
	}
	return info.VRs[0]
}

const (
	longVRs  = "OB OD OF OL OV OW SQ SV UC UN UR UT UV"
	shortVRs = "AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US"
)

func longVR(vr string) bool { return strings.Contains(longVRs, vr) }
func isVR(vr string) bool {
	return len(vr) == 2 && vr[0] != ' ' && vr[1] != ' ' && (strings.Contains(longVRs, vr) || strings.Contains(shortVRs, vr))
}
