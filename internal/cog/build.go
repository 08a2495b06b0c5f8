package cog

import (
	"context"
	"math"
	"slices"
	"sync"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/pixel"
)

// chain is a run of levels that are made from one another, beginning with one
// that is decoded. A tile is made by whoever delivers the last of its up to
// four children, so all cores work on all levels and what waits is only the
// tiles with some children missing. Its methods are safe for concurrent use.
type chain struct {
	x           *Prepared
	plane       int
	first, last int // levels of the file
	encodeFirst bool

	once    sync.Once
	enc     formats.Encoding
	encErr  error
	lossy   bool // of the source, when its encoding alone does not say
	mu      sync.Mutex
	parents []map[int]*parent // by level; guarded by mu
}

// parent is a tile that waits for children.
type parent struct {
	raster  *pixel.Raster // nil while all children are blank
	missing int
}

func (x *Prepared) newChain(plane, first, last int) *chain {
	c := &chain{x: x, plane: plane, first: first, last: last, encodeFirst: x.plan.levels[first].stored == made}
	c.parents = make([]map[int]*parent, last+1)
	for i := first; i <= last; i++ {
		c.parents[i] = map[int]*parent{}
	}
	return c
}

// push delivers the decoded tile of a level, nil for a blank one, and makes
// whatever became complete by it. The raster has the tile's stored size; what
// lies beyond the level is ignored. push may write to it, and keeps no part of it.
func (c *chain) push(ctx context.Context, level, tile int, r *pixel.Raster) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		if r != nil {
			c.once.Do(func() { c.enc, c.encErr = c.x.encodingFor(c.first, r, c.lossy) })
			if c.encErr != nil {
				return c.encErr
			}
			if r.Samples != c.enc.Samples || r.Type != c.enc.PixelType {
				return fault.New(fault.Corrupt, "convert-mixed-samples", "tile %d of level %d has %d × %s a pixel, another one has %d × %s",
					tile, level, r.Samples, r.Type, c.enc.Samples, c.enc.PixelType)
			}
			if level > c.first || c.encodeFirst {
				if err := c.store(level, tile, r); err != nil {
					return err
				}
			}
		}
		var above *parent
		var whole int
		var err error
		if level < c.last {
			above, whole, err = c.deliver(level, tile, r)
		}
		if level > c.first { // a parent: made here, and nobody else has it
			c.x.rasters.give(r)
		}
		if err != nil || above == nil {
			return err
		}
		level, tile, r = level+1, whole, above.raster
	}
}

// store encodes a tile into the spool. What lies beyond the level repeats the
// last pixels, so that JPEG has no edge to ring at.
func (c *chain) store(level, tile int, r *pixel.Raster) error {
	l := c.x.plan.levels[level].Level
	x, y := tile%l.TilesAcross()*l.TileWidth, tile/l.TilesAcross()*l.TileHeight
	repeatEdges(r, min(l.TileWidth, l.Width-x), min(l.TileHeight, l.Height-y))
	data, err := codec.EncodeTile(c.enc, r, c.x.plan.options.Quality)
	if err != nil {
		return err
	}
	return c.x.keep(level, c.plane, tile, data)
}

// keep puts the bytes of a tile into the spool.
func (x *Prepared) keep(level, plane, tile int, data []byte) error {
	if int64(len(data)) > math.MaxUint32 {
		return fault.New(fault.TooLarge, "convert-tile", "a tile of %d bytes is too large", len(data))
	}
	at, err := x.spool.put(data)
	if err != nil {
		return err
	}
	p := &x.places[level][plane]
	p.offsets[tile], p.sizes[tile] = at, uint32(len(data))
	return nil
}

// deliver puts a quarter into its parent, and gives the parent with its number
// when that was the last one.
func (c *chain) deliver(level, tile int, r *pixel.Raster) (*parent, int, error) {
	l, up := c.x.plan.levels[level].Level, c.x.plan.levels[level+1].Level
	tx, ty := tile%l.TilesAcross(), tile/l.TilesAcross()
	number := ty/2*up.TilesAcross() + tx/2
	c.mu.Lock()
	p := c.parents[level+1][number]
	if p == nil {
		p = &parent{missing: min(2, l.TilesAcross()-tx/2*2) * min(2, l.TilesDown()-ty/2*2)}
		c.parents[level+1][number] = p
	}
	if r != nil && p.raster == nil {
		p.raster = c.background(up)
	}
	into := p.raster
	c.mu.Unlock()
	if r != nil {
		// The quarters of a parent do not overlap.
		width, height := min(l.TileWidth, l.Width-tx*l.TileWidth), min(l.TileHeight, l.Height-ty*l.TileHeight)
		shown := &pixel.Raster{Width: width, Height: height, Samples: r.Samples, Type: r.Type, Stride: r.Stride, Pix: r.Pix}
		if err := pixel.Shrink2Into(into, shown, tx%2*(l.TileWidth/2), ty%2*(l.TileHeight/2)); err != nil {
			return nil, 0, err
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.missing--; p.missing > 0 {
		return nil, 0, nil
	}
	delete(c.parents[level+1], number)
	return p, number, nil
}

// background is a tile of the colour that a tile without bytes shows.
func (c *chain) background(l formats.Level) *pixel.Raster {
	r := c.x.rasters.empty(l.TileWidth, l.TileHeight, c.enc.Samples, c.enc.PixelType)
	colour := c.x.plan.source.Description.Background
	if r.Type != pixel.Uint8 || colour == [3]uint8{} {
		return r
	}
	colours := r.Samples
	if c.enc.Alpha {
		colours-- // nothing there: transparent
	}
	copy(r.Pix[:min(colours, 3)], colour[:])
	for done := r.Samples; done < len(r.Pix); done *= 2 {
		copy(r.Pix[done:], r.Pix[:done])
	}
	return r
}

// repeatEdges fills a raster beyond width × height with the last pixels.
func repeatEdges(r *pixel.Raster, width, height int) {
	size := r.Samples * r.Type.Bytes()
	if width < r.Width {
		for y := range height {
			row := r.Row(y)
			last := row[(width-1)*size : width*size]
			for x := width; x < r.Width; x++ {
				copy(row[x*size:], last)
			}
		}
	}
	for y := height; y < r.Height; y++ {
		copy(r.Row(y), r.Row(height-1))
	}
}

// encodingFor chooses how tiles of rasters like r are stored, for the chain
// that begins at a level: as those of an earlier plane, if there is one.
func (x *Prepared) encodingFor(first int, r *pixel.Raster, lossy bool) (formats.Encoding, error) {
	p := x.plan
	if enc, ok := x.made[first]; ok {
		return enc, nil
	}
	alpha := x.hasAlpha(r.Samples)
	jpegFits := r.Type == pixel.Uint8 && (r.Samples == 1 || r.Samples == 3)
	var enc formats.Encoding
	var err error
	switch {
	case jpegFits && (p.options.Compression == JPEG || p.options.Compression == Auto && lossy):
		enc, err = codec.JPEGEncoding(r.Samples, p.options.Quality)
	default:
		enc = codec.DeflateEncoding(r.Samples, r.Type, alpha)
		enc.BigEndian = ordered(enc) && p.Way == Copy && (&Image{Levels: p.source.Description.Levels, Encodings: p.source.Encodings}).bigEndian()
	}
	return enc, err
}

// hasAlpha tells whether the last sample of a decoded pixel is alpha.
func (x *Prepared) hasAlpha(samples int) bool {
	s := x.plan.source
	if s.Locate != nil {
		return s.Encodings[s.Description.Levels[0].Encoding].Alpha && samples > 1
	}
	return samples == s.Description.Samples+1
}

// adopt remembers what the tiles of a chain are stored as: the other planes'
// are stored so too.
func (x *Prepared) adopt(c *chain) {
	if c.enc.Codec != "" {
		x.made[c.first] = c.enc
	}
}

// settle gives the made levels their encodings, once all planes are built.
func (x *Prepared) settle() {
	var enc formats.Encoding
	for i, l := range x.plan.levels {
		if chosen, ok := x.made[i]; ok {
			enc = chosen
		}
		if l.stored != made {
			continue
		}
		if enc.Codec == "" { // blank throughout: any encoding says so
			d := x.plan.source.Description
			enc = codec.DeflateEncoding(max(d.Samples, 1), d.PixelType, false)
		}
		number := slices.IndexFunc(x.Image.Encodings, func(known formats.Encoding) bool { return sameEncoding(known, enc) })
		if number < 0 {
			number = len(x.Image.Encodings)
			x.Image.Encodings = append(x.Image.Encodings, enc)
		}
		x.Image.Levels[i].Encoding = number
	}
}
