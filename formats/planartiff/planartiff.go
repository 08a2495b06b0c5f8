// Package planartiff reads TIFF files of no particular vendor that hold one
// resolution: scans, exports, camera images (pims-api §5.2, §5.4). As in PIMS
// the image is the first page; further pages are not shown. Unlike PIMS, which
// refuses them, images with reductions that are not tiled are read too: image
// editors put such previews into plain pictures.
//
// Strips and tiles of interleaved samples are served in place. Samples in
// separate planes, Group 3 and Group 4 faxes, bits in reversed order and
// half-precision numbers are put together region by region, and so must be
// converted. What cannot be read (the JPEG of TIFF 6.0, LERC, CIELAB …) is
// refused with its reason.
package planartiff

import (
	"context"
	"fmt"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/tiffpage"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// ID is the format's id.
const ID = "PLANARTIFF"

// Format recognises and opens plain TIFF files.
type Format struct{}

// New makes the format.
func New() Format { return Format{} }

// Info describes the format in PIMS' words (pims-api §8.2).
func (Format) Info() formats.Info {
	return formats.Info{
		ID: ID, Name: "Planar TIFF", MediaType: "image/tiff",
		Convertible: true, Importable: true, Plugin: "pims",
	}
}

// Probe accepts a TIFF of no flavour whose first image is no tiled pyramid. It
// reads the first page to say "no" to the files of vendors, and the other
// directories only of those that might be a pyramid.
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
	match, err := judge(ctx, file)
	if err != nil {
		return tiffpage.No(err)
	}
	return match, nil
}

// judge applies the rules that need all pages.
func judge(ctx context.Context, file *tiff.File) (formats.Match, error) {
	ifds, err := file.IFDs(ctx)
	if err != nil {
		return formats.Match{}, err
	}
	if len(ifds) > 1 && tiffpage.IsMDGelPage(ifds[1]) {
		return no("the file is %s", tiffpage.MDGel)
	}
	page, err := tiffpage.ReadPage(ctx, file.First())
	if err != nil {
		return formats.Match{}, err
	}
	series, err := tiffpage.ReadSeries(ctx, file)
	if err != nil && !tiffpage.TooMany(err) {
		return formats.Match{}, err
	}
	if err == nil && isTiledPyramid(series[0].Levels) {
		return no("the first image is a tiled pyramid of %d levels", len(series[0].Levels))
	}
	kept := "strips"
	if page.Layout.Tiled {
		kept = "tiles"
	}
	return formats.Match{OK: true, Why: fmt.Sprintf("a TIFF without vendor's tags and without a tiled pyramid; the first of %d pages, in %s, %s", len(ifds), kept, page.Layout.Compression)}, nil
}

// isTiledPyramid: reductions in strips, such as the preview of an image editor,
// make no pyramid that could be served.
func isTiledPyramid(levels [][]tiffpage.Page) bool {
	for _, pages := range levels {
		if !pages[0].Layout.Tiled {
			return false
		}
	}
	return len(levels) > 1
}

func no(format string, args ...any) (formats.Match, error) {
	return formats.Match{Why: fmt.Sprintf(format, args...)}, nil
}

// Open reads the first directory. Kind Unsupported when it cannot be read.
func (Format) Open(ctx context.Context, bundle source.Bundle) (formats.Image, error) {
	file, reader, err := tiffpage.Open(ctx, bundle)
	if err != nil {
		return nil, err
	}
	return tiffpage.OpenFirstPage(ctx, bundle, reader, file, func(pixels tiffpage.Pixels) tiffpage.Facts {
		return tiffpage.PageFacts(ID, pixels)
	})
}
