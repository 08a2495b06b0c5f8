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
// or RGB. All its bytes are read in one batch. Kind Corrupt when a segment has
// no bytes: what is allocated for a picture must be backed by stored data.
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
			picture = pixel.New(l.Width, l.Height, part.Samples, pixel.Uint8)
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
	return picture, nil
}

// readSegments reads the stored bytes of all segments.
func readSegments(ctx context.Context, reader source.Reader, page Page) ([][]byte, error) {
	extents, err := page.IFD.Extents(ctx, 0, page.Layout.Segments())
	if err != nil {
		return nil, err
	}
	ranges := make([]source.Range, len(extents))
	limit := min(maxPictureBytes, reader.Size()) // segments that share bytes must not multiply what is read
	var total int64
	for i, e := range extents {
		if e.Length == 0 {
			return nil, fault.New(fault.Corrupt, "picture-incomplete", "segment %d of the %d of the associated image in the directory at byte %d has no bytes", i, len(extents), page.IFD.Offset)
		}
		ranges[i] = source.Range{Offset: e.Offset, Length: e.Length}
		if total += e.Length; total > limit {
			return nil, fault.New(fault.TooLarge, "picture-too-large", "the segments of the associated image have together more than %d bytes", limit)
		}
	}
	return reader.ReadRanges(ctx, ranges)
}
