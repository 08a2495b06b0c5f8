package importer

import (
	"context"
	"fmt"
	"slices"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
)

// Bounds on the sample of tiles that a check decodes.
const (
	samplesPerLevel = 9
	sampleBytes     = 3 << 20   // of encoded tiles over all levels; one tile a level is always read
	maxSampledTile  = 8 << 20   // encoded bytes of a tile that is still worth it
	maxDecodedBytes = 256 << 20 // of one tile
	maxKeptBytes    = 4 << 20   // of sampled tiles that are kept for the next step
)

// sample decodes some tiles of every level and tells how many.
func (w *attempt) sample(ctx context.Context) (int, error) {
	var checked int
	budget := int64(sampleBytes)
	for i := len(w.desc.Levels) - 1; i >= 0; i-- {
		n, used, err := w.sampleLevel(ctx, i, budget)
		if err != nil {
			return checked, err
		}
		checked += n
		budget -= used
		done := float64(len(w.desc.Levels)-i) / float64(len(w.desc.Levels))
		if err := w.progress(ctx, 0.12+0.18*done); err != nil {
			return checked, err
		}
	}
	return checked, nil
}

// sampleLevel reads one batch of tiles of one level, spread over its planes.
func (w *attempt) sampleLevel(ctx context.Context, level int, budget int64) (checked int, used int64, err error) {
	l := w.desc.Levels[level]
	var extents []formats.Extent
	var numbers []int
	for i, tile := range spread(l.TilesAcross(), l.TilesDown()) {
		got, err := w.locate(ctx, level, planeAt(w.desc, i*w.desc.Planes()/samplesPerLevel), tile, 1)
		if err != nil {
			return 0, 0, err
		}
		e := got[0]
		if e.Blank || e.Length > maxSampledTile || len(extents) > 0 && used+e.Length > budget {
			continue
		}
		extents, numbers, used = append(extents, e), append(numbers, tile), used+e.Length
	}
	tiles, err := w.read(ctx, extents)
	if err != nil {
		return 0, used, err
	}
	w.keep(extents, tiles)
	for i, data := range tiles {
		if _, err := decodeTile(w.encs, l, data, level, numbers[i]); err != nil {
			return checked, used, err
		}
		checked++
	}
	return checked, used, nil
}

// spread numbers the tiles that stand for a level: corners, centre, the middles
// of the sides; every tile of a small level at most once.
func spread(across, down int) []int {
	var out []int
	for _, y := range []int{0, (down - 1) / 2, down - 1} {
		for _, x := range []int{0, (across - 1) / 2, across - 1} {
			if n := y*across + x; !slices.Contains(out, n) {
				out = append(out, n)
			}
		}
	}
	return out
}

// planeAt is the reverse of Description.PlaneNumber.
func planeAt(d *formats.Description, number int) formats.Plane {
	c := number % d.ConcreteChannels
	z := number / d.ConcreteChannels % d.Depth
	return formats.Plane{C: c, Z: z, T: number / d.ConcreteChannels / d.Depth}
}

// locate asks the format and does not believe it: extents lie in the source.
func (w *attempt) locate(ctx context.Context, level int, plane formats.Plane, first, count int) ([]formats.Extent, error) {
	got, size, err := w.located(ctx, level, plane, first, count)
	if err != nil {
		return nil, err
	}
	if len(got) != count {
		return nil, fault.New(fault.Internal, "locate-count", "%d tiles of level %d were asked for, the format located %d", count, level, len(got))
	}
	for i, e := range got {
		if e.Blank {
			continue
		}
		if e.Source != 0 || e.Offset < 0 || e.Length < 1 || e.Offset > size-e.Length {
			return nil, broken("tile-beyond-end", "tile %d of level %d is %d bytes at byte %d, but the file has only %d bytes",
				first+i, level, e.Length, e.Offset, size)
		}
	}
	return got, nil
}

// located asks whoever knows where tiles are, and tells the length of what
// they are in.
func (w *attempt) located(ctx context.Context, level int, plane formats.Plane, first, count int) ([]formats.Extent, int64, error) {
	if w.view != nil {
		got, err := w.view.file.Locate(ctx, level, w.desc.PlaneNumber(plane), first, count)
		return got, w.view.reader.Size(), err
	}
	got, err := w.locator.Locate(ctx, level, plane, first, count)
	return got, w.reader.Size(), err
}

// read gives the bytes of extents, in one batch as far as they were not kept
// by an earlier step; none may be blank.
func (w *attempt) read(ctx context.Context, extents []formats.Extent) ([][]byte, error) {
	out := make([][]byte, len(extents))
	var ranges []source.Range
	var missing []int
	for i, e := range extents {
		r := source.Range{Offset: e.Offset, Length: e.Length}
		if out[i] = w.kept[r]; out[i] == nil {
			ranges, missing = append(ranges, r), append(missing, i)
		}
	}
	if len(ranges) == 0 {
		return out, nil
	}
	reader := source.Reader(w.reader)
	if w.view != nil {
		reader = w.view.reader
	}
	got, err := reader.ReadRanges(ctx, ranges)
	if err != nil {
		return nil, err
	}
	for i, data := range got {
		out[missing[i]] = data
	}
	return out, nil
}

// keep holds the encoded tiles of a sample, so that what is counted from the
// same tiles right after does not read them again.
func (w *attempt) keep(extents []formats.Extent, tiles [][]byte) {
	if w.kept == nil {
		w.kept = map[source.Range][]byte{}
	}
	for i, e := range extents {
		if w.keptBytes+e.Length <= maxKeptBytes {
			w.keptBytes += e.Length
			w.kept[source.Range{Offset: e.Offset, Length: e.Length}] = tiles[i]
		}
	}
}

// canDecode tells whether this build decodes tiles of a level, and they are of
// a size that is worth it.
func canDecode(enc formats.Encoding, l formats.Level) bool {
	pixels := int64(l.TileWidth) * int64(l.TileHeight) // at most 2^34, see maxTileSide
	return codec.CanDecode(enc) && pixels <= maxDecodedBytes/int64(max(enc.Samples, 1)*max(enc.PixelType.Bytes(), 1))
}

// decodeTile decodes one tile, or gives nil when this build cannot or the tile
// is too large to. Kind Corrupt names level and tile.
func decodeTile(encs []formats.Encoding, l formats.Level, data []byte, level, tile int) (*pixel.Raster, error) {
	enc := encs[l.Encoding]
	if !canDecode(enc, l) {
		return nil, nil
	}
	width, height := l.StoredSize(tile)
	raster, err := codec.Decode(enc, data, width, height)
	if err == nil {
		return raster, nil
	}
	where := fmt.Sprintf("tile %d of level %d (%s, %d bytes) cannot be decoded", tile, level, enc.Codec, len(data))
	switch kind := fault.KindOf(err); kind {
	case fault.Internal:
		return nil, broken("tile-undecodable", "%s", where).Because(err)
	default:
		return nil, fault.New(kind, fault.CodeOf(err), "%s: %s", where, fault.Sentence(err)).Because(err)
	}
}
