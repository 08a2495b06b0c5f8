package jpeg

import (
	"bytes"
	"context"
	"fmt"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/plainimage"
	"github.com/pims-cloud/pims/internal/codec/jpeg"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
)

// ID is the format's id.
const ID = "JPEG"

// Format recognises and opens JPEG files.
type Format struct{}

// New makes the format.
func New() Format { return Format{} }

// Info describes the format in PIMS' words (pims-api §8.2).
func (Format) Info() formats.Info {
	return formats.Info{ID: ID, Name: "JPEG", MediaType: "image/jpeg", Convertible: true, Importable: true, Plugin: "pims"}
}

// Probe is the signature of pims-api §5.2.
func (Format) Probe(_ context.Context, c *formats.Candidate) (formats.Match, error) {
	return plainimage.Signed(bytes.HasPrefix(c.Header(), []byte{0xFF, 0xD8, 0xFF}), "it begins with a JPEG start of image marker")
}

// Open reads the markers before the first scan.
func (Format) Open(ctx context.Context, bundle source.Bundle) (formats.Image, error) {
	head, err := plainimage.OpenHead(ctx, bundle)
	if err != nil {
		return nil, err
	}
	h, err := readHeader(ctx, head)
	if err != nil {
		return nil, err
	}
	if err := h.Decodable(); err != nil {
		return nil, err
	}
	samples := 3
	if len(h.Components) == 1 {
		samples = 1
	}
	c := plainimage.Content{
		Description: plainimage.Describe(ID, plainimage.Shape{
			Width: h.Width, Height: h.Height, Samples: samples, Type: pixel.Uint8, Bits: 8,
		}),
		Encodings: []formats.Encoding{{
			Codec: formats.CodecJPEG, Photometric: h.Photometric(), Samples: len(h.Components), PixelType: pixel.Uint8, BitsPerSample: 8,
		}},
		Tiles: head.File(),
	}
	if n := len(h.Components); n > samples {
		c.Description.FileSamples = n
	}
	m := readMarkers(ctx, h, head.Bytes())
	m.describe(&c.Description)
	c.Metadata, c.ICCProfile = m.list, m.profile()
	return plainimage.New(bundle.Main(), c), nil
}

// readHeader reads as much of the file as its header takes.
func readHeader(ctx context.Context, head *plainimage.Head) (*jpeg.Header, error) {
	for {
		h, err := jpeg.ParseHeader(head.Bytes())
		if err == nil {
			return h, nil
		}
		if code := fault.CodeOf(err); code != "jpeg-truncated" && code != "jpeg-segment-length" {
			return nil, orJPEGLS(head.Bytes(), err)
		}
		more, readErr := head.More(ctx)
		if readErr != nil {
			return nil, readErr
		}
		if !more {
			return nil, tooMuchHeader(head, err)
		}
	}
}

// orJPEGLS names the reason when the file is of JPEG's lossless sister, whose
// frame header no JPEG decoder knows.
func orJPEGLS(data []byte, err error) error {
	const markerSOF55 = 0xF7 // ITU-T T.87 §C.1
	for s := range jpeg.Segments(data) {
		if s.Marker == markerSOF55 {
			return fault.New(fault.Unsupported, "jpeg-ls", "the file is JPEG-LS, which is not decoded here; convert it to PNG or TIFF")
		}
	}
	return err
}

func tooMuchHeader(head *plainimage.Head, err error) error {
	if head.Whole() {
		return err
	}
	return fault.New(fault.TooLarge, "jpeg-header-too-large", "%s",
		fmt.Sprintf("the first scan is not within the first %d bytes of the file", len(head.Bytes()))).Because(err)
}
