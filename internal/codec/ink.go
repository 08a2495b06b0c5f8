package codec

import (
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec/jpeg"
	"github.com/pims-cloud/pims/internal/codec/vips"
	"github.com/pims-cloud/pims/pixel"
)

// managedInk gives the colours of a JPEG file of ink by its profile where this
// build has colour management, and plain otherwise, which is the same file with
// ink taken for the complement of light: brighter and more saturated.
//
// Only complete files that Adobe's marker tells to be ink are converted so:
// what stands in a TIFF has another idea of which way round ink is stored.
func managedInk(enc formats.Encoding, data []byte, width, height, scale int, plain *pixel.Raster) *pixel.Raster {
	if !vips.Available || enc.Photometric != formats.PhotometricCMYK || len(enc.JPEGTables) > 0 {
		return plain
	}
	if h, err := jpeg.ParseHeader(data); err != nil || !h.Adobe {
		return plain
	}
	managed, err := vips.DecodeInk(data, width, height)
	if err != nil || managed.Samples != 3 || managed.Type != pixel.Uint8 {
		return plain // a broken profile must not hide the picture
	}
	return pixel.Shrink(managed, scale, scale)
}
