package render

import (
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

// maxShrink is the least part of its size that a JPEG is decoded at.
const maxShrink = 8

// shrinkOf is at which fraction of their size the stored tiles of a rectangle
// are decoded for a picture of width × height: 1, 2, 4 or 8. JPEG gives that
// from fewer coefficients, which is much cheaper where a slide lacks the level
// that would fit. What is decoded stays at least twice as large as the picture,
// so the usual resizing decides how that looks, and no tile begins between two
// of its pixels.
func shrinkOf(m *slide.Manifest, level int, rect Rect, p *plan, width, height int) int {
	l := m.Description.Levels[level]
	if l.Encoding < 0 || l.Encoding >= len(m.Encodings) || m.Encodings[l.Encoding].Codec != formats.CodecJPEG ||
		m.Description.PixelType != pixel.Uint8 || len(p.before) > 0 {
		return 1
	}
	for shrink := maxShrink; shrink > 1; shrink /= 2 {
		even := (rect.X|rect.Y|l.TileWidth|l.TileHeight)%shrink == 0
		if even && rect.Width >= 2*shrink*width && rect.Height >= 2*shrink*height {
			return shrink
		}
	}
	return 1
}

// shrunk is a length at 1/shrink, rounded up as decoders do.
func shrunk(length, shrink int) int { return (length + shrink - 1) / shrink }

// withinBorder mends the last column and row of what was decoded at 1/shrink and
// reaches the border of its level: a pixel that lies across it has a part of what
// the tile's writer left beyond. It becomes like the one before it.
func withinBorder(out *pixel.Raster, rect Rect, l formats.Level, shrink int) {
	if l.Width%shrink != 0 && rect.X+rect.Width == l.Width && out.Width > 1 {
		size := out.Samples * out.Type.Bytes()
		last := (out.Width - 1) * size
		for y := range out.Height {
			row := out.Row(y)
			copy(row[last:last+size], row[last-size:last])
		}
	}
	if l.Height%shrink != 0 && rect.Y+rect.Height == l.Height && out.Height > 1 {
		copy(out.Row(out.Height-1), out.Row(out.Height-2))
	}
}

// decodesAsIs tells whether decoding a stored tile makes a raster that nobody
// else has.
func decodesAsIs(encoding formats.Encoding, e formats.Extent) bool {
	return encoding.Codec == formats.CodecJPEG && !e.Blank
}
