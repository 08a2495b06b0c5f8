package tiffpage

import (
	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/pixel"
)

func canDecode(encoding formats.Encoding) bool { return codec.CanDecode(encoding) }

// decodePart decodes one tile or strip and reduces it to 8-bit grey or RGB:
// alpha is laid over white, further samples are left out.
func decodePart(encoding formats.Encoding, data []byte, width, height int) (*pixel.Raster, error) {
	part, err := codec.Decode(encoding, data, width, height)
	if err != nil {
		return nil, err
	}
	if part.Type != pixel.Uint8 {
		if part, err = pixel.ToUint8(part, shownBits(encoding)); err != nil {
			return nil, err
		}
	}
	if encoding.Alpha && part.Samples > 1 {
		if part, err = pixel.FlattenAlpha(part, []uint16{255, 255, 255}); err != nil {
			return nil, err
		}
	}
	switch {
	case part.Samples == 1 || part.Samples == 3:
		return part, nil
	case part.Samples == 2:
		return pixel.SelectChannels(part, []int{0})
	case part.Samples > 3:
		return pixel.SelectChannels(part, []int{0, 1, 2})
	default:
		return nil, fault.New(fault.Corrupt, "picture-samples", "the associated image decodes to %d samples a pixel", part.Samples)
	}
}

// shownBits is how many bits of a decoded sample are significant: codecs scale
// samples of less than 8 bits to 8.
func shownBits(encoding formats.Encoding) int { return max(encoding.BitsPerSample, 8) }
