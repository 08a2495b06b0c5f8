package tiffpage

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
)

const (
	// maxPicturePixels bounds a label, macro or thumbnail. Real ones have
	// around a million pixels, overviews of whole trays a few tens of millions.
	maxPicturePixels = 100 << 20
	// maxPictureBytes bounds what is read for one.
	maxPictureBytes = 256 << 20
	// maxPictureSegments bounds its strips; old writers made one a row.
	maxPictureSegments = 1 << 20
)

// CanReadPicture reports whether ReadPicture understands the page. The error
// is one of reading.
func CanReadPicture(ctx context.Context, page Page) (bool, error) {
	_, err := pictureEncoding(ctx, page)
	if err != nil && !formats.Structural(err) {
		return false, err
	}
	return err == nil, nil
}

func pictureEncoding(ctx context.Context, page Page) (formats.Encoding, error) {
	l := page.Layout
	encoding, err := page.Encoding(ctx)
	if err != nil {
		return formats.Encoding{}, err
	}
	if int64(l.Width)*int64(l.Height) > maxPicturePixels || l.Segments() > maxPictureSegments {
		return formats.Encoding{}, fault.New(fault.TooLarge, "picture-too-large",
			"the associated image of %d × %d pixels in %d segments is larger than %d megapixels or %d segments", l.Width, l.Height, l.Segments(), maxPicturePixels>>20, maxPictureSegments)
	}
	if !canDecode(encoding) {
		return formats.Encoding{}, unsupported("picture-codec", "the associated image is compressed with %s, which this build does not decode", encoding.Codec)
	}
	return encoding, nil
}

// ReadPicture decodes a whole page of strips or tiles, 8 bits a sample, grey
// or RGB. All its bytes are read in one batch. Missing segments are white.
func ReadPicture(ctx context.Context, reader source.Reader, page Page) (*pixel.Raster, error) {
	encoding, err := pictureEncoding(ctx, page)
	if err != nil {
		return nil, err
	}
	segments, err := readSegments(ctx, reader, page)
	if err != nil {
		return nil, err
	}
	l := page.Layout
	var picture *pixel.Raster
	for i, data := range segments {
		if data == nil {
			continue
		}
		x, y := i%l.Across()*l.TileWidth, i/l.Across()*l.TileHeight
		width, height := l.TileWidth, l.TileHeight
		if !l.Tiled {
			height = min(height, l.Height-y) // the last strip is cut, tiles are not
		}
		part, err := decodePart(encoding, data, width, height)
		if err != nil {
			return nil, err
		}
		if picture == nil {
			picture = white(l.Width, l.Height, part.Samples)
		}
		if part.Samples != picture.Samples {
			return nil, fault.New(fault.Corrupt, "picture-samples", "segment %d of the associated image has %d samples a pixel, the others have %d", i, part.Samples, picture.Samples)
		}
		if err := pixel.Paste(picture, part, x, y); err != nil {
			return nil, err
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
	}
	if picture == nil {
		picture = white(l.Width, l.Height, page.Colours())
	}
	return picture, nil
}

// readSegments reads the stored bytes of all segments, nil for missing ones.
func readSegments(ctx context.Context, reader source.Reader, page Page) ([][]byte, error) {
	extents, err := page.IFD.Extents(ctx, 0, page.Layout.Segments())
	if err != nil {
		return nil, err
	}
	var ranges []source.Range
	var total int64
	for _, e := range extents {
		if e.Length > 0 {
			ranges = append(ranges, source.Range{Offset: e.Offset, Length: e.Length})
			total += e.Length
		}
		if total > maxPictureBytes {
			return nil, fault.New(fault.TooLarge, "picture-too-large", "the associated image has more than %d MiB", maxPictureBytes>>20)
		}
	}
	out := make([][]byte, len(extents))
	if len(ranges) == 0 {
		return out, nil
	}
	stored, err := reader.ReadRanges(ctx, ranges)
	if err != nil {
		return nil, err
	}
	next := 0
	for i, e := range extents {
		if e.Length > 0 {
			out[i] = stored[next]
			next++
		}
	}
	return out, nil
}

func white(width, height, samples int) *pixel.Raster {
	r := pixel.New(width, height, samples, pixel.Uint8)
	for i := range r.Pix {
		r.Pix[i] = 0xff
	}
	return r
}
