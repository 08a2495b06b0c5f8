package render

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec/jpeg"
)

// Grid is which pyramid a tile is counted in.
type Grid uint8

// The grids. NormalisedGrid may be asked for levels below the normalised
// pyramid's last one, down to 1×1, as Deep Zoom does.
const (
	NativeGrid Grid = iota
	NormalisedGrid
)

// TileRequest is one tile of a view.
type TileRequest struct {
	Grid      Grid
	Level     int // 0 is the finest
	TX, TY    int
	View      View
	MediaType string
	Quality   int // as in Output
	// Width and Height are the size of the picture; 0 means the tile's own,
	// clipped at the border.
	Width, Height int
}

// Tile renders one tile. A default view of a stored JPEG tile, asked for as
// JPEG, is passthrough: one read of exactly the tile's bytes. Kind Invalid when
// the tile does not exist.
func (r *Renderer) Tile(ctx context.Context, s Slide, q TileRequest) (Encoded, error) {
	m := s.Manifest()
	p, err := planFor(ctx, s, q.View)
	if err != nil {
		return Encoded{}, err
	}
	tier, err := tierOf(&m.Description, q)
	if err != nil {
		return Encoded{}, err
	}
	rect := tier.Tile(q.TX, q.TY)
	width, height := q.Width, q.Height
	if width == 0 && height == 0 {
		width, height = rect.Width, rect.Height
	}
	if err := r.checkSize(width, height); err != nil {
		return Encoded{}, err
	}
	level, direct := storedLevel(&m.Description, q, tier, rect)
	if direct && width == rect.Width && height == rect.Height && r.canPass(s, level, rect, q, p) {
		out, done, err := r.pass(ctx, s, level, q, p)
		if done || err != nil {
			return out, err
		}
	}
	source := rect
	if !direct {
		tiers := Native(&m.Description)
		fx := float64(m.Description.Width) / float64(tier.Width)
		fy := float64(m.Description.Height) / float64(tier.Height)
		wide, high := float64(rect.Width)*fx, float64(rect.Height)*fy
		level = chooseTier(tiers, wide, high, width, height)
		source = tiers[level].cover(tiers[0], float64(rect.X)*fx, float64(rect.Y)*fy, wide, high)
	}
	raster, err := r.picture(ctx, s, level, source, p, width, height)
	if err != nil {
		return Encoded{}, err
	}
	return r.Encode(ctx, raster, Output{MediaType: q.MediaType, Quality: q.Quality})
}

func tierOf(d *formats.Description, q TileRequest) (Tier, error) {
	tiers := Native(d)
	if q.Grid == NormalisedGrid {
		tiers = DeepZoom(d.Width, d.Height)
	}
	if q.Level < 0 || q.Level >= len(tiers) {
		return Tier{}, fault.New(fault.Invalid, "no-such-level", "Level %d does not exist, the pyramid has %d.", q.Level, len(tiers))
	}
	t := tiers[q.Level]
	if q.TX < 0 || q.TX >= t.Across() || q.TY < 0 || q.TY >= t.Down() {
		return Tier{}, fault.New(fault.Invalid, "no-such-tile",
			"Tile (%d, %d) of level %d does not exist, it has %d×%d.", q.TX, q.TY, q.Level, t.Across(), t.Down())
	}
	return t, nil
}

// storedLevel finds the level that stores the tile as it was asked for. A
// border tile of a level that is one pixel smaller than the normalised tier
// is not stored as asked.
func storedLevel(d *formats.Description, q TileRequest, tier Tier, rect Rect) (level int, direct bool) {
	if q.Grid == NativeGrid {
		return q.Level, true
	}
	level, ok := alignedLevel(d, tier)
	if !ok {
		return 0, false
	}
	l := d.Levels[level]
	inside := rect.X+rect.Width <= l.Width && rect.Y+rect.Height <= l.Height
	return level, inside && q.TX < l.TilesAcross() && q.TY < l.TilesDown()
}

// canPass tells whether the stored bytes of a tile are the answer.
func (r *Renderer) canPass(s Slide, level int, rect Rect, q TileRequest, p *plan) bool {
	return p.passthrough() && passable(s.Manifest(), level, rect, q)
}

// pass answers with the stored bytes.
func (r *Renderer) pass(ctx context.Context, s Slide, level int, q TileRequest, p *plan) (out Encoded, done bool, err error) {
	m := s.Manifest()
	l := m.Description.Levels[level]
	plane, number := p.planes[0].plane, q.TY*l.TilesAcross()+q.TX
	e, err := r.locate(ctx, s, level, plane, number)
	if err != nil {
		return Encoded{}, false, err
	}
	if e.Blank {
		body, err := blank(&m.Description, l.TileWidth, l.TileHeight)
		return Encoded{MediaType: q.MediaType, Bytes: body}, err == nil, err
	}
	tiles, err := stored(ctx, s, level, plane, []int{number}, []formats.Extent{e})
	if err != nil {
		return Encoded{}, false, err
	}
	encoding := m.Encodings[l.Encoding]
	body, err := jpeg.Splice(nil, encoding.JPEGTables, tiles[0], encoding.Photometric)
	if err != nil {
		return Encoded{}, false, err
	}
	return Encoded{MediaType: q.MediaType, Bytes: body, Passthrough: true}, true, nil
}
