// Package sis reads the TIFF files of Olympus Soft Imaging Solutions (cellSens,
// analySIS): plain pages with a private structure that says when, with which
// objective and at which pixel size they were taken (pims-api §5.2, §5.4). As
// in PIMS the image is the first page.
package sis

import (
	"context"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/tiffpage"
	"github.com/pims-cloud/pims/source"
)

// ID is the format's id.
const ID = "SIS"

// Format recognises and opens Olympus SIS files.
type Format struct{}

// New makes the format.
func New() Format { return Format{} }

// Info describes the format in PIMS' words (pims-api §8.2).
func (Format) Info() formats.Info {
	return formats.Info{
		ID: ID, Name: "Olympus SIS TIFF", MediaType: "application/octet-stream",
		Convertible: true, Importable: true, Plugin: "pims",
	}
}

// Probe accepts a TIFF with one of Olympus' tags. OME-XML and ImageJ's
// description go before: such files were written anew by other programs.
func (Format) Probe(ctx context.Context, c *formats.Candidate) (formats.Match, error) {
	file, err := c.TIFF(ctx)
	if err != nil {
		return tiffpage.No(err)
	}
	flavours, err := tiffpage.FlavoursOf(ctx, file.First())
	if err != nil {
		return formats.Match{}, err
	}
	if !flavours.Has(tiffpage.SIS) || flavours.Has(tiffpage.OME) || flavours.Has(tiffpage.ImageJ) {
		return formats.Match{}, nil
	}
	return formats.Match{OK: true, Why: "the first page has the tag 33560 or 33471 of Olympus Soft Imaging Solutions"}, nil
}

// Open reads the first directory and Olympus' metadata.
func (Format) Open(ctx context.Context, bundle source.Bundle) (formats.Image, error) {
	file, reader, err := tiffpage.Open(ctx, bundle)
	if err != nil {
		return nil, err
	}
	m, err := readMetadata(ctx, reader, file.First())
	if err != nil {
		return nil, err
	}
	return tiffpage.OpenFirstPage(ctx, bundle, reader, file, func(pixels tiffpage.Pixels) tiffpage.Facts {
		return facts{Facts: tiffpage.PageFacts(ID, pixels), metadata: m}
	})
}

// facts are the tags of the first page and Olympus' metadata.
type facts struct {
	tiffpage.Facts // of the first page
	metadata       metadata
}

// Describe gives the TIFF values and, over them, Olympus'.
func (f facts) Describe(ctx context.Context) (*formats.Description, error) {
	d, err := f.Facts.Describe(ctx)
	if err != nil {
		return nil, err
	}
	const micrometres = 1e6
	m := f.metadata
	if m.at != nil {
		at := *m.at
		d.AcquiredAt = &at
	}
	if m.pixelX > 0 {
		x := m.pixelX * micrometres
		d.PhysicalSizeX = &x
	}
	if m.pixelY > 0 {
		y := m.pixelY * micrometres
		d.PhysicalSizeY = &y
	}
	if m.magnification > 0 {
		d.NominalMagnification = &m.magnification
	}
	return d, nil
}

// RawMetadata lists the tags of the first page and Olympus' values.
func (f facts) RawMetadata(ctx context.Context) ([]formats.Metadatum, error) {
	tags, err := f.Facts.RawMetadata(ctx)
	if err != nil {
		return nil, err
	}
	return append(tags, f.metadata.list()...), nil
}
