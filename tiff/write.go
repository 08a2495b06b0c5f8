package tiff

import (
	"cmp"
	"encoding/binary"
	"io"
	"math"
	"slices"

	"github.com/pims-cloud/pims/fault"
)

// WriteOptions choose the flavour of a file that is written.
type WriteOptions struct {
	BigTIFF   bool // 64-bit offsets; needed from 4 GiB on
	BigEndian bool // "MM"
}

func (o WriteOptions) order() binary.AppendByteOrder {
	if o.BigEndian {
		return binary.BigEndian
	}
	return binary.LittleEndian
}

// offsetType is the type of offsets to bytes.
func (o WriteOptions) offsetType() Type {
	if o.BigTIFF {
		return Long8
	}
	return Long
}

// Field is one entry of a directory to be written. The constructors below make
// them.
type Field struct {
	Tag     Tag
	Type    Type
	bytes   []byte   // values of Byte, ASCII and Undefined
	numbers []uint64 // values of all other types; two a Rational, bits of floats
}

// TextField is an ASCII field; the NUL at its end is added.
func TextField(tag Tag, text string) Field {
	return Field{Tag: tag, Type: ASCII, bytes: append([]byte(text), 0)}
}

// BytesField is a field of type Byte or Undefined.
func BytesField(tag Tag, t Type, b []byte) Field {
	return Field{Tag: tag, Type: t, bytes: b}
}

// NumberField is a field of whole numbers; signed ones as two's complement.
func NumberField(tag Tag, t Type, values ...uint64) Field {
	return Field{Tag: tag, Type: t, numbers: values}
}

// RatioField is a field of one unsigned fraction.
func RatioField(tag Tag, num, den uint32) Field {
	return Field{Tag: tag, Type: Rational, numbers: []uint64{uint64(num), uint64(den)}}
}

// DoubleField is a field of floating-point numbers.
func DoubleField(tag Tag, values ...float64) Field {
	f := Field{Tag: tag, Type: Double}
	for _, v := range values {
		f.numbers = append(f.numbers, math.Float64bits(v))
	}
	return f
}

// count is the number of values.
func (f Field) count() uint64 {
	switch {
	case f.Type.Size() == 1 && f.numbers == nil:
		return uint64(len(f.bytes))
	case f.Type == Rational || f.Type == SRational:
		return uint64(len(f.numbers) / 2)
	default:
		return uint64(len(f.numbers))
	}
}

func (f Field) sizeBytes() int64 { return int64(f.count()) * f.Type.Size() }

// appendTo appends the values in the byte order.
func (f Field) appendTo(dst []byte, order binary.AppendByteOrder) []byte {
	dst = append(dst, f.bytes...)
	size := int(f.Type.Size())
	if f.Type == Rational || f.Type == SRational {
		size = 4 // twice
	}
	for _, n := range f.numbers {
		switch size {
		case 1:
			dst = append(dst, byte(n))
		case 2:
			dst = order.AppendUint16(dst, uint16(n))
		case 4:
			dst = order.AppendUint32(dst, uint32(n))
		default:
			dst = order.AppendUint64(dst, n)
		}
	}
	return dst
}

// Directory is one IFD to be written.
type Directory struct {
	// Fields in any order, without those that follow from Segments and SubIFDs.
	Fields []Field
	// Segments are where the tiles (Tiled) or strips are; they become the
	// offsets and byte counts.
	Segments []Extent
	Tiled    bool
	SubIFDs  []*Directory
}

// placed is a directory whose position is known.
type placed struct {
	dir    *Directory
	fields []Field // complete, sorted
	offset int64
	next   int64 // offset of the next directory in the chain
	subs   []*placed
}

// StructureSize is how many bytes Structure will return for the directories.
// It depends on how many segments there are, not on where they lie, so a file
// with the directories first can be laid out before its tiles have a place.
func StructureSize(chain []*Directory, o WriteOptions) int64 {
	_, end := place(chain, 0, o)
	return end
}

// Structure encodes a chain of directories with their SubIFDs and values as one
// block that will lie at an even offset of the file. The first directory lies at
// that offset.
func Structure(chain []*Directory, at int64, o WriteOptions) ([]byte, error) {
	if at%2 != 0 {
		return nil, fault.New(fault.Internal, "tiff-odd-structure", "Directories must begin at an even offset, got %d.", at)
	}
	all, end := place(chain, at, o)
	if !o.BigTIFF {
		if err := fitsClassic(all, end); err != nil {
			return nil, err
		}
	}
	out := make([]byte, 0, end-at)
	return appendAll(out, all, o), nil
}

// Header is the first bytes of a file whose first directory lies at an offset.
func Header(firstIFD int64, o WriteOptions) []byte {
	order, mark := o.order(), "II"
	if o.BigEndian {
		mark = "MM"
	}
	h := []byte(mark)
	if !o.BigTIFF {
		h = order.AppendUint16(h, 42)
		return order.AppendUint32(h, uint32(firstIFD))
	}
	h = order.AppendUint16(h, 43)
	h = order.AppendUint16(h, 8)
	h = order.AppendUint16(h, 0)
	return order.AppendUint64(h, uint64(firstIFD))
}

// place gives every directory of a chain its offset: table, values, then its
// SubIFDs.
func place(chain []*Directory, at int64, o WriteOptions) ([]*placed, int64) {
	out := make([]*placed, len(chain))
	for i, d := range chain {
		p := &placed{dir: d, offset: at}
		p.fields = d.complete(o)
		at += p.sizeBytes(o)
		for _, sub := range d.SubIFDs {
			// SubIFDs are a list of their own, not a chain (TIFF Tech Note 1).
			list, end := place([]*Directory{sub}, at, o)
			p.subs = append(p.subs, list[0])
			at = end
		}
		out[i] = p
	}
	for i := range len(out) - 1 {
		out[i].next = out[i+1].offset
	}
	for _, p := range out {
		p.linkSubs()
	}
	return out, at
}

// complete adds the fields that follow from Segments and SubIFDs, and sorts.
func (d *Directory) complete(o WriteOptions) []Field {
	fields := slices.Clone(d.Fields)
	if d.Segments != nil {
		offsets := Field{Tag: StripOffsets, Type: o.offsetType()}
		counts := Field{Tag: StripByteCounts, Type: Long}
		if d.Tiled {
			offsets.Tag, counts.Tag = TileOffsets, TileByteCounts
		}
		for _, s := range d.Segments {
			offsets.numbers = append(offsets.numbers, uint64(s.Offset))
			counts.numbers = append(counts.numbers, uint64(s.Length))
		}
		fields = append(fields, offsets, counts)
	}
	if len(d.SubIFDs) > 0 {
		t := IFDOffset
		if o.BigTIFF {
			t = IFD8
		}
		fields = append(fields, Field{Tag: SubIFDs, Type: t, numbers: make([]uint64, len(d.SubIFDs))})
	}
	slices.SortStableFunc(fields, func(a, b Field) int { return cmp.Compare(a.Tag, b.Tag) })
	return fields
}

// linkSubs fills the offsets of the SubIFDs in, which complete left empty.
func (p *placed) linkSubs() {
	for _, f := range p.fields {
		if f.Tag != SubIFDs || len(p.subs) == 0 {
			continue
		}
		for i, sub := range p.subs {
			f.numbers[i] = uint64(sub.offset)
		}
	}
}

// tableBytes is the length of the table with its count and link.
func (p *placed) tableBytes(o WriteOptions) int64 {
	if o.BigTIFF {
		return 8 + 20*int64(len(p.fields)) + 8
	}
	return 2 + 12*int64(len(p.fields)) + 4
}

// sizeBytes is the length of table and values, without SubIFDs.
func (p *placed) sizeBytes(o WriteOptions) int64 {
	n := p.tableBytes(o)
	for _, f := range p.fields {
		if size := f.sizeBytes(); size > o.offsetType().Size() {
			n += size + size%2
		}
	}
	return n
}

// fitsClassic refuses what 32-bit offsets cannot say.
func fitsClassic(all []*placed, end int64) error {
	for _, p := range all {
		for _, s := range p.dir.Segments {
			end = max(end, s.Offset+s.Length)
		}
		if err := fitsClassic(p.subs, 0); err != nil {
			return err
		}
	}
	if end > math.MaxUint32 {
		return fault.New(fault.TooLarge, "tiff-classic-over-4gib",
			"The file would end at byte %d; classic TIFF ends at 4 GiB. Write BigTIFF.", end)
	}
	return nil
}

// appendAll appends directories in the order in which place put them.
func appendAll(out []byte, all []*placed, o WriteOptions) []byte {
	for _, p := range all {
		out = p.appendTo(out, o)
		for _, sub := range p.subs {
			out = appendAll(out, []*placed{sub}, o)
		}
	}
	return out
}

// appendTo appends one directory: count, entries, link, then the values that do
// not fit into entries, each at an even offset.
func (p *placed) appendTo(out []byte, o WriteOptions) []byte {
	order, width := o.order(), o.offsetType().Size()
	number := func(n uint64) {
		if o.BigTIFF {
			out = order.AppendUint64(out, n)
		} else {
			out = order.AppendUint32(out, uint32(n))
		}
	}
	if o.BigTIFF {
		out = order.AppendUint64(out, uint64(len(p.fields)))
	} else {
		out = order.AppendUint16(out, uint16(len(p.fields)))
	}
	at := p.offset + p.tableBytes(o)
	for _, f := range p.fields {
		out = order.AppendUint16(out, uint16(f.Tag))
		out = order.AppendUint16(out, uint16(f.Type))
		number(f.count())
		size := f.sizeBytes()
		if size > width {
			number(uint64(at))
			at += size + size%2
			continue
		}
		out = f.appendTo(out, order)
		out = append(out, make([]byte, width-size)...)
	}
	number(uint64(p.next))
	for _, f := range p.fields {
		if size := f.sizeBytes(); size > width {
			out = f.appendTo(out, order)
			out = append(out, make([]byte, size%2)...)
		}
	}
	return out
}

// Writer streams a file whose directories come last: segments first, in any
// order, then Close. It is not safe for concurrent use.
type Writer struct {
	w       io.WriteSeeker
	options WriteOptions
	at      int64
}

// NewWriter begins a file at the current end of an empty w.
func NewWriter(w io.WriteSeeker, o WriteOptions) (*Writer, error) {
	out := &Writer{w: w, options: o}
	return out, out.write(Header(0, o))
}

// Segment writes the bytes of one tile or strip and says where they are. No
// bytes make a blank one.
func (w *Writer) Segment(b []byte) (Extent, error) {
	if len(b) == 0 {
		return Extent{}, nil
	}
	e := Extent{Offset: w.at, Length: int64(len(b))}
	return e, w.write(b)
}

// Close writes the directories and the header's link to them. It does not close
// the underlying file.
func (w *Writer) Close(chain []*Directory) error {
	if w.at%2 != 0 {
		if err := w.write([]byte{0}); err != nil {
			return err
		}
	}
	first := w.at
	structure, err := Structure(chain, first, w.options)
	if err != nil {
		return err
	}
	if err := w.write(structure); err != nil {
		return err
	}
	if _, err := w.w.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if _, err := w.w.Write(Header(first, w.options)); err != nil {
		return err
	}
	_, err = w.w.Seek(0, io.SeekEnd)
	return err
}

func (w *Writer) write(b []byte) error {
	n, err := w.w.Write(b)
	w.at += int64(n)
	return err
}
