package webp

import (
	"context"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/plainimage"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
)

// ID is the format's id.
const ID = "WEBP"

// Format recognises and opens WebP files.
type Format struct{}

// New makes the format.
func New() Format { return Format{} }

// Info describes the format in PIMS' words (pims-api §8.2).
func (Format) Info() formats.Info {
	return formats.Info{ID: ID, Name: "Web P", MediaType: "image/webp", Convertible: true, Importable: true, Plugin: "pims"}
}

// Probe is the signature of pims-api §5.2.
func (Format) Probe(_ context.Context, c *formats.Candidate) (formats.Match, error) {
	head := c.Header()
	ok := len(head) >= 14 && string(head[:4]) == "RIFF" && string(head[8:14]) == "WEBPVP"
	return plainimage.Signed(ok, "it is a RIFF file of WebP")
}

// Open reads the chunks' headers and those chunks that are not pixels.
func (Format) Open(ctx context.Context, bundle source.Bundle) (formats.Image, error) {
	head, err := plainimage.OpenHead(ctx, bundle)
	if err != nil {
		return nil, err
	}
	f, err := readChunks(ctx, head)
	if err != nil {
		return nil, err
	}
	samples := 3
	if f.alpha {
		samples = 4
	}
	c := plainimage.Content{
		Description: plainimage.Describe(ID, plainimage.Shape{Width: f.width, Height: f.height, Samples: 3, Type: pixel.Uint8, Bits: 8}),
		Encodings: []formats.Encoding{{
			Codec: formats.CodecWebP, Photometric: formats.PhotometricRGB, Samples: samples, Alpha: f.alpha, PixelType: pixel.Uint8, BitsPerSample: 8,
		}},
		Tiles:      head.File(),
		Metadata:   append(f.list, f.exif.Metadata()...),
		ICCProfile: f.profile,
	}
	d := &c.Description
	d.Text = plainimage.FirstText(f.exif.Descriptions()...)
	d.AcquiredAt = f.exif.AcquiredAt()
	d.PhysicalSizeX, d.PhysicalSizeY = f.exif.PixelSize()
	return plainimage.New(bundle.Main(), c), nil
}
