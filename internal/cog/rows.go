package cog

import (
	"context"
	"fmt"
	"os"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/codec/vips"
	"github.com/pims-cloud/pims/pixel"
)

// rows is a picture that is read from top to bottom.
type rows interface {
	// next gives the next height rows, in the full width. The raster belongs
	// to the caller.
	next(ctx context.Context, height int) (*pixel.Raster, error)
	close()
}

// Bounds on what is decoded in one piece. Whole files beyond the first are
// streamed by libvips where it is there; nothing beyond the second is decoded.
const (
	wholeBytes = 64 << 20
	mostBytes  = 1 << 30
)

// openRows chooses how level 0 of a plane is read.
func (x *Prepared) openRows(ctx context.Context, plane int) (rows, error) {
	s := x.plan.source
	d := s.Description
	if s.Locate == nil {
		return &regionRows{s: s, plane: planeAt(d, plane)}, nil
	}
	l := d.Levels[0]
	enc := s.Encodings[l.Encoding]
	bytes := int64(l.TileWidth) * int64(l.TileHeight) * int64(max(enc.Samples, 1)*max(enc.PixelType.Bytes(), 1))
	if bytes > wholeBytes && l.Tiles() == 1 && d.Planes() == 1 && s.Download != nil && vips.CanStream(enc.Codec) {
		return x.openFile(ctx, enc)
	}
	if bytes > mostBytes {
		return nil, fault.New(fault.Unsupported, "convert-needs-libvips",
			"%d × %d pixels of codec %s lie in one piece, which only libvips can read in part; use a build with libvips", l.TileWidth, l.TileHeight, enc.Codec)
	}
	return &gridRows{x: x, level: l, enc: enc, plane: plane}, nil
}

// planeAt is the reverse of Description.PlaneNumber.
func planeAt(d *formats.Description, number int) formats.Plane {
	c := number % d.ConcreteChannels
	z := number / d.ConcreteChannels % d.Depth
	return formats.Plane{C: c, Z: z, T: number / d.ConcreteChannels / d.Depth}
}

// regionRows asks the format.
type regionRows struct {
	s     Source
	plane formats.Plane
	at    int
}

func (r *regionRows) next(ctx context.Context, height int) (*pixel.Raster, error) {
	width := r.s.Description.Width
	out, err := r.s.Region.ReadRegion(ctx, 0, r.plane, 0, r.at, width, height)
	if err != nil {
		return nil, err
	}
	if out.Width != width || out.Height != height {
		return nil, fault.New(fault.Internal, "region-size", "%d × %d pixels were asked for, the format gave %d × %d.", width, height, out.Width, out.Height)
	}
	r.at += height
	return out, nil
}

func (r *regionRows) close() {}

// gridRows decodes strips, or tiles of a grid that is not kept, or one piece
// that holds everything. Of what is decoded only the last row of pieces is
// kept, for the rows of it that were not yet asked for.
type gridRows struct {
	x       *Prepared
	level   formats.Level
	enc     formats.Encoding
	plane   int
	at      int // rows given so far
	decoded *pixel.Raster
	row     int // of pieces, that decoded is
}

func (g *gridRows) next(ctx context.Context, height int) (*pixel.Raster, error) {
	var out *pixel.Raster
	for done := 0; done < height; {
		row := (g.at + done) / g.level.TileHeight
		if err := g.decodeRow(ctx, row); err != nil {
			return nil, err
		}
		if out == nil {
			out = g.x.bands.unset(g.level.Width, height, g.decoded.Samples, g.decoded.Type)
		}
		skip := g.at + done - row*g.level.TileHeight
		n := min(g.level.TileHeight-skip, height-done)
		if out.Samples != g.decoded.Samples || out.Type != g.decoded.Type {
			return nil, fault.New(fault.Corrupt, "convert-mixed-samples", "pieces of the picture differ in samples or type")
		}
		for y := range n {
			copy(out.Row(done+y), g.decoded.Row(skip+y))
		}
		done += n
	}
	g.at += height
	return out, nil
}

// decodeRow decodes one row of pieces on all cores.
func (g *gridRows) decodeRow(ctx context.Context, row int) error {
	if g.decoded != nil && g.row == row {
		return nil
	}
	spare := g.decoded // its memory serves the next row
	g.decoded = nil
	across := g.level.TilesAcross()
	s := g.x.plan.source
	extents, err := s.Locate(ctx, 0, g.plane, row*across, across)
	if err != nil {
		return err
	}
	pieces := make([]*pixel.Raster, across)
	group, inner := errgroup.WithContext(ctx)
	group.SetLimit(g.x.plan.options.Workers)
	for i, e := range extents {
		if e.Blank {
			continue
		}
		group.Go(func() error {
			data, err := s.Read(inner, []formats.Extent{e})
			if err != nil {
				return err
			}
			var into *pixel.Raster
			if across == 1 {
				into = spare
			}
			width, height := g.level.StoredSize(row*across + i) // the last strip may be shorter
			pieces[i], err = codec.DecodeInto(into, g.enc, data[0], width, height)
			if err != nil {
				return tileFault(err, 0, row*across+i, g.enc, len(data[0]))
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	g.decoded, g.row = g.join(pieces), row
	return nil
}

// join puts a row of pieces side by side; what is blank stays zero.
func (g *gridRows) join(pieces []*pixel.Raster) *pixel.Raster {
	if len(pieces) == 1 && pieces[0] != nil && pieces[0].Width == g.level.Width {
		return pieces[0]
	}
	var out *pixel.Raster
	for i, p := range pieces {
		if p == nil {
			continue
		}
		if out == nil {
			out = pixel.New(g.level.Width, g.level.TileHeight, p.Samples, p.Type)
		}
		// Pieces of another form are left out here and refused by next.
		_ = pixel.Paste(out, p, i*g.level.TileWidth, 0)
	}
	if out == nil {
		return pixel.New(g.level.Width, g.level.TileHeight, max(g.x.plan.source.Description.Samples, 1), g.enc.PixelType)
	}
	return out
}

func (g *gridRows) close() {}

// fileRows streams a whole file through libvips from the local disk.
type fileRows struct {
	stream *vips.Stream
	file   *os.File
}

func (x *Prepared) openFile(ctx context.Context, enc formats.Encoding) (_ rows, err error) {
	f, err := os.CreateTemp(x.plan.options.TempDir, "pims-convert-*")
	if err != nil {
		return nil, spoolFault(err)
	}
	r := &fileRows{file: f}
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	name := f.Name()
	if runtime.GOOS == "linux" {
		// libvips opens the file more than once; by its descriptor it can, and
		// without a name nothing is left over however the process ends.
		_ = os.Remove(name) // it is only a name: the file goes with the process
		name = fmt.Sprintf("/proc/self/fd/%d", f.Fd())
	}
	if err := x.plan.source.Download(ctx, f); err != nil {
		return nil, err
	}
	if r.stream, err = vips.OpenStream(name, enc.Codec); err != nil {
		return nil, err
	}
	l := x.plan.source.Description.Levels[0]
	if r.stream.Width != l.Width || r.stream.Height != l.Height {
		return nil, fault.New(fault.Corrupt, "codec-size-mismatch", "libvips finds %d × %d pixels in the file, its header says %d × %d.",
			r.stream.Width, r.stream.Height, l.Width, l.Height)
	}
	return r, nil
}

func (r *fileRows) next(_ context.Context, height int) (*pixel.Raster, error) {
	return r.stream.Next(height)
}

func (r *fileRows) close() {
	if r.stream != nil {
		r.stream.Close()
	}
	r.file.Close()
	if runtime.GOOS != "linux" {
		_ = os.Remove(r.file.Name()) // in the system's temporary folder
	}
}
