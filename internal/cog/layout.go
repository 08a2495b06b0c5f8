package cog

import (
	"context"
	"io"
	"math"
	"sync"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/tiff"
)

// Sizes gives the encoded lengths of all tiles of a level and plane, in
// row-major order; 0 for a tile that is not stored.
type Sizes func(level, plane int) ([]uint32, error)

// Tiles gives the bytes of count stored tiles, one after the other in row-major
// order. Where a piece ends says nothing: tiles that lie next to each other
// already are best left in one.
type Tiles func(ctx context.Context, level, plane, first, count int) (pieces [][]byte, err error)

// Layout is a file whose every byte has its place. It is immutable.
type Layout struct {
	image Image
	head  []byte  // header and directories
	sizes [][]run // by level, by plane
	size  int64
	big   bool
}

// run is the tiles of one plane of one level, which lie one after the other.
type run struct {
	sizes []uint32
	at    int64
}

// classicLimit leaves room for rounding below 4 GiB.
const classicLimit = math.MaxUint32 - 1<<16

// Lay gives every tile its place. BigTIFF is chosen when the file would reach
// 4 GiB.
func Lay(m Image, sizes Sizes) (*Layout, error) {
	if err := m.check(); err != nil {
		return nil, err
	}
	l := &Layout{image: m, sizes: make([][]run, len(m.Levels))}
	var data int64
	for i, level := range m.Levels {
		l.sizes[i] = make([]run, m.Planes)
		for p := range m.Planes {
			got, err := sizes(i, p)
			if err != nil {
				return nil, err
			}
			if len(got) != level.Tiles() {
				return nil, fault.New(fault.Internal, "cog-sizes", "Level %d has %d tiles, %d lengths were given.", i, level.Tiles(), len(got))
			}
			l.sizes[i][p].sizes = got
			for _, n := range got {
				data += int64(n)
			}
		}
	}
	chain := l.directories()
	o := tiff.WriteOptions{BigEndian: m.bigEndian()}
	header := int64(len(tiff.Header(0, o)))
	if header+tiff.StructureSize(chain, o)+data > classicLimit {
		o.BigTIFF, l.big = true, true
		header = int64(len(tiff.Header(0, o)))
	}
	// The lengths are in the directories already; now their places.
	at := header + tiff.StructureSize(chain, o)
	l.size = l.place(at)
	l.segments(chain)
	structure, err := tiff.Structure(chain, header, o)
	if err != nil {
		return nil, err
	}
	l.head = append(tiff.Header(header, o), structure...)
	return l, nil
}

// directories are one chain: the levels of one plane, or the planes with their
// levels as SubIFDs.
func (l *Layout) directories() []*tiff.Directory {
	m := &l.image
	var chain []*tiff.Directory
	for plane := range m.Planes {
		var base *tiff.Directory
		for level := range m.Levels {
			d := m.directory(level)
			// Space for the arrays; StructureSize needs their lengths only.
			d.Segments = make([]tiff.Extent, len(l.sizes[level][plane].sizes))
			switch {
			case level == 0:
				base = d
				chain = append(chain, d)
			case m.Planes == 1:
				chain = append(chain, d)
			default:
				base.SubIFDs = append(base.SubIFDs, d)
			}
		}
	}
	chain[0].Fields = append(chain[0].Fields, m.firstFields()...)
	return chain
}

// place puts the coarsest level first and gives the end of the file.
func (l *Layout) place(at int64) int64 {
	for level := len(l.sizes) - 1; level >= 0; level-- {
		for plane := range l.sizes[level] {
			r := &l.sizes[level][plane]
			r.at = at
			for _, n := range r.sizes {
				at += int64(n)
			}
		}
	}
	return at
}

// segments fills the places into the directories.
func (l *Layout) segments(chain []*tiff.Directory) {
	fill := func(d *tiff.Directory, r run) {
		at := r.at
		for i, n := range r.sizes {
			if n > 0 {
				d.Segments[i] = tiff.Extent{Offset: at, Length: int64(n)}
				at += int64(n)
			}
		}
	}
	if l.image.Planes == 1 {
		for level, d := range chain {
			fill(d, l.sizes[level][0])
		}
		return
	}
	for plane, d := range chain {
		fill(d, l.sizes[0][plane])
		for i, sub := range d.SubIFDs {
			fill(sub, l.sizes[i+1][plane])
		}
	}
}

// Size is the length of the file in bytes.
func (l *Layout) Size() int64 { return l.size }

// BigTIFF tells whether offsets have 64 bits.
func (l *Layout) BigTIFF() bool { return l.big }

// Bounds on Write: batches of so many tiles and bytes, and so many of them read
// at the same time, which hides what a store takes to begin an answer.
const (
	batchTiles  = 256
	batchBytes  = 1 << 20
	batchesRead = 3
)

// batch is tiles that are read and written together.
type batch struct {
	level, plane, first, count int
	bytes                      int64
}

// Write emits the file from its first byte to its last, asking for every tile
// once; the next batches are read while one is written. Kind Changed when tiles
// do not have the length that they were laid out with.
func (l *Layout) Write(ctx context.Context, w io.Writer, tiles Tiles) error {
	if _, err := w.Write(l.head); err != nil {
		return err
	}
	type result struct {
		pieces [][]byte
		err    error
	}
	type pending struct {
		batch
		result chan result
	}
	ctx, cancel := context.WithCancel(ctx)
	var reading sync.WaitGroup
	defer func() { // who reads ahead has ended when Write returns
		cancel()
		reading.Wait()
	}()
	queue := make(chan pending, batchesRead-1) // the one that is waited for is read as well
	reading.Go(func() {
		defer close(queue)
		for b := range l.batches {
			p := pending{b, make(chan result, 1)}
			select {
			case queue <- p:
			case <-ctx.Done():
				return
			}
			reading.Go(func() {
				got, err := tiles(ctx, b.level, b.plane, b.first, b.count)
				p.result <- result{got, err}
			})
		}
	})
	for p := range queue {
		r := <-p.result
		if r.err != nil {
			return r.err
		}
		if err := writeBatch(w, p.batch, r.pieces); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func writeBatch(w io.Writer, b batch, pieces [][]byte) error {
	var total int64
	for _, piece := range pieces {
		total += int64(len(piece))
	}
	if total != b.bytes {
		return fault.New(fault.Changed, "cog-tile-changed", "Tiles %d to %d of level %d have %d bytes; they had %d when the file was laid out.",
			b.first, b.first+b.count-1, b.level, total, b.bytes)
	}
	for _, piece := range pieces {
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	return nil
}

// batches walks the tiles in the order of the file; what is not stored is
// passed over.
func (l *Layout) batches(yield func(batch) bool) {
	for level := len(l.sizes) - 1; level >= 0; level-- {
		for plane := range l.sizes[level] {
			sizes := l.sizes[level][plane].sizes
			b := batch{level: level, plane: plane}
			for i, n := range sizes {
				if b.count > 0 && (n == 0 || b.count == batchTiles || b.bytes+int64(n) > batchBytes) {
					if !yield(b) {
						return
					}
					b.count, b.bytes = 0, 0
				}
				if n == 0 {
					continue
				}
				if b.count == 0 {
					b.first = i
				}
				b.count++
				b.bytes += int64(n)
			}
			if b.count > 0 && !yield(b) {
				return
			}
		}
	}
}
