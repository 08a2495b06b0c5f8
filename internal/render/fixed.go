package render

import (
	"bytes"
	"context"
	"image"
	"image/color"
	stdjpeg "image/jpeg"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec/jpeg"
	"github.com/pims-cloud/pims/internal/slide"
)

// Unchanged tells that a view shows stored samples as they are. It reads what
// planning the view reads: nothing for a default view.
func Unchanged(ctx context.Context, s Slide, v View) bool {
	p, err := planFor(ctx, s, v)
	return err == nil && p.passthrough()
}

// Fixed tells, without reading anything, that a tile of an unchanged view is
// answered with stored bytes: what is sent is the same whoever sends it. t is
// the tile's tier, the tile exists.
func Fixed(m *slide.Manifest, t Tier, q TileRequest) bool {
	rect := t.Tile(q.TX, q.TY)
	if (q.Width != 0 || q.Height != 0) && (q.Width != rect.Width || q.Height != rect.Height) {
		return false
	}
	level, direct := storedLevel(&m.Description, q, t, rect)
	return direct && passable(m, level, rect, q)
}

// passable tells whether the stored bytes of a tile of an unchanged view are
// the answer.
func passable(m *slide.Manifest, level int, rect Rect, q TileRequest) bool {
	l := m.Description.Levels[level]
	if l.Encoding < 0 || l.Encoding >= len(m.Encodings) {
		return false
	}
	isJPEG := q.MediaType == "image/jpeg" || q.MediaType == "image/jpg"
	full := rect.Width == l.TileWidth && rect.Height == l.TileHeight
	return isJPEG && full && q.Quality == 0 && jpeg.PassthroughOK(m.Encodings[l.Encoding])
}

// blank is the JPEG of a tile that is not stored, in the slide's background. It
// is made by the standard library in every build, so that these tiles, too,
// have the same bytes whoever sends them.
func blank(d *formats.Description, width, height int) ([]byte, error) {
	var picture image.Image
	area := image.Rect(0, 0, width, height)
	if values := background(d); d.Samples == 1 {
		picture = &image.Gray{Pix: bytes.Repeat([]byte{byte(values[0])}, width*height), Stride: width, Rect: area}
	} else {
		y, cb, cr := color.RGBToYCbCr(byte(values[0]), byte(values[1]), byte(values[2]))
		colours := image.NewYCbCr(area, image.YCbCrSubsampleRatio420)
		fill(colours.Y, y)
		fill(colours.Cb, cb)
		fill(colours.Cr, cr)
		picture = colours
	}
	var out bytes.Buffer
	if err := stdjpeg.Encode(&out, picture, &stdjpeg.Options{Quality: quality}); err != nil {
		return nil, fault.New(fault.Internal, "blank-tile", "A blank tile can not be encoded.").Because(err)
	}
	return out.Bytes(), nil
}

func fill(plane []byte, value byte) {
	for i := range plane {
		plane[i] = value
	}
}
