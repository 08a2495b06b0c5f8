package png

import (
	"bytes"
	"context"
	"encoding/binary"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/plainimage"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
)

// ID is the format's id.
const ID = "PNG"

// Format recognises and opens PNG files.
type Format struct{}

// New makes the format.
func New() Format { return Format{} }

// Info describes the format in PIMS' words (pims-api §8.2).
func (Format) Info() formats.Info {
	return formats.Info{ID: ID, Name: "PNG", MediaType: "image/png", Convertible: true, Importable: true, Plugin: "pims"}
}

// Probe is the signature of pims-api §5.2.
func (Format) Probe(_ context.Context, c *formats.Candidate) (formats.Match, error) {
	return plainimage.Signed(bytes.HasPrefix(c.Header(), []byte("\x89PNG")), "it begins with PNG's signature")
}

// Open reads the chunks before the pixels, and those after them as far as they
// can be found without reading the pixels.
func (Format) Open(ctx context.Context, bundle source.Bundle) (formats.Image, error) {
	head, err := plainimage.OpenHead(ctx, bundle)
	if err != nil {
		return nil, err
	}
	h, err := parseHeader(head.Bytes())
	if err != nil {
		return nil, err
	}
	var m metadata
	m.header(h)
	pixels, err := m.readFront(ctx, head)
	if err != nil {
		return nil, err
	}
	if err := m.readBack(ctx, head, pixels); err != nil {
		return nil, err
	}
	samples, alpha := h.samples(m.transparency)
	photometric := formats.PhotometricRGB
	if samples == 1 {
		photometric = formats.PhotometricMinIsBlack
	}
	kind, bits := pixel.Uint8, 8
	if h.depth == 16 {
		kind, bits = pixel.Uint16, 16
	}
	stored := samples
	if alpha {
		stored++
	}
	c := plainimage.Content{
		// Samples of 1, 2 and 4 bits are spread over 8 by the decoder.
		Description: plainimage.Describe(ID, plainimage.Shape{Width: h.width, Height: h.height, Samples: samples, Type: kind, Bits: bits}),
		Encodings: []formats.Encoding{{
			Codec: formats.CodecPNG, Photometric: photometric, Samples: stored, Alpha: alpha, PixelType: kind, BitsPerSample: bits,
		}},
		Tiles: head.File(),
	}
	m.describe(&c.Description)
	c.Metadata, c.ICCProfile = m.list, m.profile
	return plainimage.New(bundle.Main(), c), nil
}

// The colour types (PNG §11.2.2).
const (
	colourGrey      = 0
	colourRGB       = 2
	colourPalette   = 3
	colourGreyAlpha = 4
	colourRGBA      = 6
)

// header is the IHDR chunk.
type header struct {
	width, height                          int
	depth                                  int
	colour, compression, filter, interlace byte
}

const (
	signature      = "\x89PNG\r\n\x1a\n"
	headerEnd      = 33 // signature and IHDR
	maxSide        = 1<<31 - 1
	chunkOverhead  = 12 // length, type, CRC
	chunkHeadBytes = 8
)

func parseHeader(data []byte) (header, error) {
	if len(data) < headerEnd || string(data[:8]) != signature || string(data[12:16]) != "IHDR" || binary.BigEndian.Uint32(data[8:]) != 13 {
		return header{}, fault.New(fault.Corrupt, "png-header", "the PNG does not begin with its signature and a header chunk of 13 bytes")
	}
	w, h := binary.BigEndian.Uint32(data[16:]), binary.BigEndian.Uint32(data[20:])
	if w == 0 || h == 0 || w > maxSide || h > maxSide {
		return header{}, fault.New(fault.Corrupt, "png-size", "the PNG's header says %d × %d pixels; 1 to %d a side are possible", w, h, maxSide)
	}
	out := header{width: int(w), height: int(h), depth: int(data[24]), colour: data[25], compression: data[26], filter: data[27], interlace: data[28]}
	depths := map[byte][]int{colourGrey: {1, 2, 4, 8, 16}, colourRGB: {8, 16}, colourPalette: {1, 2, 4, 8}, colourGreyAlpha: {8, 16}, colourRGBA: {8, 16}}
	for _, depth := range depths[out.colour] {
		if depth == out.depth {
			return out, nil
		}
	}
	return header{}, fault.New(fault.Corrupt, "png-colour-type", "the PNG has colour type %d of %d bits, which PNG does not define", out.colour, out.depth)
}

// samples counts what is shown of a pixel, and tells whether alpha comes on top.
func (h header) samples(transparency bool) (int, bool) {
	switch h.colour {
	case colourGrey:
		return 1, transparency
	case colourGreyAlpha:
		return 1, true
	case colourRGBA:
		return 3, true
	default:
		return 3, transparency
	}
}
