// Package imagejtiff reads the TIFF files of ImageJ and Fiji: hyperstacks of
// channels, slices and frames (pims-api §5.2, §5.4). The axes stand in the
// description of the first page. A plane has a page of its own, or all planes
// lie uncompressed behind the first one, whose page is then the only one: their
// places are computed.
//
// Unlike PIMS, which inverts it, the distance of slices is ImageJ's spacing.
// A palette (LUT) does not change the values: they are what was measured.
package imagejtiff

import (
	"context"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/tiffpage"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// ID is the format's id.
const ID = "IMAGEJTIFF"

// Format recognises and opens the files of ImageJ.
type Format struct{}

// New makes the format.
func New() Format { return Format{} }

// Info describes the format in PIMS' words (pims-api §8.2).
func (Format) Info() formats.Info {
	return formats.Info{
		ID: ID, Name: "ImageJ TIFF", MediaType: "image/tiff",
		Convertible: true, Importable: true, Plugin: "pims",
	}
}

// Probe accepts a TIFF whose description begins with "ImageJ=" and is not
// OME-XML. It reads the first page only.
func (Format) Probe(ctx context.Context, c *formats.Candidate) (formats.Match, error) {
	file, err := c.TIFF(ctx)
	if err != nil {
		return tiffpage.No(err)
	}
	flavours, err := tiffpage.FlavoursOf(ctx, file.First())
	if err != nil {
		return formats.Match{}, err
	}
	if !flavours.Has(tiffpage.ImageJ) || flavours.Has(tiffpage.OME) {
		return formats.Match{}, nil
	}
	return formats.Match{OK: true, Why: `the description of the first page begins with "ImageJ="`}, nil
}

// Open reads the directories. Kind Unsupported when the planes cannot be read,
// Corrupt when the file has fewer bytes than its planes.
func (Format) Open(ctx context.Context, bundle source.Bundle) (formats.Image, error) {
	file, reader, err := tiffpage.Open(ctx, bundle)
	if err != nil {
		return nil, err
	}
	text, err := tiffpage.Text(ctx, file.First(), tiff.ImageDescription)
	if err != nil {
		return nil, err
	}
	d := parseDescription(text)
	pixels, err := openPixels(ctx, bundle, reader, file, d)
	if err != nil {
		return nil, err
	}
	return tiffpage.NewImage(pixels, facts{Facts: tiffpage.PageFacts(ID, pixels), pixels: pixels, description: d}, reader), nil
}

// openPixels tells which planes there are.
func openPixels(ctx context.Context, bundle source.Bundle, reader source.Reader, file *tiff.File, d description) (tiffpage.Pixels, error) {
	first, err := tiffpage.ReadPage(ctx, file.First())
	if err != nil {
		return nil, err
	}
	first.Indexes = true
	ifds, err := file.IFDs(ctx)
	if err != nil {
		return nil, err
	}
	images := d.count("images")
	if samples := first.Layout.SamplesPerPixel; samples > 1 && d.count("channels") == samples {
		// Some writers count the samples of a pixel as channels, and as images.
		d, images = d.without("channels"), max(1, images/samples)
	}
	if len(ifds) == 1 && images > 1 {
		pixels, err := tiffpage.NewContiguous(ctx, bundle.Main(), d.axes(images), first)
		if err != nil {
			return nil, err
		}
		return pixels, nil
	}
	pages, err := stack(ctx, ifds, first)
	if err != nil {
		return nil, err
	}
	axes := d.axes(len(pages))
	return tiffpage.OpenPlanes(ctx, bundle, reader, axes, [][]tiffpage.Page{pages[:axes.Planes()]})
}

// stack are the pages of the size of the first, up to the first other one.
func stack(ctx context.Context, ifds []*tiff.IFD, first tiffpage.Page) ([]tiffpage.Page, error) {
	pages := []tiffpage.Page{first}
	for _, ifd := range ifds[1:] {
		page, err := tiffpage.ReadPage(ctx, ifd)
		if err != nil {
			return nil, err
		}
		if page.Layout.Width != first.Layout.Width || page.Layout.Height != first.Layout.Height || page.Layout.SamplesPerPixel != first.Layout.SamplesPerPixel {
			break
		}
		page.Indexes = true
		pages = append(pages, page)
	}
	return pages, nil
}

// facts are the tags of the first page and ImageJ's description.
type facts struct {
	tiffpage.Facts // of the first page
	pixels         tiffpage.Pixels
	description    description
}

// Describe gives the TIFF values and, over them, ImageJ's.
func (f facts) Describe(ctx context.Context) (*formats.Description, error) {
	d, err := f.Facts.Describe(ctx)
	if err != nil {
		return nil, err
	}
	d.Channels = tiffpage.PlaneChannels(d.ConcreteChannels, d.Samples)
	um, given := f.description.micrometres()
	if given {
		d.PhysicalSizeX, d.PhysicalSizeY = nil, nil // not in ResolutionUnit
	}
	if um > 0 {
		if d.PhysicalSizeX, d.PhysicalSizeY, err = tiffpage.PixelSizes(ctx, f.pixels.Base().IFD, um); err != nil {
			return nil, err
		}
		if spacing := f.description.number("spacing"); spacing != nil {
			z := *spacing * um
			d.PhysicalSizeZ = &z
		}
	}
	return d, nil
}

// RawMetadata lists the tags of the first page and ImageJ's lines.
func (f facts) RawMetadata(ctx context.Context) ([]formats.Metadatum, error) {
	tags, err := f.Facts.RawMetadata(ctx)
	if err != nil {
		return nil, err
	}
	return append(tags, f.description.metadata()...), nil
}
