package tiffpage

import (
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

func canDecode(formats.Encoding) bool { return false }

func decodePart(encoding formats.Encoding, _ []byte, _, _ int) (*pixel.Raster, error) {
	return nil, unsupported("picture-codec", "the associated image is compressed with %s, which this build does not decode", encoding.Codec)
}
