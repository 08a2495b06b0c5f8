package ometiff

import (
	"context"
	"slices"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/tiffpage"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// facts are what the document says of the main image.
type facts struct {
	tiffpage.Facts // of the main image's first page
	file           *tiff.File
	document       *document
	reader         source.Reader
	pictures       map[string]tiffpage.Page // associated images
}

// Describe gives the values of the OME-XML; of the TIFF tags only what pixels
// are.
func (f *facts) Describe(ctx context.Context) (*formats.Description, error) {
	d, err := f.Facts.Describe(ctx)
	if err != nil {
		return nil, err
	}
	p := &f.document.pictures[f.document.main]
	// PIMS counts all bits of the type, whatever is significant in it.
	d.SignificantBits = 8 * d.PixelType.Bytes()
	d.Channels = tiffpage.PlaneChannels(d.ConcreteChannels, d.Samples)
	p.dress(d.Channels, d.Samples)
	d.Text = p.text()
	d.AcquiredAt = p.acquiredAt()
	d.PhysicalSizeX, d.PhysicalSizeY, d.PhysicalSizeZ = length(p.pixels, "PhysicalSizeX"), length(p.pixels, "PhysicalSizeY"), length(p.pixels, "PhysicalSizeZ")
	if interval := seconds(p.pixels, "TimeIncrement"); interval != nil {
		rate := 1 / *interval
		d.FrameRate = &rate
	}
	instrument := f.document.instrument(p)
	if model, ok := instrument.first("Microscope").attr("Model"); ok && model != "" {
		d.MicroscopeModel = &model
	}
	objective := p.objective(instrument)
	d.NominalMagnification = number(objective, "NominalMagnification")
	d.CalibratedMagnification = number(objective, "CalibratedMagnification")
	return d, nil
}

// text is the Description, else the Name, nil when there is neither.
func (p *picture) text() *string {
	text := p.image.first("Description").text
	if text == "" {
		text = p.name()
	}
	if text == "" {
		return nil
	}
	return &text
}

// RawMetadata lists the tags of the first page and the values of the OME-XML.
func (f *facts) RawMetadata(ctx context.Context) ([]formats.Metadatum, error) {
	tags, err := tiffpage.RawMetadata(ctx, f.file.First())
	if err != nil {
		return nil, err
	}
	return append(tags, flatten(f.document.root)...), nil
}

// names of associated images, in the order of the contract.
func associatedNames() []string {
	return []string{formats.AssociatedThumb, formats.AssociatedLabel, formats.AssociatedMacro}
}

// associated finds the other images of the document that are called thumb,
// thumbnail, label or macro, and their first pages. One that is broken, or in
// another file, does not cost the slide.
func (o *opened) associated(ctx context.Context) (map[string]tiffpage.Page, error) {
	out := map[string]tiffpage.Page{}
	for i := range o.pictures {
		p := &o.pictures[i]
		name := strings.TrimSuffix(strings.ToLower(strings.TrimSpace(p.name())), "nail")
		if _, known := out[name]; known || i == o.document.main || !slices.Contains(associatedNames(), name) {
			continue
		}
		page, err := o.first(ctx, p)
		if err != nil && !formats.Structural(err) {
			return nil, err
		}
		if err != nil {
			continue
		}
		usable, err := tiffpage.CanReadPicture(ctx, page)
		if err != nil {
			return nil, err
		}
		if usable {
			out[name] = page
		}
	}
	return out, nil
}

// Associated lists the associated images that can be decoded.
func (f *facts) Associated(context.Context) ([]formats.Associated, error) {
	var out []formats.Associated
	for _, name := range associatedNames() {
		if page, ok := f.pictures[name]; ok {
			samples := 1
			if page.Colours() >= 3 {
				samples = 3
			}
			out = append(out, formats.Associated{Name: name, Width: page.Layout.Width, Height: page.Layout.Height, Samples: samples})
		}
	}
	return out, nil
}

// ReadAssociated decodes one of them.
func (f *facts) ReadAssociated(ctx context.Context, name string) (*pixel.Raster, error) {
	page, ok := f.pictures[name]
	if !ok {
		return nil, fault.New(fault.NotFound, "no-such-associated", "the slide has no associated image %q", name)
	}
	return tiffpage.ReadPicture(ctx, f.reader, page)
}
