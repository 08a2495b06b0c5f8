package cog

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/tiffpage"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// File is a file that Write made, opened again. It is immutable and safe for
// concurrent use.
type File struct {
	pages     [][]tiffpage.Page // by level, by plane
	levels    []formats.Level
	encodings []formats.Encoding
}

// Open reads the directories of a file of the given number of planes. Kind
// Corrupt when it is not one that this package writes.
func Open(ctx context.Context, r source.Reader, planes int) (*File, error) {
	file, err := tiff.Open(ctx, r, limitsFor(planes))
	if err != nil {
		return nil, err
	}
	chain, err := file.IFDs(ctx)
	if err != nil {
		return nil, err
	}
	if planes < 1 || planes > 1 && len(chain) != planes {
		return nil, fault.New(fault.Corrupt, "cog-planes", "The converted file has %d directories; the slide has %d planes.", len(chain), planes)
	}
	f := &File{}
	for plane := range planes {
		levels := chain
		if planes > 1 {
			subs, err := chain[plane].SubIFDs(ctx)
			if err != nil {
				return nil, err
			}
			levels = append([]*tiff.IFD{chain[plane]}, subs...)
		}
		if err := f.add(ctx, plane, levels); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// limitsFor makes room for one directory a plane.
func limitsFor(planes int) tiff.Limits {
	l := tiff.DefaultLimits()
	l.MaxIFDs = max(l.MaxIFDs, planes+1)
	return l
}

// add takes the levels of one plane; all planes must be alike.
func (f *File) add(ctx context.Context, plane int, levels []*tiff.IFD) error {
	if plane > 0 && len(levels) != len(f.levels) {
		return fault.New(fault.Corrupt, "cog-planes", "Plane %d of the converted file has %d levels, plane 0 has %d.", plane, len(levels), len(f.levels))
	}
	for i, ifd := range levels {
		page, err := tiffpage.ReadPage(ctx, ifd)
		if err != nil {
			return err
		}
		l := page.Layout
		level := formats.Level{Width: l.Width, Height: l.Height, TileWidth: l.TileWidth, TileHeight: l.TileHeight}
		if plane == 0 {
			enc, err := page.Encoding(ctx)
			if err != nil {
				return err
			}
			level.Encoding = f.number(enc)
			f.levels, f.pages = append(f.levels, level), append(f.pages, nil)
		}
		level.Encoding = f.levels[i].Encoding
		if !l.Tiled || level != f.levels[i] {
			return fault.New(fault.Corrupt, "cog-planes", "Level %d of plane %d of the converted file is not as that of plane 0, or not tiled.", i, plane)
		}
		f.pages[i] = append(f.pages[i], page)
	}
	return nil
}

func (f *File) number(enc formats.Encoding) int {
	for i, known := range f.encodings {
		if sameEncoding(known, enc) {
			return i
		}
	}
	f.encodings = append(f.encodings, enc)
	return len(f.encodings) - 1
}

// Levels are from the finest to the coarsest.
func (f *File) Levels() []formats.Level { return append([]formats.Level(nil), f.levels...) }

// Encodings are what Level.Encoding counts in.
func (f *File) Encodings() []formats.Encoding {
	return append([]formats.Encoding(nil), f.encodings...)
}

// Locate gives the extents of count tiles of a level and plane number from
// tile number first on, in row-major order.
func (f *File) Locate(ctx context.Context, level, plane, first, count int) ([]formats.Extent, error) {
	if level < 0 || level >= len(f.pages) || plane < 0 || plane >= len(f.pages[level]) ||
		first < 0 || count < 0 || first+count > f.levels[level].Tiles() {
		return nil, fault.New(fault.Invalid, "no-such-tile", "Tiles %d to %d of level %d, plane %d do not exist.", first, first+count-1, level, plane)
	}
	stored, err := f.pages[level][plane].IFD.Extents(ctx, first, count)
	if err != nil {
		return nil, err
	}
	out := make([]formats.Extent, len(stored))
	for i, e := range stored {
		out[i] = formats.Extent{Offset: e.Offset, Length: e.Length, Blank: e.Length == 0}
	}
	return out, nil
}
