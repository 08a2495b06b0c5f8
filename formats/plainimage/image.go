package plainimage

import (
	"context"
	"slices"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/tiffpage"
	"github.com/pims-cloud/pims/pixel"
)

// MaxBytes is the largest file that can be one tile: an index entry holds
// lengths below 2^32.
const MaxBytes = 1<<32 - 1

// Content is what a format has found in a file.
type Content struct {
	Description formats.Description
	// Encodings are those that the description's levels point into.
	Encodings []formats.Encoding
	// Tiles has the one tile of each level, all tiles of a level in strips.
	Tiles      [][]formats.Extent
	Metadata   []formats.Metadatum
	ICCProfile []byte // nil when there is none
}

// Image is an opened plain image: a formats.Image that is a TileLocator and has
// RawMetadata and a ColorProfile. It is immutable.
type Image struct {
	source  string
	content Content
}

// New makes the image of a bundle's sequence. It keeps the content, whose
// metadata come grouped by namespace in order of first use.
func New(source string, c Content) *Image {
	c.Metadata = byNamespace(c.Metadata)
	return &Image{source: source, content: c}
}

// Describe gives a copy of the description.
func (i *Image) Describe(context.Context) (*formats.Description, error) {
	d := i.content.Description
	d.Channels, d.Levels = slices.Clone(d.Channels), slices.Clone(d.Levels)
	d.PhysicalSizeX, d.PhysicalSizeY = clone(d.PhysicalSizeX), clone(d.PhysicalSizeY)
	d.AcquiredAt, d.Text = clone(d.AcquiredAt), clone(d.Text)
	return &d, nil
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	v := *p
	return &v
}

// Sources is the name of the one file.
func (i *Image) Sources() []string { return []string{i.source} }

// Encodings lists the distinct ways in which levels are encoded.
func (i *Image) Encodings() []formats.Encoding { return slices.Clone(i.content.Encodings) }

// Locate is formats.TileLocator's.
func (i *Image) Locate(_ context.Context, level int, plane formats.Plane, first, count int) ([]formats.Extent, error) {
	if level < 0 || level >= len(i.content.Tiles) {
		return nil, fault.New(fault.Invalid, "no-such-level", "there is no level %d; the image has %d", level, len(i.content.Tiles))
	}
	if plane != (formats.Plane{}) {
		return nil, fault.New(fault.Invalid, "no-such-plane", "there is no plane c=%d z=%d t=%d; the image has one", plane.C, plane.Z, plane.T)
	}
	tiles := i.content.Tiles[level]
	if first < 0 || count < 0 || first > len(tiles) || count > len(tiles)-first {
		return nil, fault.New(fault.Invalid, "no-such-tile", "%d tiles from tile %d on were asked for; level %d has %d", count, first, level, len(tiles))
	}
	return slices.Clone(tiles[first : first+count]), nil
}

// RawMetadata lists what the file says of itself.
func (i *Image) RawMetadata(context.Context) ([]formats.Metadatum, error) {
	return slices.Clone(i.content.Metadata), nil
}

// ICCProfile is the embedded profile, nil when there is none.
func (i *Image) ICCProfile(context.Context) ([]byte, error) {
	return slices.Clone(i.content.ICCProfile), nil
}

// byNamespace keeps the order within a namespace, and puts namespaces in order
// of first use (pims-api §3.2).
func byNamespace(list []formats.Metadatum) []formats.Metadatum {
	var out []formats.Metadatum
	done := map[string]bool{}
	for _, first := range list {
		if done[first.Namespace] {
			continue
		}
		done[first.Namespace] = true
		for _, m := range list {
			if m.Namespace == first.Namespace {
				out = append(out, m)
			}
		}
	}
	return out
}

// Shape is what a picture's header says of its pixels.
type Shape struct {
	Width, Height int
	Samples       int // shown per pixel: 1 or 3, alpha not counted
	Type          pixel.Type
	Bits          int // significant ones
}

// Describe is the description of one picture of one level (pims-api §5.4,
// common defaults).
func Describe(formatID string, s Shape) formats.Description {
	return formats.Description{
		Format: formatID,
		Width:  s.Width, Height: s.Height,
		Depth: 1, Duration: 1, ConcreteChannels: 1,
		Samples: s.Samples, PixelType: s.Type, SignificantBits: s.Bits,
		Channels: tiffpage.Channels(s.Samples),
		Levels:   []formats.Level{{Width: s.Width, Height: s.Height, TileWidth: s.Width, TileHeight: s.Height}},
	}
}
