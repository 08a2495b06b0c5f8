package cog

import (
	"context"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/pixel"
)

// Tiles are walked in blocks, so that most parents become complete soon after
// they were begun, in runs of whole rows of a block, which lie together in the
// source.
const (
	blockSide = 16 // tiles
	runRows   = 2
	readers   = 4 // runs that are read at the same time
)

// build makes the levels of one chain.
func (x *Prepared) build(ctx context.Context, plane, first, last int) error {
	c := x.newChain(plane, first, last)
	s := x.plan.source
	l := x.plan.levels[first]
	var err error
	switch {
	case l.stored != made:
		c.lossy = lossyCodec(s.Encodings[l.Encoding], nil)
		err = x.feedTiles(ctx, c, l.stored, true)
	case s.Locate != nil && sameGrid(l.Level, s.Description.Levels[0]):
		err = x.feedTiles(ctx, c, 0, false)
	default:
		err = x.feedRows(ctx, c)
	}
	if err != nil {
		return err
	}
	x.adopt(c)
	return nil
}

func sameGrid(a, b formats.Level) bool {
	return a.TileWidth == b.TileWidth && a.TileHeight == b.TileHeight && a.Strips == b.Strips
}

// item is one tile on its way from reading to decoding.
type item struct {
	tile int
	data []byte // nil for a blank one
}

// feedTiles decodes all tiles of a level of the source into the chain. With
// copied the encoded tiles are kept for the file as well.
func (x *Prepared) feedTiles(ctx context.Context, c *chain, level int, copied bool) error {
	s := x.plan.source
	l := s.Description.Levels[level]
	enc := s.Encodings[l.Encoding]
	if err := x.sniff(ctx, c, level, l, enc); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	runs := make(chan []int)
	items := make(chan item, 2*x.plan.options.Workers)
	group.Go(func() error {
		defer close(runs)
		for run := range runsOf(l) {
			select {
			case runs <- run:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	var reading sync.WaitGroup
	for range readers {
		reading.Add(1)
		group.Go(func() error {
			defer reading.Done()
			for run := range runs {
				if err := x.readRun(ctx, c.plane, level, run, items); err != nil {
					return err
				}
			}
			return nil
		})
	}
	group.Go(func() error {
		reading.Wait()
		close(items)
		return nil
	})
	progress := x.progressOf(c, l.Tiles())
	for range x.plan.options.Workers {
		group.Go(func() error {
			for it := range items {
				if err := x.takeTile(ctx, c, level, enc, it, copied); err != nil {
					return err
				}
				progress()
			}
			return nil
		})
	}
	err := group.Wait()
	if err == nil && copied {
		x.places[c.first][c.plane].spooled = true
	}
	return err
}

// runsOf walks a level in blocks; every element is the numbers of the tiles of
// up to runRows rows of a block.
func runsOf(l formats.Level) func(yield func([]int) bool) {
	across, down := l.TilesAcross(), l.TilesDown()
	return func(yield func([]int) bool) {
		for by := 0; by < down; by += blockSide {
			for bx := 0; bx < across; bx += blockSide {
				for y := by; y < min(by+blockSide, down); y += runRows {
					var run []int
					for row := y; row < min(y+runRows, down); row++ {
						for x := bx; x < min(bx+blockSide, across); x++ {
							run = append(run, row*across+x)
						}
					}
					if !yield(run) {
						return
					}
				}
			}
		}
	}
}

// readRun reads the tiles of a run in one batch.
func (x *Prepared) readRun(ctx context.Context, plane, level int, run []int, out chan<- item) error {
	items := make([]item, len(run))
	var extents []formats.Extent
	var at []int
	for i, tile := range run {
		items[i].tile = tile
		e, err := x.extent(ctx, plane, level, tile)
		if err != nil {
			return err
		}
		if !e.Blank {
			extents, at = append(extents, e), append(at, i)
		}
	}
	if len(extents) > 0 {
		got, err := x.plan.source.Read(ctx, extents)
		if err != nil {
			return err
		}
		for i, data := range got {
			items[at[i]].data = data
		}
	}
	for _, it := range items {
		select {
		case out <- it:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// extent is from the places of a copied level, which were located before, or
// from the source.
func (x *Prepared) extent(ctx context.Context, plane, level, tile int) (formats.Extent, error) {
	for i, l := range x.plan.levels {
		if l.stored == level {
			p := &x.places[i][plane]
			// While the level is fed, offsets of tiles that were kept already
			// point into the spool; no tile is asked for twice.
			return formats.Extent{Offset: p.offsets[tile], Length: int64(p.sizes[tile]), Blank: p.sizes[tile] == 0}, nil
		}
	}
	got, err := x.plan.source.Locate(ctx, level, plane, tile, 1)
	if err != nil {
		return formats.Extent{}, err
	}
	return got[0], nil
}

// takeTile keeps, decodes and delivers one tile.
func (x *Prepared) takeTile(ctx context.Context, c *chain, level int, enc formats.Encoding, it item, copied bool) error {
	if it.data == nil {
		return c.push(ctx, c.first, it.tile, nil)
	}
	if copied {
		if err := x.keep(c.first, c.plane, it.tile, it.data); err != nil {
			return err
		}
	}
	l := x.plan.source.Description.Levels[level]
	r, err := codec.DecodeInto(x.rasters.take(), enc, it.data, l.TileWidth, l.TileHeight)
	if err != nil {
		return tileFault(err, level, it.tile, enc, len(it.data))
	}
	err = c.push(ctx, c.first, it.tile, r)
	x.rasters.give(r)
	return err
}

// feedRows decodes a picture from top to bottom, cuts it into tiles and
// delivers them.
func (x *Prepared) feedRows(ctx context.Context, c *chain) (err error) {
	l := x.plan.levels[c.first].Level
	if err := x.sniffSource(ctx, c); err != nil {
		return err
	}
	in, err := x.openRows(ctx, c.plane)
	if err != nil {
		return err
	}
	defer in.close()
	type piece struct {
		band *pixel.Raster
		tile int
		left *atomic.Int32 // tiles of the band that are still to be cut
	}
	group, ctx := errgroup.WithContext(ctx)
	pieces := make(chan piece, x.plan.options.Workers)
	group.Go(func() error {
		defer close(pieces)
		for ty := range l.TilesDown() {
			band, err := in.next(ctx, min(l.TileHeight, l.Height-ty*l.TileHeight))
			if err != nil {
				return err
			}
			left := new(atomic.Int32)
			left.Store(int32(l.TilesAcross()))
			for tx := range l.TilesAcross() {
				select {
				case pieces <- piece{band, ty*l.TilesAcross() + tx, left}:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		return nil
	})
	progress := x.progressOf(c, l.Tiles())
	for range x.plan.options.Workers {
		group.Go(func() error {
			for p := range pieces {
				// What lies beyond the level is not set: store repeats the edges there.
				r := x.rasters.unset(l.TileWidth, l.TileHeight, p.band.Samples, p.band.Type)
				if err := pixel.Paste(r, p.band, -p.tile%l.TilesAcross()*l.TileWidth, 0); err != nil {
					return err
				}
				if p.left.Add(-1) == 0 {
					x.bands.give(p.band)
				}
				if err := c.push(ctx, c.first, p.tile, r); err != nil {
					return err
				}
				x.rasters.give(r)
				progress()
			}
			return nil
		})
	}
	return group.Wait()
}

// progressOf counts the tiles of one chain; the planes share the whole, and
// what follows the longest chain of a plane is not worth telling.
func (x *Prepared) progressOf(c *chain, tiles int) func() {
	tell := x.plan.options.Progress
	if tell == nil {
		return func() {}
	}
	var mu sync.Mutex
	done := 0
	return func() {
		mu.Lock()
		defer mu.Unlock()
		if done++; done%64 == 0 || done == tiles {
			tell((float64(c.plane) + float64(done)/float64(tiles)) / float64(x.Image.Planes))
		}
	}
}
