//go:build cgo

package vips

import (
	"sync"

	"github.com/davidbyttow/govips/v2/vips"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/pixel"
)

// avifEffort is how hard the encoder tries, 0 to 9: tiles are waited for.
const avifEffort = 1

// CanEncodeAVIF tells whether this libvips writes AVIF. Many are built with a
// libheif that has no encoder for it, so a picture is tried, once a process.
func CanEncodeAVIF() bool { return avifWritten() }

var avifWritten = sync.OnceValue(func() bool {
	_, err := EncodeAVIF(pixel.New(16, 16, 3, pixel.Uint8), 0)
	return err == nil
})

// EncodeAVIF writes a lossy AVIF of 8 bits of a uint8 raster of 1 to 4 samples.
// Quality 0 means 75.
func EncodeAVIF(r *pixel.Raster, quality int) ([]byte, error) {
	img, err := imageOf(r)
	if err != nil {
		return nil, err
	}
	defer img.Close()
	if quality == 0 {
		quality = 75
	}
	out, _, err := img.ExportAvif(&vips.AvifExportParams{StripMetadata: true, Quality: quality, Bitdepth: 8, Effort: avifEffort})
	if err != nil {
		return nil, fault.New(fault.Internal, "avif-encode", "The AVIF could not be written.").Because(err)
	}
	return out, nil
}
