package codec

import (
	"bytes"
	"image"

	"golang.org/x/image/webp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/codec/vips"
	"github.com/pims-cloud/pims/pixel"
)

// decodeWebP uses libvips where it is, and else golang.org/x/image/webp, which
// knows no animations.
func decodeWebP(data []byte, width, height int) (*pixel.Raster, error) {
	if int64(width)*int64(height) > MaxImagePixels {
		return nil, fault.New(fault.TooLarge, "codec-image-too-large",
			"The WebP has %d × %d pixels; at most %d pixels are decoded at once.", width, height, MaxImagePixels)
	}
	if vips.Available {
		return vips.DecodeWebP(data, width, height)
	}
	return goWebP(data, width, height)
}

func goWebP(data []byte, width, height int) (*pixel.Raster, error) {
	config, err := webp.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fault.New(fault.Corrupt, "webp-header", "The data does not start with a WebP header.").Because(err)
	}
	if config.Width != width || config.Height != height {
		return nil, fault.New(fault.Corrupt, "codec-size-mismatch",
			"The WebP has %d × %d pixels, but its container says %d × %d.", config.Width, config.Height, width, height)
	}
	if len(data) > 20 && string(data[12:16]) == "VP8X" && data[20]&2 != 0 {
		return nil, fault.New(fault.Unsupported, "codec-needs-libvips", "The WebP is animated; a build with libvips shows its first frame.")
	}
	img, err := webp.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fault.New(fault.Corrupt, "webp-damaged", "The WebP is damaged.").Because(err)
	}
	switch m := img.(type) {
	case *image.NRGBA:
		return copySamples(m.Pix, m.Stride, width, height, 4, []int{0, 1, 2, 3}), nil
	case *image.YCbCr:
		return fromYCbCr(m, nil, 0), nil
	case *image.NYCbCrA:
		return fromYCbCr(&m.YCbCr, m.A, m.AStride), nil
	default:
		return nil, fault.New(fault.Unsupported, "webp-model", "The WebP has a colour model (%T) that is not understood.", img)
	}
}

// fromYCbCr converts WebP's colours, which are those of video: luminance from
// 16 to 235 (RFC 6386 §9.2), unlike JPEG's.
func fromYCbCr(m *image.YCbCr, alpha []byte, alphaStride int) *pixel.Raster {
	samples := 3
	if alpha != nil {
		samples = 4
	}
	out := pixel.New(m.Rect.Dx(), m.Rect.Dy(), samples, pixel.Uint8)
	for y := range out.Height {
		to := out.Row(y)
		for x := range out.Width {
			i, c := m.YOffset(x, y), m.COffset(x, y)
			p := to[x*samples : (x+1)*samples]
			p[0], p[1], p[2] = videoToRGB(m.Y[i], m.Cb[c], m.Cr[c])
			if alpha != nil {
				p[3] = alpha[y*alphaStride+x]
			}
		}
	}
	return out
}

// videoToRGB is ITU-R BT.601 in fixed point of 8 bits.
func videoToRGB(y, cb, cr byte) (r, g, b byte) {
	luma, blue, red := 298*(int(y)-16)+128, int(cb)-128, int(cr)-128
	clamp := func(v int) byte { return byte(min(max(v>>8, 0), 255)) }
	return clamp(luma + 409*red), clamp(luma - 100*blue - 208*red), clamp(luma + 516*blue)
}
