package dicom

import (
	"context"
	"encoding/hex"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/plainimage"
	"github.com/pims-cloud/pims/internal/codec/jpeg"
	"github.com/pims-cloud/pims/source"
)

// format is DICOM; see the package comment.
type format struct{}

// New gives the format DICOM.
func New() formats.Format { return format{} }

// Info implements formats.Format.
func (format) Info() formats.Info {
	return formats.Info{
		ID: "DICOM", Name: "Dicom", MediaType: "application/dicom",
		Convertible: true, Importable: true, Plugin: "pims.formats.common",
	}
}

// Probe implements formats.Format.
func (format) Probe(_ context.Context, c *formats.Candidate) (formats.Match, error) {
	h := c.Header()
	if len(h) < preambleBytes || string(h[128:preambleBytes]) != "DICM" {
		return formats.Match{}, nil
	}
	return formats.Match{OK: true, Why: `bytes 128 to 131 are "DICM"`}, nil
}

// Open implements formats.Format.
func (format) Open(ctx context.Context, bundle source.Bundle) (formats.Image, error) {
	reader, err := bundle.Open(ctx, bundle.Main())
	if err != nil {
		return nil, err
	}
	d, err := readDataset(ctx, reader)
	if err != nil {
		return nil, err
	}
	p, err := readPicture(ctx, d)
	if err != nil {
		return nil, err
	}
	i := &image{source: bundle.Main(), data: d, picture: p}
	if i.frames, err = locateFrames(ctx, d, p); err != nil {
		return nil, err
	}
	if i.encoding, err = p.encoding(d); err != nil {
		return nil, err
	}
	if err := i.jpegColours(ctx); err != nil {
		return nil, err
	}
	if inPlace(i) {
		return located{i}, nil
	}
	return assembled{i}, nil
}

func locateFrames(ctx context.Context, d *dataset, p *picture) ([][]piece, error) {
	if p.native {
		return nativeFrames(d, p)
	}
	return encapsulatedFrames(ctx, d, p)
}

// encoding is how one frame's bytes are decoded once they are in one piece and
// their samples side by side.
func (p *picture) encoding(d *dataset) (formats.Encoding, error) {
	e := formats.Encoding{
		Codec: formats.CodecNone, Photometric: p.colours(), Samples: p.samples, Predictor: 1,
		PixelType: p.pixelType(), BitsPerSample: p.bits, Palette: p.palette, Signed: p.signed,
		BigEndian: d.syntax == syntaxBigEndian && p.bits > 8,
	}
	if e.Photometric == formats.PhotometricYCbCr {
		e.SubsamplingX, e.SubsamplingY = 1, 1
		if p.halved() {
			e.SubsamplingX = 2
		}
	}
	if p.native || d.syntax == syntaxRLE && p.bits > 1 {
		return e, nil
	}
	switch d.syntax {
	case syntaxJPEG, syntaxJPEGExt:
		e.Codec = formats.CodecJPEG
	case syntaxLossless, syntaxLosslessSV1:
		e.Codec = formats.CodecJPEGLossless
	case syntaxJ2K, syntaxJ2KExact:
		e.Codec = formats.CodecJPEG2000
	case syntaxRLE: // of single bits
	default:
		return e, unsupported("transfer-syntax", "the pixels are compressed by transfer syntax %s, which is not read here; expected uncompressed, RLE, JPEG (baseline or lossless) or JPEG 2000", d.syntax)
	}
	if p.bits == 1 || p.bits == 32 || p.signed && e.Codec == formats.CodecJPEG || p.palette != nil {
		return e, unsupported("samples", "compressed samples of %d bits (signed %t, palette %t) are not read; expected 8 or 16 bits", p.bits, p.signed, p.palette != nil)
	}
	return e, nil
}

// jpegColours looks at the first frame of a colour JPEG that the data set says
// is RGB. JFIF knows YCbCr only, and only that has components of different
// sizes: writers that decode and encode anew often leave the old word there.
func (i *image) jpegColours(ctx context.Context) error {
	const headBytes = 16 << 10
	if i.encoding.Codec != formats.CodecJPEG || i.encoding.Photometric != formats.PhotometricRGB || i.picture.samples != 3 || len(i.frames) == 0 {
		return nil
	}
	first := i.frames[0][0]
	head, err := i.data.bytes(ctx, first.Offset, min(first.Length, headBytes))
	if err != nil {
		return err
	}
	h, err := jpeg.ParseHeader(head)
	if err != nil || len(h.Components) != 3 {
		return nil // told when it is decoded
	}
	if c := h.Components; h.JFIF || c[0].H != c[1].H || c[0].V != c[1].V {
		i.encoding.Photometric = formats.PhotometricYCbCr
		i.encoding.SubsamplingX, i.encoding.SubsamplingY = 1, 1
	}
	return nil
}

// inPlace tells whether every frame is one range that a decoder takes as it is.
func inPlace(i *image) bool {
	p := i.picture
	if i.data.syntax == syntaxRLE || p.planar && p.native || p.bits == 1 || p.palette != nil && p.bits == 16 {
		return false
	}
	if i.swapped() {
		return false
	}
	for _, pieces := range i.frames {
		if len(pieces) != 1 {
			return false
		}
	}
	return true
}

// swapped tells whether bytes stand in words of the other order, so that
// neighbours are exchanged (PS3.5 §8.1.1).
func (i *image) swapped() bool {
	return i.data.syntax == syntaxBigEndian && i.picture.bits == 8 && i.data.pixels.vr == "OW"
}

// image is an opened file; it is immutable.
type image struct {
	source   string
	data     *dataset
	picture  *picture
	frames   [][]piece // by frame, for single bits nil
	encoding formats.Encoding
}

// Describe is formats.Image's.
func (i *image) Describe(ctx context.Context) (*formats.Description, error) {
	p := i.picture
	kind := p.pixelType()
	d := plainimage.Describe("DICOM", plainimage.Shape{
		Width: p.columns, Height: p.rows, Samples: p.shown(), Type: kind, Bits: 8 * kind.Bytes(),
	})
	d.Depth = p.frames
	if err := i.physicalSize(ctx, &d); err != nil {
		return nil, err
	}
	for _, at := range []struct{ date, time tag.Tag }{
		{tag.AcquisitionDate, tag.AcquisitionTime}, {tag.ContentDate, tag.ContentTime},
	} {
		date, err := i.data.textOf(ctx, at.date)
		if err != nil {
			return nil, err
		}
		clock, err := i.data.textOf(ctx, at.time)
		if err != nil {
			return nil, err
		}
		if d.AcquiredAt == nil {
			d.AcquiredAt = moment(date, clock)
		}
	}
	return &d, nil
}

// physicalSize takes PixelSpacing as PIMS does, its first value (between rows)
// for x, and the spacing between slices for z.
func (i *image) physicalSize(ctx context.Context, d *formats.Description) error {
	const micrometres = 1000 // a millimetre
	e, ok := i.data.find(tag.PixelSpacing)
	if ok {
		values, err := i.data.values(ctx, e)
		if err != nil {
			return err
		}
		if len(values) == 2 {
			d.PhysicalSizeX, d.PhysicalSizeY = positive(values[0], micrometres), positive(values[1], micrometres)
		}
	}
	if e, ok = i.data.find(tag.SpacingBetweenSlices); ok && d.Depth > 1 {
		values, err := i.data.values(ctx, e)
		if err != nil {
			return err
		}
		if len(values) == 1 {
			d.PhysicalSizeZ = positive(values[0], micrometres)
		}
	}
	return nil
}

func positive(v any, factor float64) *float64 {
	f, ok := v.(float64)
	if !ok || f <= 0 {
		return nil
	}
	f *= factor
	return &f
}

// RawMetadata lists the elements with values that can be shown; sequences and
// bulk data are left out (pims-api §5.5).
func (i *image) RawMetadata(ctx context.Context) ([]formats.Metadatum, error) {
	var out []formats.Metadatum
	for _, e := range i.data.elements {
		values, err := i.data.values(ctx, e)
		if err != nil {
			return nil, err
		}
		var v any = values
		switch len(values) {
		case 0:
			continue
		case 1:
			v = values[0]
		}
		out = append(out, formats.Metadatum{Namespace: "DICOM", Key: name(e.tag), Value: v})
	}
	return out, nil
}

func hex4(n uint16) string { return hex.EncodeToString([]byte{byte(n >> 8), byte(n)}) }
