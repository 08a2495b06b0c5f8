package ppm

import (
	"context"
	"math/bits"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/plainimage"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
)

// ID is the format's id.
const ID = "PPM"

// Format recognises and opens raw Netpbm files.
type Format struct{}

// New makes the format.
func New() Format { return Format{} }

// Info describes the format in PIMS' words (pims-api §8.2).
func (Format) Info() formats.Info {
	return formats.Info{ID: ID, Name: "PPM", MediaType: "image/x-portable-pixmap", Convertible: true, Importable: true, Plugin: "pims"}
}

// Probe is the signature of pims-api §5.2.
func (Format) Probe(_ context.Context, c *formats.Candidate) (formats.Match, error) {
	head := c.Header()
	ok := len(head) >= 2 && head[0] == 'P' && head[1] >= '4' && head[1] <= '6'
	return plainimage.Signed(ok, "it begins with the signature of a raw Netpbm file")
}

// Open reads the header.
func (Format) Open(ctx context.Context, bundle source.Bundle) (formats.Image, error) {
	head, err := plainimage.OpenHead(ctx, bundle)
	if err != nil {
		return nil, err
	}
	h, err := parseHeader(head.Bytes())
	if err != nil {
		return nil, err
	}
	if left := head.Size() - h.offset; left < h.bytes() {
		return nil, fault.New(fault.Corrupt, "ppm-truncated",
			"the file's %d × %d pixels take %d bytes, but only %d are left behind the header", h.width, h.height, h.bytes(), left)
	}
	encoding := h.encoding()
	c := plainimage.Content{
		Description: plainimage.Describe(ID, plainimage.Shape{
			Width: h.width, Height: h.height, Samples: encoding.Samples, Type: encoding.PixelType, Bits: h.significantBits(),
		}),
		Encodings: []formats.Encoding{encoding},
		Metadata:  h.metadata(),
	}
	h.strips(&c)
	c.Description.Text = plainimage.FirstText(h.comment())
	return plainimage.New(bundle.Main(), c), nil
}

// samples is how many a pixel has.
func (h header) samples() int {
	if h.kind == '6' {
		return 3
	}
	return 1
}

// storedBits is what a sample takes in the file: 1 in a bitmap, else 8 while
// the greatest value fits.
func (h header) storedBits() int {
	switch {
	case h.kind == '4':
		return 1
	case h.greatest < 256:
		return 8
	default:
		return 16
	}
}

// significantBits are those of the greatest value; a bitmap's are spread over
// 8 by the decoder. Values are not scaled: 12-bit data stays 12-bit data.
func (h header) significantBits() int {
	if h.kind == '4' {
		return 8
	}
	return bits.Len(uint(h.greatest))
}

// bytes is the length of the pixels.
func (h header) bytes() int64 { return h.rowBytes() * int64(h.height) }

// rowBytes is the length of a row; a bitmap's is padded to whole bytes.
func (h header) rowBytes() int64 {
	return (int64(h.width)*int64(h.samples()*h.storedBits()) + 7) / 8
}

// stripBytes is about how much of the pixels is read at once. Small images stay
// in one piece, as PIMS shows them.
const stripBytes = 4 << 20

// strips cuts a large image into bands of rows, so that any part of it can be
// seen at the cost of that part.
func (h header) strips(c *plainimage.Content) {
	if h.bytes() <= stripBytes {
		c.Tiles = [][]formats.Extent{{{Offset: h.offset, Length: h.bytes()}}}
		return
	}
	rows := int(max(1, stripBytes/h.rowBytes()))
	level := &c.Description.Levels[0]
	level.TileHeight, level.Strips = rows, true
	var tiles []formats.Extent
	for y := 0; y < h.height; y += rows {
		tiles = append(tiles, formats.Extent{
			Offset: h.offset + int64(y)*h.rowBytes(), Length: int64(min(rows, h.height-y)) * h.rowBytes(),
		})
	}
	c.Tiles = [][]formats.Extent{tiles}
}

func (h header) encoding() formats.Encoding {
	e := formats.Encoding{
		Codec: formats.CodecNone, Photometric: formats.PhotometricMinIsBlack,
		Samples: h.samples(), PixelType: pixel.Uint8, BitsPerSample: h.storedBits(),
	}
	switch {
	case h.kind == '4':
		e.Photometric = formats.PhotometricMinIsWhite
	case h.kind == '6':
		e.Photometric = formats.PhotometricRGB
	}
	if e.BitsPerSample == 16 {
		e.PixelType, e.BigEndian = pixel.Uint16, true
	}
	return e
}

func (h header) comment() string { return strings.Join(h.comments, "\n") }

// metadata lists the header's values as exiftool shows them (pims-api §5.5).
func (h header) metadata() []formats.Metadatum {
	var list []formats.Metadatum
	add := func(key string, value any) {
		list = append(list, formats.Metadatum{Namespace: "FILE", Key: key, Value: value})
	}
	if len(h.comments) > 0 {
		add("Comment", plainimage.Scalar(h.comment()))
	}
	add("ImageWidth", int64(h.width))
	add("ImageHeight", int64(h.height))
	if h.kind != '4' {
		add("MaxVal", int64(h.greatest))
	}
	return list
}
