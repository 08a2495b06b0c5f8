package render

import (
	"math"

	"github.com/pims-cloud/pims/formats"
)

// NormalisedTile is the tile side of the normalised pyramid, in pixels. Viewers
// assume it (pims-api §9.1).
const NormalisedTile = 256

// Tier is one resolution of a pyramid and its grid of tiles.
type Tier struct{ Width, Height, TileWidth, TileHeight int }

// Rect is a rectangle of pixels of a tier.
type Rect struct{ X, Y, Width, Height int }

// Across is the number of tile columns.
func (t Tier) Across() int { return (t.Width + t.TileWidth - 1) / t.TileWidth }

// Down is the number of tile rows.
func (t Tier) Down() int { return (t.Height + t.TileHeight - 1) / t.TileHeight }

// Tiles is the number of tiles.
func (t Tier) Tiles() int { return t.Across() * t.Down() }

// Tile is the rectangle of a tile, clipped to the tier: border tiles are
// smaller, there is no padding (pims-api §3.0.9).
func (t Tier) Tile(tx, ty int) Rect {
	x, y := tx*t.TileWidth, ty*t.TileHeight
	return Rect{x, y, min(t.TileWidth, t.Width-x), min(t.TileHeight, t.Height-y)}
}

// Native is the pyramid as it is stored, finest tier first. A level in strips
// is one tile (pims-api §5.4, TIFF).
func Native(d *formats.Description) []Tier {
	tiers := make([]Tier, len(d.Levels))
	for i, l := range d.Levels {
		tiers[i] = Tier{l.Width, l.Height, l.TileWidth, l.TileHeight}
		if l.Strips {
			tiers[i].TileHeight = l.Height
		}
	}
	return tiers
}

// Normalised is the pyramid of 256-pixel tiles whose sides are halved, rounded
// up, until both are at most 256 (pims-api §3.0.9).
func Normalised(width, height int) []Tier {
	tiers := []Tier{normalisedTier(width, height)}
	for width > NormalisedTile || height > NormalisedTile {
		width, height = (width+1)/2, (height+1)/2
		tiers = append(tiers, normalisedTier(width, height))
	}
	return tiers
}

// DeepZoom is the normalised pyramid continued down to 1×1, which Deep Zoom
// demands; tier 0 is Deep Zoom's highest level.
func DeepZoom(width, height int) []Tier {
	tiers := []Tier{normalisedTier(width, height)}
	for width > 1 || height > 1 {
		width, height = (width+1)/2, (height+1)/2
		tiers = append(tiers, normalisedTier(width, height))
	}
	return tiers
}

func normalisedTier(width, height int) Tier {
	return Tier{width, height, NormalisedTile, NormalisedTile}
}

// downsampling is the mean of the factors of both sides.
func downsampling(base, t Tier) float64 {
	return (float64(base.Width)/float64(t.Width) + float64(base.Height)/float64(t.Height)) / 2
}

// chooseTier is PIMS' choice of the tier to read a region of width × height
// full-resolution pixels from (pims-api §3.0.10, NEW): the nearest in factor,
// ties to the coarser one.
func chooseTier(tiers []Tier, width, height float64, outWidth, outHeight int) int {
	factor := (width/float64(outWidth) + height/float64(outHeight)) / 2
	if factor < 1 {
		return 0
	}
	for i := 1; i < len(tiers); i++ {
		low, high := downsampling(tiers[0], tiers[i-1]), downsampling(tiers[0], tiers[i])
		if low <= factor && factor <= high {
			if math.Abs(factor-low) < math.Abs(factor-high) {
				return i - 1
			}
			return i
		}
	}
	return len(tiers) - 1
}

// alignedLevel finds the stored level whose tiles are those of a normalised
// tier: a 256 grid and sides that differ by at most one pixel, since many
// writers round down where PIMS rounds up.
func alignedLevel(d *formats.Description, t Tier) (level int, ok bool) {
	for i, l := range d.Levels {
		if l.TileWidth == t.TileWidth && l.TileHeight == t.TileHeight &&
			within(l.Width, t.Width, 1) && within(l.Height, t.Height, 1) {
			return i, true
		}
	}
	return 0, false
}

func within(a, b, distance int) bool { return a-b <= distance && b-a <= distance }
