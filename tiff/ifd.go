package tiff

import (
	"context"
	"sync"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/source"
)

// maxSubIFDDepth is how deep SubIFDs may nest. Real files have one level, two
// at most.
const maxSubIFDDepth = 8

// Entry is one field of a directory. Its values are read through the IFD.
type Entry struct {
	Tag   Tag
	Type  Type
	Count uint64 // of values, as the file claims

	inline [8]byte // the value field as stored
	offset uint64  // of the values in the file when they are not inline
	small  bool    // the values are inline
}

// IFD is one directory: an image, or one resolution of an image. It is
// immutable and safe for concurrent use.
type IFD struct {
	// Index is the position in the main chain, or among its parent's SubIFDs.
	Index int
	// Offset is where the directory begins in the file.
	Offset int64

	file    *File
	parent  *IFD // nil in the main chain
	entries []Entry
	byTag   map[Tag]int
	next    int64 // offset of the next directory in the chain, 0 for none

	mu   sync.Mutex
	subs []*IFD // SubIFDs once they were read
	read bool   // subs is valid
}

// File is the file that the directory belongs to.
func (d *IFD) File() *File { return d.file }

// Parent is the directory whose SubIFD this is, nil in the main chain.
func (d *IFD) Parent() *IFD { return d.parent }

// Entries are the fields in file order; of duplicated tags only the first.
// The caller must not change the slice.
func (d *IFD) Entries() []Entry { return d.entries }

// Has reports whether the directory has the tag, even with no values.
func (d *IFD) Has(tag Tag) bool {
	_, ok := d.byTag[tag]
	return ok
}

// Entry is the field of the tag.
func (d *IFD) Entry(tag Tag) (Entry, bool) {
	i, ok := d.byTag[tag]
	if !ok {
		return Entry{}, false
	}
	return d.entries[i], true
}

// Count is the number of values of the tag, 0 when it is absent. The number is
// what the file claims.
func (d *IFD) Count(tag Tag) uint64 {
	e, _ := d.Entry(tag)
	return e.Count
}

// SubIFDs are the directories that tag 330 names, in order, none when it is
// absent. Each call after the first costs nothing. A SubIFD that is one of its
// own ancestors is an error of kind Corrupt, code "tiff-ifd-loop".
func (d *IFD) SubIFDs(ctx context.Context) ([]*IFD, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.read {
		return d.subs, nil
	}
	if d.Count(SubIFDs) > uint64(d.file.limits.MaxIFDs) {
		return nil, fault.New(fault.TooLarge, "tiff-too-many-ifds",
			"The directory at byte %d claims %d SubIFDs; the limit is %d.", d.Offset, d.Count(SubIFDs), d.file.limits.MaxIFDs)
	}
	offsets, err := d.Uints(ctx, SubIFDs)
	if err != nil {
		return nil, err
	}
	var subs []*IFD
	for i, offset := range offsets {
		if offset == 0 {
			continue // a writer's reserved place that was never filled
		}
		at, err := d.file.checkOffset(offset, "a SubIFD")
		if err != nil {
			return nil, err
		}
		if err := d.checkAncestors(at); err != nil {
			return nil, err
		}
		sub, err := d.file.readIFD(ctx, at, i, d)
		if err != nil {
			return nil, err
		}
		subs = append(subs, sub)
	}
	d.subs, d.read = subs, true
	return subs, nil
}

// Directory is the directory that the tag's first value points to, as EXIF,
// GPS and interoperability directories are stored; ok is false when the tag is
// absent. Each call reads it anew. Kind Corrupt when it lies outside the file
// or is one of its own ancestors.
func (d *IFD) Directory(ctx context.Context, tag Tag) (sub *IFD, ok bool, err error) {
	offset, ok, err := d.Uint(ctx, tag)
	if err != nil || !ok || offset == 0 {
		return nil, false, err
	}
	at, err := d.file.checkOffset(offset, "the directory of tag "+tag.String())
	if err != nil {
		return nil, false, err
	}
	if err := d.checkAncestors(at); err != nil {
		return nil, false, err
	}
	sub, err = d.file.readIFD(ctx, at, 0, d)
	return sub, err == nil, err
}

// checkAncestors refuses a SubIFD that would contain itself, and a tree that is
// too deep.
func (d *IFD) checkAncestors(at int64) error {
	depth := 0
	for a := d; a != nil; a = a.parent {
		if a.Offset == at {
			return fault.New(fault.Corrupt, "tiff-ifd-loop",
				"The directory at byte %d is a SubIFD of itself.", at)
		}
		depth++
	}
	if depth > maxSubIFDDepth {
		return fault.New(fault.TooLarge, "tiff-subifds-too-deep",
			"SubIFDs nest deeper than %d directories, which is the limit.", maxSubIFDDepth)
	}
	return nil
}

// readIFD reads the directory at an offset that is inside the file.
func (f *File) readIFD(ctx context.Context, at int64, index int, parent *IFD) (*IFD, error) {
	count, countBytes, err := f.readEntryCount(ctx, at)
	if err != nil {
		return nil, err
	}
	entryBytes, linkBytes := int64(12), int64(4)
	if f.big {
		entryBytes, linkBytes = 20, 8
	}
	tableBytes := int64(count) * entryBytes
	start := at + countBytes
	if tableBytes > f.size-start {
		return nil, fault.New(fault.Corrupt, "tiff-ifd-truncated",
			"The directory at byte %d has %d entries and ends at byte %d, but the file has only %d bytes.", at, count, start+tableBytes, f.size)
	}
	if err := f.account(countBytes + tableBytes + linkBytes); err != nil {
		return nil, err
	}
	// The link may be cut off when the directory is the last thing in the file.
	table, err := source.ReadAt(ctx, f.blocks, start, min(tableBytes+linkBytes, f.size-start))
	if err != nil {
		return nil, err
	}
	d := &IFD{Index: index, Offset: at, file: f, parent: parent,
		entries: make([]Entry, 0, count), byTag: make(map[Tag]int, count)}
	claimed := int64(0)
	for i := range int64(count) {
		e := f.parseEntry(table[i*entryBytes : (i+1)*entryBytes])
		if _, ok := d.byTag[e.Tag]; ok {
			continue // the first wins
		}
		d.byTag[e.Tag] = len(d.entries)
		d.entries = append(d.entries, e)
		claimed += f.outsideBytes(e)
	}
	if err := f.accountValues(claimed); err != nil {
		return nil, err
	}
	if link := table[tableBytes:]; parent == nil && int64(len(link)) == linkBytes {
		d.next, err = f.checkOffset(f.offsetField(link), "the directory after the one at byte "+itoa(at))
		if err != nil {
			return nil, err
		}
	}
	return d, nil
}

// readEntryCount reads how many entries the directory has, and how many bytes
// that number takes.
func (f *File) readEntryCount(ctx context.Context, at int64) (count, countBytes int64, err error) {
	countBytes = 2
	if f.big {
		countBytes = 8
	}
	if countBytes > f.size-at {
		return 0, 0, fault.New(fault.Corrupt, "tiff-ifd-truncated",
			"The directory at byte %d is cut off by the end of the file at byte %d.", at, f.size)
	}
	head, err := source.ReadAt(ctx, f.blocks, at, countBytes)
	if err != nil {
		return 0, 0, err
	}
	claimed := uint64(0)
	if f.big {
		claimed = f.order.Uint64(head)
	} else {
		claimed = uint64(f.order.Uint16(head))
	}
	if claimed > uint64(f.limits.MaxEntriesPerIFD) {
		return 0, 0, fault.New(fault.TooLarge, "tiff-too-many-entries",
			"The directory at byte %d claims %d entries; the limit is %d.", at, claimed, f.limits.MaxEntriesPerIFD)
	}
	if claimed == 0 {
		return 0, 0, fault.New(fault.Corrupt, "tiff-ifd-empty",
			"The directory at byte %d has no entries; TIFF requires at least one.", at)
	}
	return int64(claimed), countBytes, nil
}

// parseEntry decodes 12 bytes of a classic, 20 of a BigTIFF directory.
func (f *File) parseEntry(b []byte) Entry {
	e := Entry{Tag: Tag(f.order.Uint16(b)), Type: Type(f.order.Uint16(b[2:]))}
	var field []byte
	if f.big {
		e.Count, field = f.order.Uint64(b[4:]), b[12:20]
	} else {
		e.Count, field = uint64(f.order.Uint32(b[4:])), b[8:12]
	}
	copy(e.inline[:], field)
	e.offset = f.offsetField(field)
	if size := uint64(e.Type.Size()); size > 0 {
		e.small = e.Count <= uint64(len(field))/size
	}
	return e
}

// offsetField decodes an offset of the file's width.
func (f *File) offsetField(b []byte) uint64 {
	if f.big {
		return f.order.Uint64(b)
	}
	return uint64(f.order.Uint32(b))
}

// outsideBytes is what an entry's values weigh in the file outside of the
// directory; 0 when they cannot be there, because reading them fails anyway.
func (f *File) outsideBytes(e Entry) int64 {
	size, fileBytes := uint64(e.Type.Size()), uint64(f.size)
	if e.small || size == 0 || e.Count > fileBytes/size {
		return 0
	}
	return int64(e.Count * size)
}
