package tiffpage

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// Facts is what a format knows of a file besides its pixels.
type Facts interface {
	formats.Image
	formats.RawMetadata
	formats.ColorProfile
	formats.AssociatedImages
}

// NewImage joins pixels and facts. The image is a formats.TileLocator when the
// pixels are a Pyramid, a formats.RegionReader when they are an Assembly.
func NewImage(pixels Pixels, facts Facts, reader source.Reader) formats.Image {
	switch p := pixels.(type) {
	case *Pyramid:
		return &located{Pyramid: p, Facts: facts, reader: reader}
	case *Assembly:
		return &assembled{Assembly: p, Facts: facts}
	}
	return nil
}

// located is an image whose tiles are served in place.
type located struct {
	*Pyramid
	Facts
	reader source.Reader
}

// Check looks at all tile extents and the first bytes of some tiles.
func (i *located) Check(ctx context.Context) error { return i.Pyramid.Check(ctx, i.reader) }

// assembled is an image whose pixels must be put together from several segments.
type assembled struct {
	*Assembly
	Facts
}

// OpenPlanes gives the pixels of levels and planes: in place where that is
// possible, else put together. The arguments are those of NewStack. Kind
// Unsupported when neither is possible.
func OpenPlanes(ctx context.Context, bundle source.Bundle, reader source.Reader, axes Axes, levels [][]Page) (Pixels, error) {
	pyramid, err := NewStack(ctx, bundle.Main(), axes, levels)
	if err == nil {
		if err := pyramid.checkColours(); err != nil {
			return nil, err
		}
		return pyramid, nil
	}
	if fault.KindOf(err) != fault.Unsupported {
		return nil, err
	}
	assembly, err := NewAssembly(ctx, reader, axes, levels)
	if err != nil {
		return nil, err
	}
	return assembly, nil
}

// OpenFirstPage opens the first page of a file as an image of one plane and one
// level. It serves the formats that differ in their metadata only.
func OpenFirstPage(ctx context.Context, bundle source.Bundle, reader source.Reader, file *tiff.File, describe func(Pixels) Facts) (formats.Image, error) {
	if depth, ok, err := file.First().Uint(ctx, tiff.ImageDepth); err != nil {
		return nil, err
	} else if ok && depth != 1 {
		return nil, unsupported("tiff-image-depth", "ImageDepth is %d; images whose tiles are volumes are not read", depth)
	}
	page, err := ReadPage(ctx, file.First())
	if err != nil {
		return nil, err
	}
	pixels, err := OpenPlanes(ctx, bundle, reader, Axes{Channels: 1, Depth: 1, Duration: 1}, [][]Page{{page}})
	if err != nil {
		return nil, err
	}
	return NewImage(pixels, describe(pixels), reader), nil
}

// OpenPyramid gives the pixels of the levels of a tiled pyramid, by level and
// focal plane: in place where that is possible (see NewPyramid for what is kept
// of planes that differ), else put together, and then of the first plane only.
func OpenPyramid(ctx context.Context, bundle source.Bundle, reader source.Reader, levels [][]Page) (Pixels, error) {
	pyramid, err := NewPyramid(ctx, bundle.Main(), levels)
	if err == nil {
		if err := pyramid.checkColours(); err != nil {
			return nil, err
		}
		return pyramid, nil
	}
	if fault.KindOf(err) != fault.Unsupported {
		return nil, err
	}
	first := make([][]Page, len(levels))
	for i, pages := range levels {
		first[i] = pages[:1]
	}
	assembly, err := NewAssembly(ctx, reader, Axes{Channels: 1, Depth: 1, Duration: 1}, first)
	if err != nil {
		return nil, err
	}
	return assembly, nil
}

// checkColours refuses samples whose colours no build can make, for example ink
// in floating point. Codecs that only some builds have are no reason.
func (p *Pyramid) checkColours() error {
	for _, e := range p.encodings {
		if unpacksBits(e.Codec) && !canDecode(e) {
			return unsupported("tiff-colours", "samples of %d bits as %s, %d a pixel with photometric %s and predictor %d, are not read", e.BitsPerSample, e.PixelType, e.Samples, e.Photometric, e.Predictor)
		}
	}
	return nil
}

// NoAssociated is an image without associated images.
type NoAssociated struct{}

// Associated is empty.
func (NoAssociated) Associated(context.Context) ([]formats.Associated, error) { return nil, nil }

// ReadAssociated finds nothing.
func (NoAssociated) ReadAssociated(_ context.Context, name string) (*pixel.Raster, error) {
	return nil, fault.New(fault.NotFound, "no-such-associated", "the slide has no associated image %q", name)
}

// pageFacts are what the tags of the first page say.
type pageFacts struct {
	NoAssociated
	formatID string
	pixels   Pixels
}

// PageFacts are the facts of a file that has nothing but its tags.
func PageFacts(formatID string, pixels Pixels) Facts {
	return pageFacts{formatID: formatID, pixels: pixels}
}

// Describe gives what the tags of the first page say.
func (f pageFacts) Describe(ctx context.Context) (*formats.Description, error) {
	return Describe(ctx, f.formatID, f.pixels)
}

// RawMetadata lists the tags of the first page.
func (f pageFacts) RawMetadata(ctx context.Context) ([]formats.Metadatum, error) {
	return RawMetadata(ctx, f.pixels.Base().IFD)
}

// ICCProfile is that of the first page.
func (f pageFacts) ICCProfile(ctx context.Context) ([]byte, error) {
	return ICCProfile(ctx, f.pixels.Base().IFD)
}
