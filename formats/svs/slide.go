package svs

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/tiffpage"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
)

// slide is an opened SVS file. The embedded pyramid makes it a
// formats.TileLocator. It is immutable.
type slide struct {
	*tiffpage.Pyramid
	reader      source.Reader
	description description
	associated  map[string]tiffpage.Page
}

// Describe gives the TIFF values and, over them, Aperio's.
func (s *slide) Describe(ctx context.Context) (*formats.Description, error) {
	d, err := tiffpage.Describe(ctx, ID, s.Pyramid)
	if err != nil {
		return nil, err
	}
	// PIMS takes nothing but Aperio's own values; the resolution tags of SVS
	// files are absent or those of a screen.
	d.PhysicalSizeX = s.description.number("MPP")
	d.PhysicalSizeY = s.description.number("MPP")
	d.NominalMagnification = s.description.number("AppMag")
	if at := s.description.acquiredAt(); at != nil {
		d.AcquiredAt = at
	}
	return d, nil
}

// RawMetadata lists the tags of page 0 and Aperio's keys.
func (s *slide) RawMetadata(ctx context.Context) ([]formats.Metadatum, error) {
	tags, err := tiffpage.RawMetadata(ctx, s.Base().IFD)
	if err != nil {
		return nil, err
	}
	return append(tags, s.description.metadata()...), nil
}

// ICCProfile is that of level 0.
func (s *slide) ICCProfile(ctx context.Context) ([]byte, error) {
	return tiffpage.ICCProfile(ctx, s.Base().IFD)
}

// Associated lists the thumbnail, label and macro that can be decoded.
func (s *slide) Associated(ctx context.Context) ([]formats.Associated, error) {
	var out []formats.Associated
	for _, name := range []string{formats.AssociatedThumb, formats.AssociatedLabel, formats.AssociatedMacro} {
		page, ok := s.associated[name]
		if !ok {
			continue
		}
		usable, err := tiffpage.CanReadPicture(ctx, page)
		if err != nil {
			return nil, err
		}
		if usable {
			out = append(out, formats.Associated{Name: name, Width: page.Layout.Width, Height: page.Layout.Height, Samples: page.Colours()})
		}
	}
	return out, nil
}

// ReadAssociated decodes one of them.
func (s *slide) ReadAssociated(ctx context.Context, name string) (*pixel.Raster, error) {
	page, ok := s.associated[name]
	if !ok {
		return nil, fault.New(fault.NotFound, "no-such-associated", "the slide has no associated image %q", name)
	}
	return tiffpage.ReadPicture(ctx, s.reader, page)
}

// Check looks at all tile extents and the first bytes of some tiles.
func (s *slide) Check(ctx context.Context) error { return s.Pyramid.Check(ctx, s.reader) }
