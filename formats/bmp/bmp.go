package bmp

import (
	"bytes"
	"context"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/plainimage"
	"github.com/pims-cloud/pims/internal/codec/bmp"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
)

// ID is the format's id.
const ID = "BMP"

// Format recognises and opens BMP files.
type Format struct{}

// New makes the format.
func New() Format { return Format{} }

// Info describes the format in PIMS' words (pims-api §8.2).
func (Format) Info() formats.Info {
	return formats.Info{ID: ID, Name: "BMP", MediaType: "image/bmp", Convertible: true, Importable: true, Plugin: "pims"}
}

// Probe is the signature of pims-api §5.2.
func (Format) Probe(_ context.Context, c *formats.Candidate) (formats.Match, error) {
	return plainimage.Signed(bytes.HasPrefix(c.Header(), []byte("BM")), `it begins with "BM"`)
}

// Open reads the headers and the palette.
//
// PIMS gives the time of import as the time of acquisition, which it is not;
// BMP has none.
func (Format) Open(ctx context.Context, bundle source.Bundle) (formats.Image, error) {
	head, err := plainimage.OpenHead(ctx, bundle)
	if err != nil {
		return nil, err
	}
	h, err := bmp.ParseHeader(head.Bytes())
	if err != nil {
		return nil, err
	}
	if err := h.CheckLength(head.Size()); err != nil {
		return nil, err
	}
	stored, alpha := h.Samples(), false
	shown, photometric := stored, formats.PhotometricRGB
	switch stored {
	case 1:
		photometric = formats.PhotometricMinIsBlack
	case 4:
		shown, alpha = 3, true
	}
	c := plainimage.Content{
		Description: plainimage.Describe(ID, plainimage.Shape{Width: h.Width, Height: h.Height, Samples: shown, Type: pixel.Uint8, Bits: 8}),
		Encodings: []formats.Encoding{{
			Codec: formats.CodecBMP, Photometric: photometric, Samples: stored, Alpha: alpha, PixelType: pixel.Uint8, BitsPerSample: 8,
		}},
		Tiles:    head.File(),
		Metadata: metadata(h),
	}
	c.Description.PhysicalSizeX = plainimage.PixelSize(float64(h.PixelsPerMetreX), plainimage.Metre)
	c.Description.PhysicalSizeY = plainimage.PixelSize(float64(h.PixelsPerMetreY), plainimage.Metre)
	if c.ICCProfile, err = profile(ctx, head, h); err != nil {
		return nil, err
	}
	return plainimage.New(bundle.Main(), c), nil
}

// maxProfile bounds the ICC profile.
const maxProfile = 4 << 20

// profile is the embedded one, nil when there is none that lies in the file.
func profile(ctx context.Context, head *plainimage.Head, h *bmp.Header) ([]byte, error) {
	if h.ColourSpace != embeddedProfile || h.ProfileBytes < 1 || h.ProfileBytes > maxProfile || h.ProfileOffset > head.Size()-h.ProfileBytes {
		return nil, nil
	}
	return head.ReadAt(ctx, h.ProfileOffset, h.ProfileBytes)
}
