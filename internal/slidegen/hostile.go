package slidegen

import (
	"context"
	"encoding/binary"

	"github.com/pims-cloud/pims/tiff"
)

// Hostile makes small files that lie, each about one thing, by file name. All
// begin like a TIFF or an SVS; none is right.
func Hostile(ctx context.Context) (map[string][]byte, error) {
	var failed error
	pages := func(change func(*Pyramid)) victim {
		o := Pyramid{Scene: Scene{Width: 96, Height: 80, Seed: 21}, TileSize: 32, Compression: tiff.CompressionJPEG, Quality: 50}
		if change != nil {
			change(&o)
		}
		var file memoryFile
		if err := WritePyramid(ctx, &file, o); err != nil {
			failed = err
		}
		return file.bytes
	}
	svs := func() victim {
		var file memoryFile
		o := SVS{Scene: Scene{Width: 300, Height: 260, Seed: 22}, TileSize: 240, Quality: 40}
		if err := WriteSVS(ctx, &file, o); err != nil {
			failed = err
		}
		return file.bytes
	}
	subIFDs := func(o *Pyramid) { o.SubIFDs = true }

	// The base files once, to know whether making them works.
	plain, nested, big := pages(nil), pages(subIFDs), pages(func(o *Pyramid) { o.BigTIFF = true })
	slide := svs()
	if failed != nil {
		return nil, failed
	}
	truncated := slide.clone()[:len(slide)*2/3]
	return map[string][]byte{
		"ifd-loop.tif":             plain.clone().link(1, plain.ifd(0)),
		"ifd-self-loop.tif":        plain.clone().link(0, plain.ifd(0)),
		"ifd-beyond-end.tif":       plain.clone().link(0, uint32(len(plain)+1000)),
		"first-ifd-beyond-end.tif": plain.clone().put32(4, 0xfffffff0),
		"ifd-many-entries.tif":     plain.clone().put16(int(plain.ifd(0)), 0xffff),
		"truncated.svs":            truncated,
		"truncated-tiles.svs":      slide.clone().moveTileBeyondEnd(),
		"zero-tile-size.tif":       plain.clone().value(tiff.TileWidth, 0),
		"zero-width.tif":           plain.clone().value(tiff.ImageWidth, 0),
		"huge-dimensions.tif":      plain.clone().value(tiff.ImageWidth, 0x7fffffff).value(tiff.ImageLength, 0x7fffffff),
		"one-pixel-tiles.tif":      plain.clone().value(tiff.TileWidth, 1).value(tiff.TileLength, 1),
		"huge-count.tif":           plain.clone().count(tiff.TileOffsets, 0xffffffff),
		"huge-jpegtables.tif":      plain.clone().count(tiff.JPEGTables, 0x7fffffff),
		"big-huge-entries.tif":     big.clone().put64(int(binary.LittleEndian.Uint64(big[8:])), 1<<62),
		"big-huge-ifd-offset.tif":  big.clone().put64(8, 1<<63),
		"tile-counts-disagree.tif": plain.clone().count(tiff.TileByteCounts, 3),
		"subifd-self.tif":          nested.clone().subIFD(nested.ifd(0)),
		"subifd-overlap.tif":       nested.clone().subIFD(nested.ifd(0) + 6),
		"jpeg-sof-mismatch.tif":    plain.clone().patchFrames(4096, 4096),
		"missing-jpegtables.tif":   plain.clone().retag(tiff.JPEGTables, 65000),
		"samples-disagree.tif":     plain.clone().value(tiff.SamplesPerPixel, 65535),
		"header-only.tif":          plain.clone()[:8],
		"empty.tif":                {},
	}, nil
}

// victim is a little-endian classic TIFF that is about to be damaged. Its
// methods change it in place and return it.
type victim []byte

func (v victim) clone() victim { return append(victim(nil), v...) }

// ifd is the offset of directory n of the chain.
func (v victim) ifd(n int) uint32 {
	at := binary.LittleEndian.Uint32(v[4:])
	for range n {
		at = binary.LittleEndian.Uint32(v[v.linkOf(at):])
	}
	return at
}

// linkOf is where the directory at an offset links to the next.
func (v victim) linkOf(ifd uint32) int {
	return int(ifd) + 2 + 12*int(binary.LittleEndian.Uint16(v[ifd:]))
}

// entry is where the entry of a tag stands in the first directory.
func (v victim) entry(tag tiff.Tag) int {
	at := int(v.ifd(0)) + 2
	for binary.LittleEndian.Uint16(v[at:]) != uint16(tag) {
		at += 12
	}
	return at
}

func (v victim) put16(at int, n uint16) victim {
	binary.LittleEndian.PutUint16(v[at:], n)
	return v
}

func (v victim) put32(at int, n uint32) victim {
	binary.LittleEndian.PutUint32(v[at:], n)
	return v
}

func (v victim) put64(at int, n uint64) victim {
	binary.LittleEndian.PutUint64(v[at:], n)
	return v
}

func (v victim) link(n int, to uint32) victim { return v.put32(v.linkOf(v.ifd(n)), to) }

func (v victim) value(tag tiff.Tag, n uint32) victim { return v.put32(v.entry(tag)+8, n) }

func (v victim) count(tag tiff.Tag, n uint32) victim { return v.put32(v.entry(tag)+4, n) }

func (v victim) retag(tag tiff.Tag, to uint16) victim { return v.put16(v.entry(tag), to) }

// subIFD makes the first SubIFD lie somewhere else.
func (v victim) subIFD(to uint32) victim {
	at := v.entry(tiff.SubIFDs)
	if binary.LittleEndian.Uint32(v[at+4:]) == 1 {
		return v.put32(at+8, to)
	}
	return v.put32(int(binary.LittleEndian.Uint32(v[at+8:])), to)
}

// moveTileBeyondEnd lets the second tile of the first directory begin after
// the end of the file.
func (v victim) moveTileBeyondEnd() victim {
	offsets := int(binary.LittleEndian.Uint32(v[v.entry(tiff.TileOffsets)+8:]))
	return v.put32(offsets+4, uint32(len(v)+1))
}

// patchFrames gives every JPEG frame header before the directories another size
// than the tags have.
func (v victim) patchFrames(width, height uint16) victim {
	for i := 8; i+9 < int(v.ifd(0)); i++ {
		if v[i] == 0xff && v[i+1] == 0xc0 && v[i+2] == 0 && v[i+3] == 17 {
			binary.BigEndian.PutUint16(v[i+5:], height)
			binary.BigEndian.PutUint16(v[i+7:], width)
		}
	}
	return v
}
