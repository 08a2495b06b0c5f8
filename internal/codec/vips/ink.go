//go:build cgo

package vips

import (
	"github.com/davidbyttow/govips/v2/vips"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/pixel"
)

// DecodeInk decodes a complete JPEG file of four components, whose size must be
// widthPx × heightPx, to RGB by colour management: with the file's own profile,
// else with libvips' one for ink. The bytes must have been found decodable
// before: libvips passes damage over.
func DecodeInk(data []byte, widthPx, heightPx int) (*pixel.Raster, error) {
	if err := start(); err != nil {
		return nil, err
	}
	img, err := vips.NewImageFromBuffer(data)
	if err != nil {
		return nil, damaged(err)
	}
	defer img.Close()
	if img.Width() != widthPx || img.Height() != heightPx {
		return nil, mismatch(img.Width(), img.Height(), widthPx, heightPx)
	}
	if img.Format() != vips.ImageTypeJPEG || img.Interpretation() != vips.InterpretationCMYK {
		return nil, fault.New(fault.Unsupported, "codec-no-ink", "The file is no JPEG of ink.")
	}
	if err := img.ToColorSpace(vips.InterpretationSRGB); err != nil {
		return nil, damaged(err)
	}
	return rasterOf(img)
}
