package dicom

import (
	"context"
	"strings"

	"github.com/suyashkumar/dicom/pkg/tag"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

// Transfer syntaxes (PS3.6 table A-1).
const (
	syntaxImplicit    = "1.2.840.10008.1.2"
	syntaxExplicit    = "1.2.840.10008.1.2.1"
	syntaxBigEndian   = "1.2.840.10008.1.2.2"
	syntaxDeflated    = "1.2.840.10008.1.2.1.99"
	syntaxJPEG        = "1.2.840.10008.1.2.4.50"
	syntaxJPEGExt     = "1.2.840.10008.1.2.4.51"
	syntaxLossless    = "1.2.840.10008.1.2.4.57"
	syntaxLosslessSV1 = "1.2.840.10008.1.2.4.70" // first-order prediction, the usual one
	syntaxJ2KExact    = "1.2.840.10008.1.2.4.90"
	syntaxJ2K         = "1.2.840.10008.1.2.4.91"
	syntaxRLE         = "1.2.840.10008.1.2.5"
)

const (
	maxSidePx = 1 << 16 // Rows and Columns are 16 bits
	maxFrames = 1 << 16
)

// picture is what the attributes say of the pixels (PS3.3 C.7.6.3).
type picture struct {
	rows, columns, frames int
	samples               int // stored per pixel
	photometric           string
	planar                bool // samples in separate planes
	bits                  int  // allocated
	signed                bool
	float                 bool
	palette               []byte // 3 × 2^bits values
	native                bool   // not encapsulated
}

// readPicture reads and checks the attributes of the pixels.
func readPicture(ctx context.Context, d *dataset) (*picture, error) {
	if d.pixels == nil {
		return nil, unsupported("no-pixels", "the file has no pixel data: it is a report, a plan or a directory, not a picture")
	}
	p := &picture{frames: 1, samples: 1, float: d.pixels.tag.Element != 0x0010}
	for _, field := range []struct {
		tag      tag.Tag
		into     *int
		required bool
		max      int
	}{
		{tag.Rows, &p.rows, true, maxSidePx}, {tag.Columns, &p.columns, true, maxSidePx},
		{tag.NumberOfFrames, &p.frames, false, maxFrames}, {tag.SamplesPerPixel, &p.samples, false, 4},
		{tag.BitsAllocated, &p.bits, true, 64},
	} {
		n, ok, err := d.number(ctx, field.tag)
		if err != nil {
			return nil, err
		}
		if !ok && field.required {
			return nil, corrupt("attribute", "the element %s is missing, without which the pixels cannot be read", name(field.tag))
		}
		if !ok {
			continue
		}
		if n < 1 || n > int64(field.max) {
			return nil, corrupt("attribute", "the element %s is %d, expected 1 to %d", name(field.tag), n, field.max)
		}
		*field.into = int(n)
	}
	planar, _, err := d.number(ctx, tag.PlanarConfiguration)
	if err != nil {
		return nil, err
	}
	representation, _, err := d.number(ctx, tag.PixelRepresentation)
	if err != nil {
		return nil, err
	}
	if p.photometric, err = d.textOf(ctx, tag.PhotometricInterpretation); err != nil {
		return nil, err
	}
	p.planar, p.signed = planar == 1 && p.samples > 1, representation == 1 && !p.float
	p.native = d.pixels.length >= 0
	if err := p.check(); err != nil {
		return nil, err
	}
	if p.photometric == "PALETTE COLOR" {
		p.palette, err = readPalette(ctx, d, p.bits)
	}
	return p, err
}

func (p *picture) check() error {
	switch {
	case p.samples != 1 && p.samples != 3:
		return unsupported("samples", "the pixels have %d samples, expected 1 or 3", p.samples)
	case p.float && p.bits != 32 && p.bits != 64, !p.float && p.bits != 1 && p.bits != 8 && p.bits != 16 && p.bits != 32:
		return unsupported("bits", "the samples have %d bits, expected 1, 8, 16 or 32", p.bits)
	case p.signed && p.bits == 1:
		return corrupt("attribute", "single bits cannot be signed")
	case p.photometric == "PALETTE COLOR" && (p.samples != 1 || p.bits != 8 && p.bits != 16):
		return corrupt("attribute", "a palette needs one sample of 8 or 16 bits, found %d of %d", p.samples, p.bits)
	}
	return nil
}

// readPalette reads the three lookup tables (PS3.3 C.7.6.3.1.5) as 8-bit
// colours. Entries before the first and after the last repeat those.
func readPalette(ctx context.Context, d *dataset, bits int) ([]byte, error) {
	entries := 1 << bits
	out := make([]byte, 3*entries)
	for c, at := range []struct{ descriptor, data tag.Tag }{
		{tag.RedPaletteColorLookupTableDescriptor, tag.RedPaletteColorLookupTableData},
		{tag.GreenPaletteColorLookupTableDescriptor, tag.GreenPaletteColorLookupTableData},
		{tag.BluePaletteColorLookupTableDescriptor, tag.BluePaletteColorLookupTableData},
	} {
		e, ok := d.find(at.descriptor)
		table, hasTable := d.find(at.data)
		if !ok || !hasTable || e.length < 6 {
			return nil, unsupported("palette", "the palette has no plain tables of red, green and blue")
		}
		b, err := d.bytes(ctx, e.offset, 6)
		if err != nil {
			return nil, err
		}
		count, first, wide := int(d.order.Uint16(b)), int(d.order.Uint16(b[2:])), d.order.Uint16(b[4:]) == 16
		if count == 0 {
			count = 1 << 16
		}
		size := int64(count)
		if wide {
			size *= 2
		}
		if table.length < size {
			return nil, corrupt("palette", "a palette table has %d bytes, %d entries need %d", table.length, count, size)
		}
		values, err := d.bytes(ctx, table.offset, size)
		if err != nil {
			return nil, err
		}
		for i := range entries {
			n := min(max(i-first, 0), count-1)
			if wide {
				out[3*i+c] = byte(d.order.Uint16(values[2*n:]) >> 8)
			} else {
				out[3*i+c] = values[n]
			}
		}
	}
	return out, nil
}

// pixelType is the type of samples as they are shown: signed ones count from
// their type's least value, as in PIMS (pims-api §4.2).
func (p *picture) pixelType() pixel.Type {
	switch {
	case p.float && p.bits == 64:
		return pixel.Float64
	case p.float:
		return pixel.Float32
	case p.bits == 32:
		return pixel.Uint32
	case p.bits == 16 && p.palette == nil:
		return pixel.Uint16
	}
	return pixel.Uint8
}

// shown is the number of samples of a decoded pixel.
func (p *picture) shown() int {
	if p.palette != nil {
		return 3
	}
	return p.samples
}

// colours is what the samples mean to a decoder (PS3.3 C.7.6.3.1.2).
func (p *picture) colours() formats.Photometric {
	switch {
	case p.palette != nil:
		return formats.PhotometricPalette
	case p.samples == 3 && strings.HasPrefix(p.photometric, "YBR_FULL"):
		return formats.PhotometricYCbCr
	case p.samples == 3: // RGB, and what JPEG 2000 turns into it: YBR_RCT, YBR_ICT
		return formats.PhotometricRGB
	case p.photometric == "MONOCHROME1":
		return formats.PhotometricMinIsWhite
	}
	return formats.PhotometricMinIsBlack
}

// halved tells whether native pixels are stored in pairs that share their
// colour.
func (p *picture) halved() bool { return p.native && p.photometric == "YBR_FULL_422" }

// frameBytes is the size of one native frame.
func (p *picture) frameBytes() int64 {
	samples := int64(p.samples)
	if p.halved() {
		samples = 2
	}
	return (int64(p.rows)*int64(p.columns)*samples*int64(p.bits) + 7) / 8
}

// name is an element's name without spaces, as PIMS shows it (pims-api §5.5).
func name(t tag.Tag) string {
	if info, err := tag.Find(t); err == nil && info.Name != "" {
		return strings.ReplaceAll(info.Name, " ", "")
	}
	return strings.ToLower(hex4(t.Group) + "_" + hex4(t.Element))
}
