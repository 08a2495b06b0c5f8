package inspect

import (
	"fmt"

	"github.com/pims-cloud/pims/tiff"
)

const (
	// hugeTilePx is the side from which one tile is much more than a screen
	// needs.
	hugeTilePx = 1024
	// smallImagePx is the size up to which an image needs no levels.
	smallImagePx = 1024
	// overviewPx is the size that the coarsest level should not exceed.
	overviewPx = 2048
)

// Advice says what would make viewing slow, one sentence each, nothing when
// every tile can be served as it is. The largest directory is taken as the
// slide; directories of about its shape are its levels.
func Advice(directories []*tiff.Layout) []string {
	base := largest(directories)
	if base == nil {
		return []string{"no directory holds an image that can be read"}
	}
	var out []string
	say := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	switch {
	case !base.Tiled && base.Segments() == 1:
		say("the image is one single strip: any part of it means reading all of it; converting is needed")
	case !base.Tiled:
		say("the image is stored in %d strips of %d × %d pixels instead of tiles; converting is needed", base.Segments(), base.TileWidth, base.TileHeight)
	case base.TileWidth > hugeTilePx || base.TileHeight > hugeTilePx:
		say("tiles of %d × %d pixels are large: each view reads and decodes much more than it shows", base.TileWidth, base.TileHeight)
	}
	if base.Planar == 2 {
		say("samples are stored in separate planes: one tile takes %d reads", base.SamplesPerPixel)
	}
	if why := notPassthrough(base); why != "" {
		say("tiles must be decoded before they can be shown: %s", why)
	}
	return append(out, pyramidAdvice(base, levelsOf(base, directories))...)
}

// largest is the directory with the most pixels.
func largest(directories []*tiff.Layout) *tiff.Layout {
	var base *tiff.Layout
	for _, l := range directories {
		if base == nil || l.Width*l.Height > base.Width*base.Height {
			base = l
		}
	}
	return base
}

// levelsOf are the tiled directories of the base's shape, largest first.
func levelsOf(base *tiff.Layout, directories []*tiff.Layout) []*tiff.Layout {
	levels := []*tiff.Layout{base}
	for _, l := range directories {
		last := levels[len(levels)-1]
		if l == base || !l.Tiled || l.Width >= last.Width {
			continue
		}
		// Rounding moves each side by up to a pixel a level.
		expected := float64(base.Height) * float64(l.Width) / float64(base.Width)
		if difference := float64(l.Height) - expected; difference < 3 && difference > -3 {
			levels = append(levels, l)
		}
	}
	return levels
}

// pyramidAdvice is about missing levels.
func pyramidAdvice(base *tiff.Layout, levels []*tiff.Layout) []string {
	if base.Width <= smallImagePx && base.Height <= smallImagePx {
		return nil
	}
	if len(levels) == 1 {
		return []string{"there is no pyramid: an overview means reading the whole image; converting is needed"}
	}
	var out []string
	for i, l := range levels[1:] {
		factor := float64(levels[i].Width) / float64(l.Width)
		if factor > 2.5 {
			out = append(out, fmt.Sprintf("level %d is smaller than level %d by %.1f: zooms between them decode up to %.0f tiles for one", i+1, i, factor, factor*factor))
		}
	}
	if last := levels[len(levels)-1]; last.Width > overviewPx || last.Height > overviewPx {
		out = append(out, fmt.Sprintf("the smallest level still has %d × %d pixels: overviews are slow", last.Width, last.Height))
	}
	return out
}

// notPassthrough says why tiles cannot be sent to a browser as they are, "" when
// they can.
func notPassthrough(l *tiff.Layout) string {
	if l.Compression != tiff.CompressionJPEG {
		return "compression is " + l.Compression.String() + ", not JPEG"
	}
	if l.BitsPerSample[0] != 8 {
		return fmt.Sprintf("JPEG of %d bits a sample, browsers show 8", l.BitsPerSample[0])
	}
	switch l.Photometric {
	case tiff.PhotometricRGB, tiff.PhotometricYCbCr, tiff.PhotometricMinIsBlack:
		return ""
	default:
		return "JPEG whose samples are " + l.Photometric.String()
	}
}
