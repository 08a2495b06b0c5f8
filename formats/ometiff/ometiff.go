// Package ometiff reads OME-TIFF: TIFF files whose first description is OME-XML
// (pims-api §5.2, §5.4). It holds two formats that share everything but the
// rule by which they are told apart: OMETIFF has one resolution, PYROMETIFF has
// a pyramid in SubIFDs.
//
// The image is the largest of the document; its planes are placed by TiffData
// and DimensionOrder. Other images named thumbnail, label or macro are
// associated images. Images whose planes lie in several files, and files whose
// XML is elsewhere (BinaryOnly), are refused with their reason.
//
// The XML is parsed within bounds on size, depth and number of elements; no
// entity, DTD or schema is ever fetched.
package ometiff

import (
	"context"
	"fmt"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/tiffpage"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// The ids of the two formats.
const (
	ID          = "OMETIFF"
	PyramidalID = "PYROMETIFF"
)

// Format recognises and opens OME-TIFF of one of both kinds.
type Format struct{ pyramidal bool }

// New makes the format of images with one resolution.
func New() Format { return Format{} }

// NewPyramidal makes the format of pyramids.
func NewPyramidal() Format { return Format{pyramidal: true} }

// Info describes the format in PIMS' words (pims-api §8.2).
func (f Format) Info() formats.Info {
	info := formats.Info{ID: ID, Name: "OME-TIFF", MediaType: "ome/ome-tiff", Convertible: true, Importable: true, Plugin: "pims"}
	if f.pyramidal {
		info.ID, info.Name, info.Convertible = PyramidalID, "Pyramidal OME-TIFF", false
	}
	return info
}

// Probe accepts a TIFF whose description is OME-XML and whose main image is, or
// is not, a tiled pyramid. It reads the directories up to the main image's
// first one, and that one's SubIFDs.
func (f Format) Probe(ctx context.Context, c *formats.Candidate) (formats.Match, error) {
	file, err := c.TIFF(ctx)
	if err != nil {
		return tiffpage.No(err)
	}
	flavours, err := tiffpage.FlavoursOf(ctx, file.First())
	if err != nil {
		return formats.Match{}, err
	}
	if !flavours.Has(tiffpage.OME) {
		return formats.Match{}, nil
	}
	o, err := open(ctx, file)
	if err != nil && formats.Structural(err) && fault.KindOf(err) == fault.Unsupported && !f.pyramidal {
		// OME-TIFF without doubt; Open says what is the matter.
		return formats.Match{OK: true, Why: "the description is OME-XML"}, nil
	}
	if err != nil {
		return tiffpage.No(err)
	}
	if o.pyramidal != f.pyramidal {
		return formats.Match{Why: fmt.Sprintf("the main image of the OME-XML has %d levels", o.depth)}, nil
	}
	return formats.Match{OK: true, Why: fmt.Sprintf("the description is OME-XML; its main image %q has %d levels", o.main().name(), o.depth)}, nil
}

// opened is a file whose document and main image are known.
type opened struct {
	*document
	file      *tiff.File
	base      tiffpage.Page // first plane of the main image
	depth     int           // levels
	pyramidal bool          // more than one level, the finest of them tiled
}

func (o *opened) main() *picture { return &o.pictures[o.document.main] }

// open reads the document and the first plane of the main image. Where that is
// the first directory, as nearly always, no other is read.
func open(ctx context.Context, file *tiff.File) (*opened, error) {
	text, err := tiffpage.Text(ctx, file.First(), tiff.ImageDescription)
	if err != nil {
		return nil, err
	}
	o := &opened{file: file}
	if o.document, err = readDocument(text); err != nil {
		return nil, err
	}
	if o.base, err = o.first(ctx, o.main()); err != nil {
		return nil, err
	}
	levels, err := reductions(ctx, o.base)
	if err != nil {
		return nil, err
	}
	o.depth = 1 + len(levels)
	o.pyramidal = o.depth > 1 && o.base.Layout.Tiled
	return o, nil
}

// first reads the first directory of a picture.
func (o *opened) first(ctx context.Context, p *picture) (tiffpage.Page, error) {
	blocks, err := o.blocks(p, 1)
	if err != nil {
		return tiffpage.Page{}, err
	}
	first := -1
	for _, b := range blocks {
		if b.count > 0 && (first < 0 || b.ifd < first) {
			first = b.ifd
		}
	}
	if first == 0 {
		return readPlane(ctx, o.file.First(), p)
	}
	ifds, err := o.file.IFDs(ctx)
	if err != nil {
		return tiffpage.Page{}, err
	}
	if first < 0 || first >= len(ifds) {
		return tiffpage.Page{}, fault.New(fault.Corrupt, "ome-no-plane", "the file has no plane of Image %q", p.name())
	}
	return readPlane(ctx, ifds[first], p)
}

// readPlane reads a directory that must be a plane of the picture.
func readPlane(ctx context.Context, ifd *tiff.IFD, p *picture) (tiffpage.Page, error) {
	page, err := tiffpage.ReadPage(ctx, ifd)
	if err != nil {
		return page, err
	}
	page.Indexes, page.Measured = true, true
	if page.Layout.Width != p.width || page.Layout.Height != p.height {
		return page, fault.New(fault.Corrupt, "ome-size", "directory %d has %d × %d pixels, Image %q of the OME-XML %d × %d",
			ifd.Index, page.Layout.Width, page.Layout.Height, p.name(), p.width, p.height)
	}
	return page, nil
}

// reductions are the SubIFDs of a plane that are its coarser levels, each
// smaller than the one before it.
func reductions(ctx context.Context, base tiffpage.Page) ([]tiffpage.Page, error) {
	subs, err := base.IFD.SubIFDs(ctx)
	if err != nil {
		return nil, err
	}
	var out []tiffpage.Page
	last := base
	for _, sub := range subs {
		page, err := tiffpage.ReadPage(ctx, sub)
		if err != nil {
			return nil, err
		}
		page.Indexes, page.Measured = base.Indexes, base.Measured
		if !tiffpage.SameAspect(last.Layout, page.Layout) || page.Layout.SamplesPerPixel != base.Layout.SamplesPerPixel {
			break
		}
		out, last = append(out, page), page
	}
	return out, nil
}

// Open reads the document and the directories of all planes.
func (f Format) Open(ctx context.Context, bundle source.Bundle) (formats.Image, error) {
	file, reader, err := tiffpage.Open(ctx, bundle)
	if err != nil {
		return nil, err
	}
	o, err := open(ctx, file)
	if err != nil {
		return nil, err
	}
	ifds, err := file.IFDs(ctx)
	if err != nil {
		return nil, err
	}
	planes, err := o.planesOf(o.main(), o.base.Layout.SamplesPerPixel, o.base.Colours(), len(ifds))
	if err != nil {
		return nil, err
	}
	levels, err := o.levels(ctx, ifds, planes.ifds)
	if err != nil {
		return nil, err
	}
	pixels, err := tiffpage.OpenPlanes(ctx, bundle, reader, planes.axes, levels)
	if err != nil {
		return nil, err
	}
	pictures, err := o.associated(ctx)
	if err != nil {
		return nil, err
	}
	return tiffpage.NewImage(pixels, &facts{
		Facts: tiffpage.PageFacts(f.Info().ID, pixels), file: file, document: o.document, reader: reader, pictures: pictures,
	}, reader), nil
}

// levels are the pages of the main image by level and plane. Only levels that
// all planes have are kept.
func (o *opened) levels(ctx context.Context, ifds []*tiff.IFD, planes []int) ([][]tiffpage.Page, error) {
	var out [][]tiffpage.Page
	for range o.depth {
		out = append(out, make([]tiffpage.Page, len(planes)))
	}
	for n, ifd := range planes {
		if ifd < 0 {
			continue
		}
		page, err := readPlane(ctx, ifds[ifd], o.main())
		if err != nil {
			return nil, err
		}
		out[0][n] = page
		if len(out) == 1 {
			continue
		}
		levels, err := reductions(ctx, page)
		if err != nil {
			return nil, err
		}
		out = out[:min(len(out), 1+len(levels))]
		for i := 1; i < len(out); i++ {
			out[i][n] = levels[i-1]
		}
	}
	return out, nil
}
