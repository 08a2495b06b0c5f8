package tiffpage

import (
	"bytes"
	"context"
	"io"

	"golang.org/x/image/ccitt"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/tiff"
)

// Tags of fax strips (TIFF 6.0 §11).
const (
	tagT4Options tiff.Tag = 292
	tagT6Options tiff.Tag = 293
)

// maxFaxWidth is three times that of plans on A0 paper at 600 dpi. Blank rows
// take no bytes, so it is all that bounds what a short strip expands to.
const maxFaxWidth = 1 << 16

// refuseFaxRLE names the one fax that no decoder of ours reads.
func refuseFaxRLE() error {
	return unsupported("tiff-fax", "strips are compressed with CCITTRLE (2), which is not read; rewrite the file with tiffcp -c g4")
}

// checkFax refuses the variants that cannot be decoded: two-dimensional Group 3
// and uncompressed mode.
func (p Page) checkFax(ctx context.Context) error {
	tag := tagT6Options
	if p.Layout.Compression == tiff.CompressionCCITTT4 {
		tag = tagT4Options
	}
	options, _, err := p.IFD.Uint(ctx, tag)
	if err != nil {
		return err
	}
	const twoDimensional, uncompressed = 1, 2
	switch {
	case options&uncompressed != 0:
		return unsupported("tiff-fax-uncompressed", "the fax uses uncompressed mode, which is not read; rewrite the file with tiffcp -c g4")
	case tag == tagT4Options && options&twoDimensional != 0:
		return unsupported("tiff-fax-2d", "the fax is two-dimensional Group 3, which is not read; rewrite the file with tiffcp -c g4")
	case p.Layout.Width > maxFaxWidth:
		return unsupported("tiff-fax-wide", "the fax is %d pixels wide; up to %d are read", p.Layout.Width, maxFaxWidth)
	case p.Layout.BitsPerSample[0] != 1 || p.Layout.SamplesPerPixel != 1:
		return fault.New(fault.Corrupt, "tiff-fax-samples", "a fax has 1 sample of 1 bit; found %d of %d bits", p.Layout.SamplesPerPixel, p.Layout.BitsPerSample[0])
	}
	return nil
}

// decodeFax gives the bits of a strip, most significant first, rows padded to
// bytes, 0 for white as PhotometricInterpretation min-is-white has it.
func decodeFax(data []byte, scheme tiff.Scheme, reversed bool, width, height int) ([]byte, error) {
	order, format := ccitt.MSB, ccitt.Group4
	if reversed {
		order = ccitt.LSB
	}
	if scheme == tiff.CompressionCCITTT4 {
		format = ccitt.Group3
	}
	// A row costs at least one bit: what claims more is refused before a buffer
	// is made for it.
	if int64(height) > 8*int64(len(data)) {
		return nil, fault.New(fault.Corrupt, "tiff-fax-short", "a fax of %d bytes cannot have %d rows", len(data), height)
	}
	out := make([]byte, (width+7)/8*height)
	r := ccitt.NewReader(bytes.NewReader(data), order, format, width, height, &ccitt.Options{Invert: true})
	if n, err := io.ReadFull(r, out); err != nil {
		return nil, fault.New(fault.Corrupt, "tiff-fax-damaged", "a fax strip of %d × %d pixels breaks off after %d of %d bytes", width, height, n, len(out)).Because(err)
	}
	return out, nil
}
