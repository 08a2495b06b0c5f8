//go:build !cgo

package vips

import (
	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/pixel"
)

// Available tells whether this build contains libvips.
const Available = false

// DecodeJPEG2000 is kind Unsupported in this build.
func DecodeJPEG2000(data []byte, widthPx, heightPx, reduce, bits int, ycbcr bool) (*pixel.Raster, error) {
	return nil, needs("JPEG 2000 tiles")
}

// DecodeWebP is kind Unsupported in this build.
func DecodeWebP(data []byte, widthPx, heightPx int) (*pixel.Raster, error) {
	return nil, needs("WebP tiles")
}

// DecodeInk is kind Unsupported in this build.
func DecodeInk(data []byte, widthPx, heightPx int) (*pixel.Raster, error) {
	return nil, needs("JPEG files of ink")
}

// EncodeWebP is kind Unsupported in this build.
func EncodeWebP(r *pixel.Raster, quality int) ([]byte, error) {
	return nil, needs("WebP pictures")
}

// CanEncodeAVIF tells that this build does not write AVIF.
func CanEncodeAVIF() bool { return false }

// EncodeAVIF is kind Unsupported in this build.
func EncodeAVIF(r *pixel.Raster, quality int) ([]byte, error) {
	return nil, needs("AVIF pictures")
}

func needs(what string) error {
	return fault.New(fault.Unsupported, "codec-needs-libvips",
		"%s need libvips, which this build does not contain; use a build with cgo.", what)
}
