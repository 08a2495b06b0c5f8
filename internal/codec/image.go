package codec

import (
	"bytes"
	"encoding/binary"
	"image"
	"image/png"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/codec/jpeg"
	"github.com/pims-cloud/pims/pixel"
)

// MaxImagePixels bounds what DecodeImage decodes.
const MaxImagePixels = jpeg.DefaultMaxPixels

// DecodeImage decodes a complete JPEG or PNG file: grey, grey+alpha, RGB or
// RGBA, of 8 or (PNG) 16 bits; palettes become RGB, ink becomes RGB. Kinds:
// Unsupported for other files, Corrupt, TooLarge.
func DecodeImage(data []byte) (*pixel.Raster, error) {
	switch {
	case len(data) >= 2 && data[0] == 0xFF && data[1] == 0xD8:
		return jpeg.Decode(nil, data, jpeg.Options{MaxPixels: MaxImagePixels})
	case bytes.HasPrefix(data, []byte(pngSignature)):
		return decodePNG(data)
	default:
		return nil, fault.New(fault.Unsupported, "codec-image-unknown", "The data is neither a JPEG nor a PNG file.")
	}
}

func decodePNGTile(data []byte, width, height int) (*pixel.Raster, error) {
	w, h, _, err := readPNGHeader(data)
	if err != nil {
		return nil, err
	}
	if w != width || h != height {
		return nil, fault.New(fault.Corrupt, "codec-size-mismatch",
			"The PNG tile has %d × %d pixels, but its container says %d × %d.", w, h, width, height)
	}
	return decodePNG(data)
}

// readPNGHeader reads IHDR, which must be the first chunk.
func readPNGHeader(data []byte) (width, height int, colourType byte, err error) {
	if len(data) < 33 || string(data[:8]) != pngSignature || string(data[12:16]) != "IHDR" {
		return 0, 0, 0, fault.New(fault.Corrupt, "codec-png-header", "The data is no PNG: its header is missing or cut.")
	}
	w, h := binary.BigEndian.Uint32(data[16:]), binary.BigEndian.Uint32(data[20:])
	if w == 0 || h == 0 || w > 1<<30 || h > 1<<30 {
		return 0, 0, 0, fault.New(fault.Corrupt, "codec-png-size", "The PNG's header says %d × %d pixels.", w, h)
	}
	if int64(w)*int64(h) > MaxImagePixels {
		return 0, 0, 0, fault.New(fault.TooLarge, "codec-image-too-large",
			"The PNG has %d × %d pixels; at most %d pixels are decoded at once.", w, h, MaxImagePixels)
	}
	depth := int64(data[24])
	least := (int64(w)*depth + 7) / 8 * int64(h)
	if factor, _ := expansion("deflate"); least > int64(len(data))*factor+slack {
		return 0, 0, 0, fault.New(fault.Corrupt, "codec-impossible-size",
			"The PNG's %d bytes cannot hold %d × %d pixels.", len(data), w, h)
	}
	return int(w), int(h), data[25], nil
}

func decodePNG(data []byte) (*pixel.Raster, error) {
	_, _, colourType, err := readPNGHeader(data)
	if err != nil {
		return nil, err
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, fault.New(fault.Corrupt, "codec-png-damaged", "The PNG is damaged: %s.", err)
	}
	return fromImage(img, colourType == 4)
}

// fromImage copies what image/png gives; greyAlpha says that an RGBA result
// was grey with alpha in the file.
func fromImage(img image.Image, greyAlpha bool) (*pixel.Raster, error) {
	b := img.Bounds()
	width, height := b.Dx(), b.Dy()
	pick := []int{0, 1, 2, 3}
	if greyAlpha {
		pick = []int{0, 3}
	}
	switch m := img.(type) {
	case *image.Gray:
		return copySamples(m.Pix, m.Stride, width, height, 1, []int{0}), nil
	case *image.RGBA: // image/png uses it for opaque RGB only
		return copySamples(m.Pix, m.Stride, width, height, 4, []int{0, 1, 2}), nil
	case *image.NRGBA:
		return copySamples(m.Pix, m.Stride, width, height, 4, pick), nil
	case *image.Gray16:
		return copySamples16(m.Pix, m.Stride, width, height, 1, []int{0}), nil
	case *image.RGBA64:
		return copySamples16(m.Pix, m.Stride, width, height, 4, []int{0, 1, 2}), nil
	case *image.NRGBA64:
		return copySamples16(m.Pix, m.Stride, width, height, 4, pick), nil
	case *image.Paletted:
		return fromPalette(m), nil
	default:
		return nil, fault.New(fault.Unsupported, "codec-png-model", "The PNG has a colour model (%T) that is not understood.", img)
	}
}

func copySamples(pix []byte, stride, width, height, step int, pick []int) *pixel.Raster {
	out := pixel.New(width, height, len(pick), pixel.Uint8)
	for y := range height {
		from, to := pix[y*stride:], out.Row(y)
		for i, j := 0, 0; j < len(to); i, j = i+step, j+len(pick) {
			for k, p := range pick {
				to[j+k] = from[i+p]
			}
		}
	}
	return out
}

// copySamples16 also turns the byte order: Go's images are big-endian.
func copySamples16(pix []byte, stride, width, height, step int, pick []int) *pixel.Raster {
	out := pixel.New(width, height, len(pick), pixel.Uint16)
	for y := range height {
		from, to := pix[y*stride:], out.Row(y)
		for i, j := 0, 0; j < len(to); i, j = i+2*step, j+2*len(pick) {
			for k, p := range pick {
				to[j+2*k], to[j+2*k+1] = from[i+2*p+1], from[i+2*p]
			}
		}
	}
	return out
}

// fromPalette gives RGB, or RGBA when some entry is not opaque.
func fromPalette(m *image.Paletted) *pixel.Raster {
	samples := 3
	colours := make([][4]byte, 256)
	for i, c := range m.Palette {
		n := image.NewNRGBA(image.Rect(0, 0, 1, 1))
		n.Set(0, 0, c)
		copy(colours[i][:], n.Pix)
		if n.Pix[3] != 255 {
			samples = 4
		}
	}
	out := pixel.New(m.Rect.Dx(), m.Rect.Dy(), samples, pixel.Uint8)
	for y := range out.Height {
		to := out.Row(y)
		for x, index := range m.Pix[y*m.Stride:][:out.Width] {
			copy(to[x*samples:(x+1)*samples], colours[index][:samples])
		}
	}
	return out
}
