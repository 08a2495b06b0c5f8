package jpeg2000

import (
	"bytes"
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/plainimage"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
)

// ID is the format's id.
const ID = "JPEG2000"

// Format recognises and opens JPEG 2000 files.
type Format struct{}

// New makes the format.
func New() Format { return Format{} }

// Info describes the format in PIMS' words (pims-api §8.2).
func (Format) Info() formats.Info {
	return formats.Info{ID: ID, Name: "JPEG2000", MediaType: "image/jp2", Convertible: true, Importable: true, Plugin: "pims"}
}

// leastBytes is how long a file must be for its signature to count.
const leastBytes = 50

// Probe is the signature of pims-api §5.2.
func (Format) Probe(_ context.Context, c *formats.Candidate) (formats.Match, error) {
	head := c.Header()
	switch {
	case len(head) <= leastBytes:
		return formats.Match{}, nil
	case isCodestream(head):
		return formats.Match{OK: true, Why: "it is a JPEG 2000 codestream"}, nil
	}
	return plainimage.Signed(isJP2(head), "it is a JP2 file")
}

func isCodestream(head []byte) bool { return bytes.HasPrefix(head, []byte{0xFF, 0x4F, 0xFF, 0x51}) }

func isJP2(head []byte) bool {
	return len(head) > 24 && bytes.HasPrefix(head, []byte{0, 0, 0, 12}) && string(head[16:24]) == "ftypjp2 "
}

// Open reads the boxes and the codestream's main header. Tiles are the
// codestream alone: what stands in the boxes has been understood here, and
// decoders have been broken by it.
func (Format) Open(ctx context.Context, bundle source.Bundle) (formats.Image, error) {
	head, err := plainimage.OpenHead(ctx, bundle)
	if err != nil {
		return nil, err
	}
	f := &file{start: 0, end: head.Size()}
	bare := isCodestream(head.Bytes())
	if !bare {
		if err := f.readBoxes(ctx, head); err != nil {
			return nil, err
		}
	}
	s, err := readMainHeader(ctx, head, f.start, f.end)
	if err != nil {
		return nil, err
	}
	if bare {
		f.describeBare(s)
	}
	e, shown, err := f.encoding(s)
	if err != nil {
		return nil, err
	}
	c := plainimage.Content{
		Description: plainimage.Describe(ID, plainimage.Shape{
			Width: s.width, Height: s.height, Samples: shown, Type: e.PixelType, Bits: significant(e),
		}),
		Metadata: append(f.list, f.exif.Metadata()...), ICCProfile: f.profile,
	}
	c.Description.Levels = nil
	for reduce, size := range s.resolutions() {
		level := e
		level.Reduce = reduce
		c.Encodings = append(c.Encodings, level)
		c.Tiles = append(c.Tiles, []formats.Extent{{Offset: f.start, Length: f.end - f.start}})
		c.Description.Levels = append(c.Description.Levels, formats.Level{
			Width: size[0], Height: size[1], TileWidth: size[0], TileHeight: size[1], Encoding: reduce,
		})
	}
	f.describe(&c.Description)
	return plainimage.New(bundle.Main(), c), nil
}

// significant bits are all of the type: libvips shifts samples of 9 to 15 bits
// up to 16, which loses none.
func significant(e formats.Encoding) int { return 8 * e.PixelType.Bytes() }

// encoding is how the codestream is decoded, and how many samples are shown.
func (f *file) encoding(s *mainHeader) (formats.Encoding, int, error) {
	n, depth, signed := len(s.components), s.components[0].bits, s.components[0].signed
	if f.palette {
		return formats.Encoding{}, 0, fault.New(fault.Unsupported, "jpeg2000-palette",
			"the JP2 file has a palette, which is not decoded here; write it anew as RGB")
	}
	if n > 4 || f.colourSpace == colourCMYK {
		return formats.Encoding{}, 0, fault.New(fault.Unsupported, "jpeg2000-components",
			"the JPEG 2000 image has %d components; grey and RGB, with or without alpha, can be shown", n)
	}
	if depth > 16 {
		return formats.Encoding{}, 0, fault.New(fault.Unsupported, "jpeg2000-depth", "the JPEG 2000 image has %d bits a sample; up to 16 are understood", depth)
	}
	e := formats.Encoding{
		Codec: formats.CodecJPEG2000, Photometric: formats.PhotometricRGB, Samples: n, Alpha: n%2 == 0,
		PixelType: sampleType(depth, signed), BitsPerSample: depth,
	}
	shown := (n-1)/2*2 + 1
	switch {
	case shown == 1:
		e.Photometric = formats.PhotometricMinIsBlack
	case n == 3 && (f.colourSpace == colourSYCC || f.colourSpace == 0 && s.subsampled()):
		// Where nothing says what the components are: only colour differences
		// are stored smaller than the first.
		e.Photometric = formats.PhotometricYCbCr
	}
	return e, shown, nil
}

func sampleType(depth int, signed bool) pixel.Type {
	switch {
	case depth <= 8 && signed:
		return pixel.Int8
	case depth <= 8:
		return pixel.Uint8
	case signed:
		return pixel.Int16
	default:
		return pixel.Uint16
	}
}
