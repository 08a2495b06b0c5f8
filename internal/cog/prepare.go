package cog

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
)

// Prepared is a file whose tiles all have a length. It is not safe for
// concurrent use; Close releases its temporary file.
type Prepared struct {
	// Image is what the file will say.
	Image Image
	// PixelsIdentical tells whether level 0 decodes to the source's own pixels.
	PixelsIdentical bool
	// Compression names the codec of level 0.
	Compression formats.Codec

	plan   *Plan
	spool  *spool
	places [][]places               // by level, by plane
	made   map[int]formats.Encoding // by the level that a chain begins with
	layout *Layout
	// Rasters are used again: tiles by all chains, bands by all rows.
	rasters, bands rasters
}

// places is where the tiles of one plane of one level are until they are
// written: in the source, or in the spool. Every element is written by one
// goroutine only.
type places struct {
	offsets []int64
	sizes   []uint32
	spooled bool
}

// Prepare does all that must be known before the first byte can be written:
// it locates the tiles that are copied, and decodes, shrinks and encodes those
// of missing levels. Every tile that is decoded is read once, here; the others
// are read once by Write.
func (p *Plan) Prepare(ctx context.Context) (_ *Prepared, err error) {
	x := &Prepared{plan: p, made: map[int]formats.Encoding{}}
	d := p.source.Description
	x.Image = Image{
		Planes: d.Planes(), ICCProfile: p.source.ICCProfile, Software: p.options.Software, AcquiredAt: d.AcquiredAt,
		PhysicalSizeX: d.PhysicalSizeX, PhysicalSizeY: d.PhysicalSizeY,
	}
	if p.Way == Copy {
		x.Image.Encodings = append(x.Image.Encodings, p.source.Encodings...)
	}
	for _, l := range p.levels {
		x.Image.Levels = append(x.Image.Levels, l.Level)
		x.places = append(x.places, make([]places, x.Image.Planes))
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, x.Close())
		}
	}()
	if p.MadeLevels() > 0 {
		if x.spool, err = newSpool(p.options.TempDir); err != nil {
			return nil, err
		}
	}
	for plane := range x.Image.Planes {
		if err := x.preparePlane(ctx, plane); err != nil {
			return nil, err
		}
	}
	x.settle()
	base := x.Image.Encodings[x.Image.Levels[0].Encoding]
	x.Image.Description = describe(d, base.Samples, p.options.Software)
	x.Compression = base.Codec
	x.PixelsIdentical = p.Way == Copy || x.Compression != formats.CodecJPEG
	x.layout, err = Lay(x.Image, func(level, plane int) ([]uint32, error) { return x.places[level][plane].sizes, nil })
	return x, err
}

// preparePlane fills the places of one plane of all levels.
func (x *Prepared) preparePlane(ctx context.Context, plane int) error {
	levels := x.plan.levels
	for i, l := range levels {
		at := &x.places[i][plane]
		at.sizes, at.offsets = make([]uint32, l.Tiles()), make([]int64, l.Tiles())
		if l.stored == made {
			at.spooled = true
			continue
		}
		if err := x.locate(ctx, i, plane); err != nil {
			return err
		}
	}
	for i, l := range levels {
		starts := i+1 < len(levels) && l.stored != made && levels[i+1].stored == made || i == 0 && l.stored == made
		if !starts {
			continue
		}
		last := i
		for last+1 < len(levels) && levels[last+1].stored == made {
			last++
		}
		if err := x.build(ctx, plane, i, last); err != nil {
			return err
		}
	}
	return nil
}

// locate notes where the tiles of a copied level are in the source.
func (x *Prepared) locate(ctx context.Context, level, plane int) error {
	const page = 4096
	l := x.plan.levels[level]
	at := &x.places[level][plane]
	for first := 0; first < l.Tiles(); first += page {
		count := min(page, l.Tiles()-first)
		extents, err := x.plan.source.Locate(ctx, l.stored, plane, first, count)
		if err != nil {
			return err
		}
		for i, e := range extents {
			if e.Blank {
				continue
			}
			if e.Length > math.MaxUint32 || e.Source != 0 {
				return fault.New(fault.Unsupported, "convert-tile", "tile %d of level %d has %d bytes in source %d and cannot be copied", first+i, l.stored, e.Length, e.Source)
			}
			at.offsets[first+i], at.sizes[first+i] = e.Offset, uint32(e.Length)
		}
	}
	return nil
}

// Size is the length of the file in bytes.
func (x *Prepared) Size() int64 { return x.layout.Size() }

// BigTIFF tells whether the file has 64-bit offsets.
func (x *Prepared) BigTIFF() bool { return x.layout.BigTIFF() }

// Write emits the file in one pass.
func (x *Prepared) Write(ctx context.Context, w io.Writer) error {
	return x.layout.Write(ctx, w, x.tiles)
}

// tiles reads tiles of the file from where they are, those that lie next to each
// other in one piece.
func (x *Prepared) tiles(ctx context.Context, level, plane, first, count int) ([][]byte, error) {
	at := &x.places[level][plane]
	extents := at.joined(first, count)
	if !at.spooled {
		return x.plan.source.Read(ctx, extents)
	}
	out := make([][]byte, len(extents))
	for i, e := range extents {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		var err error
		if out[i], err = x.spool.get(e.Offset, e.Length); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// joined is where tiles are, neighbours as one extent.
func (p *places) joined(first, count int) []formats.Extent {
	var out []formats.Extent
	for i := first; i < first+count; i++ {
		length := int64(p.sizes[i])
		if last := len(out) - 1; last >= 0 && out[last].Offset+out[last].Length == p.offsets[i] {
			out[last].Length += length
			continue
		}
		out = append(out, formats.Extent{Offset: p.offsets[i], Length: length})
	}
	return out
}

// Close releases the temporary file.
func (x *Prepared) Close() error {
	if x.spool == nil {
		return nil
	}
	return x.spool.close()
}

// describe is the text of the first directory: OME-XML for several planes;
// else the original's own words, introduced so that no reader takes the file
// for one of the original's vendor.
func describe(d *formats.Description, samples int, software string) string {
	if d.Planes() > 1 {
		return omeXML(d, samples, software)
	}
	text := fmt.Sprintf("Converted from %s by %s.", d.Format, software)
	if d.Text != nil && *d.Text != "" {
		text += "\nDescription of the original:\n" + strings.ReplaceAll(*d.Text, "\x00", "") + "\nEnd of the description."
	}
	return text
}
