package tiffpage

import (
	"bytes"
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/source"
)

const (
	checkChunk    = 4096 // tiles located at a time, one page of the index
	checkedPlanes = 32   // planes, about, of which bytes are looked at
	checkedTiles  = 8    // tiles a plane whose first bytes are looked at
	checkedHeader = 4    // bytes of such a tile
)

// Check locates every tile of every level and plane, so that each is known to
// lie in the file, and compares the first bytes of some tiles of each level
// with their codec. It reads the offset arrays and a few bytes a level. Kind
// Corrupt names the tile; other errors are those of reading.
func (p *Pyramid) Check(ctx context.Context, reader source.Reader) error {
	for level, l := range p.levels {
		for number := range p.Planes() {
			if err := p.checkPlane(ctx, reader, level, number, l.Tiles()); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *Pyramid) checkPlane(ctx context.Context, reader source.Reader, level, number, tiles int) error {
	step := max(1, tiles/checkedTiles)
	looked := number%max(1, p.Planes()/checkedPlanes) == 0
	var ranges []source.Range
	var numbers []int
	for first := 0; first < tiles; first += checkChunk {
		extents, err := p.Locate(ctx, level, p.axes.plane(number), first, min(checkChunk, tiles-first))
		if err != nil {
			return err
		}
		for i, e := range extents {
			if looked && !e.Blank && (first+i)%step == 0 && len(ranges) < 2*checkedTiles {
				ranges = append(ranges, source.Range{Offset: e.Offset, Length: min(e.Length, checkedHeader)})
				numbers = append(numbers, first+i)
			}
		}
	}
	if len(ranges) == 0 {
		return nil
	}
	heads, err := reader.ReadRanges(ctx, ranges)
	if err != nil {
		return err
	}
	codec := p.encodings[p.levels[level].Encoding].Codec
	for i, head := range heads {
		if begin := beginnings(codec); begin != nil && !hasAnyPrefix(head, begin) {
			return fault.New(fault.Corrupt, "tile-not-of-its-codec",
				"tile %d of level %d at byte %d begins with % x, which is not %s data", numbers[i], level, ranges[i].Offset, head, codec)
		}
	}
	return nil
}

// beginnings are the first bytes that data of a codec can have; nil when there
// is no sign.
func beginnings(codec formats.Codec) [][]byte {
	switch codec {
	case formats.CodecJPEG:
		return [][]byte{{0xff, 0xd8}}
	case formats.CodecJPEG2000:
		return [][]byte{{0xff, 0x4f, 0xff, 0x51}, {0, 0, 0, 12}}
	case formats.CodecPNG:
		return [][]byte{{0x89, 'P', 'N', 'G'}}
	case formats.CodecWebP:
		return [][]byte{[]byte("RIFF")}
	case formats.CodecZstd:
		return [][]byte{{0x28, 0xb5, 0x2f, 0xfd}}
	}
	return nil
}

func hasAnyPrefix(data []byte, prefixes [][]byte) bool {
	for _, p := range prefixes {
		if bytes.HasPrefix(data, p) {
			return true
		}
	}
	return false
}
