package tiffpage

import (
	"context"
	"fmt"
	"slices"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/tiff"
)

// Pixels is how the pixels of an image are stored: a Pyramid or an Assembly.
type Pixels interface {
	// Base is the first page of level 0.
	Base() Page
	// Axes is how the planes are counted.
	Axes() Axes
	// Levels are those of the description; the slice belongs to the caller.
	Levels() []formats.Level
	// Shown says what decoded samples of level 0 are.
	Shown() formats.Encoding
}

// Describe fills in what every TIFF format takes from the tags of its base
// page (pims-api §5.4, row TIFF): size, samples, type, channels, levels,
// physical sizes, date and description. Formats then put their vendor's values
// over it. Errors are those of reading.
func Describe(ctx context.Context, formatID string, p Pixels) (*formats.Description, error) {
	base, encoding, axes := p.Base(), p.Shown(), p.Axes()
	d := &formats.Description{
		Format: formatID,
		Width:  base.Layout.Width, Height: base.Layout.Height,
		Depth: axes.Depth, Duration: axes.Duration, ConcreteChannels: axes.Channels,
		Samples:         base.Colours(),
		PixelType:       encoding.PixelType,
		SignificantBits: shownBits(encoding),
		Channels:        slices.Repeat(Channels(base.Colours()), axes.Channels),
		Levels:          p.Levels(),
		Background:      Background(encoding),
	}
	description, err := Text(ctx, base.IFD, tiff.ImageDescription)
	if err != nil {
		return nil, err
	}
	d.Text = &description
	if d.AcquiredAt, err = AcquiredAt(ctx, base.IFD); err != nil {
		return nil, err
	}
	if d.PhysicalSizeX, d.PhysicalSizeY, err = PhysicalSize(ctx, base.IFD); err != nil {
		return nil, err
	}
	return d, nil
}

// Channels names and colours the samples of a pixel (pims-api §5.4, common
// defaults): L without a colour; R, G, B. What follows those is numbered.
func Channels(samples int) []formats.Channel {
	if samples < 3 {
		return append([]formats.Channel{{Name: "L"}}, numbered(1, samples)...)
	}
	rgb := []formats.Channel{{Name: "R", Color: "#f00"}, {Name: "G", Color: "#0f0"}, {Name: "B", Color: "#00f"}}
	return append(rgb, numbered(3, samples)...)
}

// PlaneChannels names and colours the channels of images that count them as
// planes (pims-api §5.4, ImageJ and OME): two and three are R, G, B; two to six
// get the colours of ImageJ. Several samples a pixel are named as in Channels.
func PlaneChannels(planes, samples int) []formats.Channel {
	if samples > 1 {
		return slices.Repeat(Channels(samples), planes)
	}
	if planes == 1 {
		return Channels(1)
	}
	colours := []string{"#f00", "#0f0", "#00f", "#0ff", "#f0f", "#ff0"}
	out := numbered(0, planes)
	for i := range out {
		if planes <= 3 {
			out[i].Name = string("RGB"[i])
		}
		if planes <= len(colours) {
			out[i].Color = colours[i]
		}
	}
	return out
}

func numbered(from, to int) []formats.Channel {
	var out []formats.Channel
	for i := from; i < to; i++ {
		out = append(out, formats.Channel{Name: fmt.Sprint("C", i)})
	}
	return out
}

// Background is what a tile without bytes shows. A scanner leaves out empty
// glass, which is white; a tile left out of a fluorescence or measured image
// is darkness, and that is what TIFF readers give for it.
func Background(encoding formats.Encoding) [3]uint8 {
	if encoding.PixelType != pixel.Uint8 || encoding.Photometric == formats.PhotometricMinIsBlack || encoding.Photometric == formats.PhotometricPalette {
		return [3]uint8{}
	}
	return [3]uint8{255, 255, 255}
}

// ICCProfile is the profile of a page, nil when it has none or one that cannot
// be believed. Errors are those of reading.
func ICCProfile(ctx context.Context, ifd *tiff.IFD) ([]byte, error) {
	profile, ok, err := ifd.Bytes(ctx, tiff.ICCProfile)
	if err != nil && formats.Structural(err) {
		return nil, nil
	}
	if err != nil || !ok || len(profile) == 0 {
		return nil, err
	}
	return profile, nil
}
