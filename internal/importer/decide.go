package importer

import (
	"fmt"
	"time"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/cog"
)

// decision is whether a slide is converted, and whether it can be viewed
// without.
type decision struct {
	convert  bool
	viewable bool   // in place
	why      string // of convert
}

// Sizes beyond which tiles are too large to be read whole for every view, and
// the coarsest level too large to be read whole for a thumbnail: of 256-pixel
// tiles those are 64 and 256 reads.
const (
	maxServedTile = 2048 // pixels a side
	maxCoarsest   = 4096
)

// thresholdOf is the side above which PIMS converts pictures of a format
// (pims-api §5.3).
func thresholdOf(formatID string) int {
	if formatID == "BMP" {
		return 1400
	}
	return 1024
}

// decide looks at the structure alone. d is of an image whose tiles have the
// given encodings; encs is nil when it has no addressable tiles.
func (c Config) decide(info formats.Info, d *formats.Description, encs []formats.Encoding) decision {
	if encs == nil {
		return decision{convert: c.Convert != ConvertNever, why: "the pixels do not lie in tiles that can be read one by one"}
	}
	out := decision{viewable: servable(d, encs)}
	switch {
	case c.Convert == ConvertNever:
	case undecodable(encs) != "": // neither viewed nor converted by this build
	case c.Convert == ConvertAlways:
		out.convert, out.why = true, "CONVERT is always"
	default:
		out.why = needed(info, d)
		out.convert = out.why != ""
	}
	if !out.viewable && out.convert && c.Convert == ConvertAuto && out.why == "" {
		out.why = "tiles are too large to be decoded for every view"
	}
	return out
}

// servable tells whether this build can decode the tiles of all levels.
func servable(d *formats.Description, encs []formats.Encoding) bool {
	for _, l := range d.Levels {
		if !canDecode(encs[l.Encoding], l) {
			return false
		}
	}
	return true
}

// needed is why a slide should be converted, "" when it should not: a view of
// it would cost much more than the range reads of the tiles that are seen.
func needed(info formats.Info, d *formats.Description) string {
	side, coarsest := maxServedTile, maxCoarsest
	if info.Convertible {
		side = thresholdOf(info.ID)
		coarsest = side
	}
	for i, l := range d.Levels {
		// A strip of a small picture is as long as the picture.
		if l.TileWidth > side && l.Width > side || l.TileHeight > side && l.Height > side {
			return fmt.Sprintf("level %d is stored in pieces of %d × %d pixels, of which a view needs a part only (up to %d a side are served)",
				i, l.TileWidth, l.TileHeight, side)
		}
	}
	last := d.Levels[len(d.Levels)-1]
	if info.Convertible && len(d.Levels) > 1 {
		coarsest = maxCoarsest // it has a pyramid, and that is of use
	}
	if last.Width > coarsest || last.Height > coarsest {
		return fmt.Sprintf("the coarsest level has %d × %d pixels: overviews are missing (up to %d a side do without)", last.Width, last.Height, coarsest)
	}
	return ""
}

// Megapixels a second that one core surely does: what a function must be able
// to rely on.
const (
	copiedMPix  = 40
	encodedMPix = 4
)

// estimate is how long a conversion takes at most on one core, from pixels and
// way.
func estimate(d *formats.Description, way cog.Way) time.Duration {
	megapixels := float64(d.Width) * float64(d.Height) * float64(d.Planes()) / 1e6
	rate := float64(encodedMPix)
	if way == cog.Copy {
		rate = copiedMPix
	}
	return time.Duration(megapixels / rate * float64(time.Second))
}
