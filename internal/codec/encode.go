package codec

import (
	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/codec/jpeg"
	"github.com/pims-cloud/pims/internal/codec/vips"
	"github.com/pims-cloud/pims/pixel"
)

// Output says what a client gets.
type Output struct {
	MediaType string // image/jpeg, image/jpg, image/png, image/apng, image/webp or image/avif
	Quality   int    // 1 to 100 for JPEG, WebP and AVIF; 0 means 75
}

// CanEncode tells whether this build writes a media type.
func CanEncode(mediaType string) bool {
	switch mediaType {
	case "image/jpeg", "image/jpg", "image/png", "image/apng":
		return true
	case "image/webp":
		return vips.Available
	case "image/avif":
		return vips.CanEncodeAVIF()
	default:
		return false
	}
}

// Encode writes a raster of 1 to 4 samples (grey, grey+alpha, RGB, RGBA) of
// uint8 or uint16. PNG keeps all of it; JPEG, WebP and AVIF take 8 bits (16
// are scaled), and JPEG lays alpha over black (pims-api §4.13). JPEG is baseline
// with colour at half size. Kind Invalid for other rasters, Unsupported for a
// media type that this build does not write.
func Encode(r *pixel.Raster, out Output) ([]byte, error) {
	if r.Samples < 1 || r.Samples > 4 || r.Type != pixel.Uint8 && r.Type != pixel.Uint16 || r.Width < 1 || r.Height < 1 {
		return nil, fault.New(fault.Invalid, "codec-raster",
			"A picture of %d × %d pixels of %d × %s cannot be encoded; 1 to 4 samples of uint8 or uint16 can.",
			r.Width, r.Height, r.Samples, r.Type)
	}
	switch out.MediaType {
	case "image/jpeg", "image/jpg":
		return encodeJPEG(r, out.Quality)
	case "image/png", "image/apng":
		return encodePNG(r)
	case "image/webp", "image/avif":
		r, err := pixel.ToUint8(r, 0)
		if err != nil {
			return nil, err
		}
		if out.MediaType == "image/avif" {
			return vips.EncodeAVIF(r, out.Quality)
		}
		return vips.EncodeWebP(r, out.Quality)
	default:
		return nil, fault.New(fault.Unsupported, "codec-media-type",
			"Pictures cannot be written as %q; image/jpeg, image/png, image/webp and, in some builds, image/avif are possible.", out.MediaType)
	}
}

func encodeJPEG(r *pixel.Raster, quality int) ([]byte, error) {
	r, err := pixel.ToUint8(r, 0)
	if err != nil {
		return nil, err
	}
	if r.Samples%2 == 0 {
		if r, err = pixel.FlattenAlpha(r, nil); err != nil {
			return nil, err
		}
	}
	return jpeg.Encode(nil, r, jpeg.EncodeOptions{Quality: quality})
}
