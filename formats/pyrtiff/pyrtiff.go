// Package pyrtiff reads pyramidal TIFF files of no particular vendor: those
// that libvips, GDAL, bfconvert and this service write. The levels are
// following pages or SubIFDs of the first page; all are tiled (pims-api §5.2,
// §5.4).
//
// JPEG, deflate, LZW, PackBits, zstd, WebP and JPEG 2000 tiles and uncompressed
// ones, of 8, 16 or 32-bit whole numbers or floating point, are served in
// place. Samples in separate planes are put together region by region, and so
// must be converted. Odd sample types and rarer codecs are recognised and
// refused with their reason.
package pyrtiff

import (
	"context"
	"fmt"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/tiffpage"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// ID is the format's id.
const ID = "PYRTIFF"

// Format recognises and opens pyramidal TIFF files.
type Format struct{}

// New makes the format.
func New() Format { return Format{} }

// Info describes the format in PIMS' words (pims-api §8.2).
func (Format) Info() formats.Info {
	return formats.Info{
		ID: ID, Name: "Pyramidal TIFF", MediaType: "image/pyrtiff",
		Writable: true, Importable: true, Plugin: "pims",
	}
}

// Probe accepts a TIFF of no flavour that holds exactly one image, a pyramid
// whose levels are all tiled. It reads the first page to say "no" to most
// files, and the other directories only of those that might be one.
func (Format) Probe(ctx context.Context, c *formats.Candidate) (formats.Match, error) {
	file, err := c.TIFF(ctx)
	if err != nil {
		return tiffpage.No(err)
	}
	flavours, err := tiffpage.FlavoursOf(ctx, file.First())
	if err != nil {
		return formats.Match{}, err
	}
	if len(flavours) > 0 {
		return no("the file is %s", flavours)
	}
	if !file.First().Has(tiff.TileWidth) {
		return no("the first page is stored in strips, not in tiles")
	}
	series, err := tiffpage.ReadSeries(ctx, file)
	if err != nil {
		return tiffpage.No(err)
	}
	return judge(ctx, file, series)
}

// judge applies the rules that need all pages.
func judge(ctx context.Context, file *tiff.File, series []tiffpage.Series) (formats.Match, error) {
	ifds, err := file.IFDs(ctx)
	if err != nil {
		return tiffpage.No(err)
	}
	if len(ifds) > 1 && tiffpage.IsMDGelPage(ifds[1]) {
		return no("the file is %s", tiffpage.MDGel)
	}
	if len(series) != 1 {
		return no("the file holds %d unrelated images, not one pyramid", len(series))
	}
	levels := series[0].Levels
	if len(levels) < 2 {
		return no("the image has one resolution only, so it is no pyramid")
	}
	for i, pages := range levels {
		if !pages[0].Layout.Tiled {
			return no("level %d is stored in strips, not in tiles", i)
		}
	}
	return formats.Match{OK: true, Why: fmt.Sprintf("one pyramid of %d tiled levels, no vendor's tags; tiles are %s", len(levels), levels[0][0].Layout.Compression)}, nil
}

func no(format string, args ...any) (formats.Match, error) {
	return formats.Match{Why: fmt.Sprintf(format, args...)}, nil
}

// Open reads the directories. Kind Unsupported when they are not one pyramid,
// or one that cannot be decoded.
func (Format) Open(ctx context.Context, bundle source.Bundle) (formats.Image, error) {
	file, reader, err := tiffpage.Open(ctx, bundle)
	if err != nil {
		return nil, err
	}
	series, err := tiffpage.ReadSeries(ctx, file)
	if err != nil {
		return nil, err
	}
	match, err := judge(ctx, file, series)
	if err != nil {
		return nil, err
	}
	if !match.OK {
		return nil, fault.New(fault.Unsupported, "pyrtiff-not-a-pyramid", "the file is no pyramidal TIFF: %s", match.Why)
	}
	if depth, ok, err := file.First().Uint(ctx, tiff.ImageDepth); err != nil {
		return nil, err
	} else if ok && depth != 1 {
		return nil, fault.New(fault.Unsupported, "tiff-image-depth", "ImageDepth is %d; images whose tiles are volumes are not read", depth)
	}
	pixels, err := tiffpage.OpenPyramid(ctx, bundle, reader, series[0].Levels)
	if err != nil {
		return nil, err
	}
	return tiffpage.NewImage(pixels, tiffpage.PageFacts(ID, pixels), reader), nil
}
