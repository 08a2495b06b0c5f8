package dicom

import (
	"context"
	"encoding/binary"

	"github.com/pims-cloud/pims/source"
)

// maxFragments bounds the pieces of encapsulated pixels.
const maxFragments = 1 << 17

// piece is one fragment of encapsulated pixels, without its item header.
type piece = source.Range

// nativeFrames locates uncompressed frames; they follow each other.
func nativeFrames(d *dataset, p *picture) ([][]piece, error) {
	size := p.frameBytes()
	// A length cut off at 2³² and files that end early are both told by what is
	// really there.
	there := min(d.pixels.length, d.reader.Size()-d.pixels.offset)
	bits := int64(p.rows) * int64(p.columns) * int64(p.samples)
	if p.bits == 1 { // frames of single bits follow each other without padding
		if need := (bits*int64(p.frames) + 7) / 8; need > there {
			return nil, tooShort(p, need, there)
		}
		return nil, nil
	}
	if need := size * int64(p.frames); need > there {
		return nil, tooShort(p, need, there)
	}
	frames := make([][]piece, p.frames)
	for i := range frames {
		frames[i] = []piece{{Offset: d.pixels.offset + int64(i)*size, Length: size}}
	}
	return frames, nil
}

func tooShort(p *picture, need, there int64) error {
	return corrupt("pixels", "%d frames of %d×%d pixels need %d bytes, the file has %d", p.frames, p.columns, p.rows, need, there)
}

// encapsulatedFrames locates compressed frames (PS3.5 §A.4): the fragments
// behind the offset table, one a frame or grouped by the table.
func encapsulatedFrames(ctx context.Context, d *dataset, p *picture) ([][]piece, error) {
	table, fragments, first, err := readFragments(ctx, d)
	if err != nil {
		return nil, err
	}
	switch {
	case len(fragments) < p.frames:
		return nil, corrupt("fragments", "%d frames lie in %d fragments, expected at least one a frame", p.frames, len(fragments))
	case p.frames == 1:
		return [][]piece{fragments}, nil
	case len(fragments) == p.frames:
		frames := make([][]piece, p.frames)
		for i := range frames {
			frames[i] = fragments[i : i+1]
		}
		return frames, nil
	case len(table) != p.frames:
		return nil, unsupported("fragments", "%d frames lie in %d fragments, and no offset table says which belong together", p.frames, len(fragments))
	}
	frames := make([][]piece, 0, p.frames)
	next := 0
	for i := range table {
		from := next
		for next < len(fragments) && (i+1 == len(table) || fragments[next].Offset-itemBytes < first+table[i+1]) {
			next++
		}
		if from == next {
			return nil, corrupt("offset-table", "by the offset table, frame %d has no bytes", i)
		}
		frames = append(frames, fragments[from:next])
	}
	return frames, nil
}

const itemBytes = 8

// readFragments walks the items of encapsulated pixels. first is the byte that
// offsets of the table count from.
func readFragments(ctx context.Context, d *dataset) (table []int64, fragments []piece, first int64, err error) {
	at := d.pixels.offset
	for n := 0; ; n++ {
		if at > d.reader.Size()-itemBytes {
			return table, fragments, first, nil // the delimiter is often forgotten
		}
		b, err := d.bytes(ctx, at, itemBytes)
		if err != nil {
			return nil, nil, 0, err
		}
		// Encapsulated pixels are always little endian.
		group, number := binary.LittleEndian.Uint16(b), binary.LittleEndian.Uint16(b[2:])
		length := int64(binary.LittleEndian.Uint32(b[4:]))
		switch {
		case group == 0xfffe && number == 0xe0dd:
			return table, fragments, first, nil
		case group != 0xfffe || number != 0xe000:
			return nil, nil, 0, corrupt("fragments", "at byte %d a fragment of the pixels was expected", at)
		case length > d.reader.Size()-at-itemBytes:
			return nil, nil, 0, corrupt("fragments", "the fragment at byte %d claims %d bytes, the file has %d left", at, length, d.reader.Size()-at-itemBytes)
		case len(fragments) == maxFragments:
			return nil, nil, 0, corrupt("fragments", "the pixels lie in more than %d fragments", maxFragments)
		}
		at += itemBytes
		switch {
		case n == 0:
			if table, err = readOffsets(ctx, d, at, length); err != nil {
				return nil, nil, 0, err
			}
			first = at + length
		case length > 0:
			fragments = append(fragments, piece{Offset: at, Length: length})
		}
		at += length
	}
}

func readOffsets(ctx context.Context, d *dataset, at, length int64) ([]int64, error) {
	if length == 0 {
		return nil, nil
	}
	if length%4 != 0 || length/4 > maxFrames {
		return nil, corrupt("offset-table", "the offset table has %d bytes, expected 4 a frame", length)
	}
	b, err := d.bytes(ctx, at, length)
	if err != nil {
		return nil, err
	}
	table := make([]int64, length/4)
	for i := range table {
		table[i] = int64(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return table, nil
}
