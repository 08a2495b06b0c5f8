//go:build !cgo

package jpeg

import (
	"bytes"
	"image"
	"image/color"
	"image/jpeg"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

// Library names what decodes and encodes in this build.
const Library = "image/jpeg"

// ArithmeticOK tells whether this build reads arithmetic coded streams.
const ArithmeticOK = false

// Decode decodes a JPEG to 8-bit samples: one for a grey picture, three (RGB)
// for all others. The result is dst, reshaped, when dst is not nil and its
// buffer is large enough, and a new raster otherwise; on error dst's pixels
// are undefined.
//
// image/jpeg stops at damage: Options.Lenient cannot be granted in this build.
func Decode(dst *pixel.Raster, data []byte, o Options) (*pixel.Raster, error) {
	p, err := planDecode(data, o)
	if err != nil {
		return nil, err
	}
	if p.header.arithmetic() {
		return nil, fault.New(fault.Unsupported, "jpeg-arithmetic",
			"The JPEG is arithmetic coded; this build cannot read it, one with libjpeg-turbo can.")
	}
	if scans := countScans(data, p.header.ScanOffset); scans > maxScans {
		return nil, fault.New(fault.TooLarge, "jpeg-scans", "The JPEG has more than %d scans.", maxScans)
	}
	img, err := p.decodeImage(data, o)
	if err != nil {
		return nil, err
	}
	if b := img.Bounds(); b.Dx() != p.header.Width || b.Dy() != p.header.Height {
		return nil, corrupt("jpeg-shape", "The JPEG's headers contradict each other about its size.")
	}
	if o.scale() == 1 {
		out := fit(dst, p.width, p.height, p.samples)
		if err := p.convert(out, img); err != nil {
			return nil, err
		}
		return out, nil
	}
	whole := pixel.New(p.header.Width, p.header.Height, p.samples, pixel.Uint8)
	if err := p.convert(whole, img); err != nil {
		return nil, err
	}
	return pixel.Shrink(whole, o.scale(), o.scale()), nil
}

// decodeImage hands image/jpeg a stream whose markers say what the plan says:
// it has no option for the colour space, but believes an Adobe marker.
func (p plan) decodeImage(data []byte, o Options) (image.Image, error) {
	stream := data
	if len(p.header.Components) == 4 {
		stream = p.adobeInk(data, o.Tables)
	} else {
		marked := formats.PhotometricYCbCr
		if p.colour == colourRGB {
			marked = formats.PhotometricRGB
		}
		var err error
		if stream, err = splice(nil, o.Tables, data, marked, 0, 0); err != nil {
			return nil, err
		}
	}
	img, err := jpeg.Decode(bytes.NewReader(stream))
	if err != nil {
		return nil, corrupt("jpeg-damaged", "The JPEG is damaged: %s.", err)
	}
	return img, nil
}

// adobeInk puts tables and an Adobe marker in front of a four component
// stream: image/jpeg refuses one without.
func (p plan) adobeInk(data, tables []byte) []byte {
	transform := byte(0)
	if p.colour == colourYCCK {
		transform = 2
	}
	out := append([]byte(nil), 0xFF, markerSOI)
	marker := adobeSegment(transform)
	out = append(out, marker[:]...)
	out = appendTables(out, tables)
	w := walker{data: data}
	if w.start() != nil {
		return data
	}
	for {
		s, err := w.next()
		if err != nil {
			return data
		}
		if s.marker == markerSOS {
			return append(out, data[s.start:]...)
		}
		if !isAdobe(s) {
			out = append(out, data[s.start:s.end]...)
		}
	}
}

// convert writes an image of image/jpeg into a raster of the same size.
func (p plan) convert(out *pixel.Raster, img image.Image) error {
	switch m := img.(type) {
	case *image.Gray:
		for y := range out.Height {
			copy(out.Row(y), m.Pix[y*m.Stride:])
		}
	case *image.YCbCr:
		convertYCbCr(out, m)
	case *image.CMYK:
		p.convertInk(out, m)
	case *image.RGBA:
		for y := range out.Height {
			to, from := out.Row(y), m.Pix[y*m.Stride:]
			for i, j := 0, 0; j+3 <= len(to); i, j = i+4, j+3 {
				to[j], to[j+1], to[j+2] = from[i], from[i+1], from[i+2]
			}
		}
	default:
		return fault.New(fault.Unsupported, "jpeg-model", "The JPEG has a colour model (%T) that is not understood.", img)
	}
	return nil
}

func convertYCbCr(out *pixel.Raster, m *image.YCbCr) {
	for y := range out.Height {
		to := out.Row(y)
		for x := range out.Width {
			i, c := m.YOffset(x, y), m.COffset(x, y)
			to[3*x], to[3*x+1], to[3*x+2] = color.YCbCrToRGB(m.Y[i], m.Cb[c], m.Cr[c])
		}
	}
}

// convertInk undoes image/jpeg's own inversion: it gives 0 for no ink when the
// stream is Adobe's, which we made every stream claim.
func (p plan) convertInk(out *pixel.Raster, m *image.CMYK) {
	line := make([]byte, 4*out.Width)
	for y := range out.Height {
		copy(line, m.Pix[y*m.Stride:])
		if !p.inverted {
			for i := range line {
				line[i] = 255 - line[i]
			}
		}
		inkToRGB(out.Row(y), line, false)
	}
}

// countScans counts SOS markers, up to one more than is allowed.
func countScans(data []byte, from int) int {
	n := 0
	for at := from; at+1 < len(data) && n <= maxScans; at++ {
		skip := bytes.IndexByte(data[at:], 0xFF)
		if skip < 0 || at+skip+1 >= len(data) {
			break
		}
		at += skip
		if data[at+1] == markerSOS {
			n++
		}
	}
	return n
}

// Encode appends the picture as a baseline JPEG with standard Huffman tables
// to dst. r has one (grey) or three (RGB) samples of uint8. This build writes
// 4:2:0 whatever Options say: image/jpeg has no other.
func Encode(dst []byte, r *pixel.Raster, o EncodeOptions) ([]byte, error) {
	if err := encodable(r); err != nil {
		return dst, err
	}
	buffer := bytes.NewBuffer(dst)
	if err := jpeg.Encode(buffer, asImage(r), &jpeg.Options{Quality: o.quality()}); err != nil {
		return dst, fault.New(fault.Internal, "jpeg-encode", "The JPEG could not be written.").Because(err)
	}
	return buffer.Bytes(), nil
}

func asImage(r *pixel.Raster) image.Image {
	bounds := image.Rect(0, 0, r.Width, r.Height)
	if r.Samples == 1 {
		return &image.Gray{Pix: r.Pix, Stride: r.Stride, Rect: bounds}
	}
	m := image.NewRGBA(bounds)
	for y := range r.Height {
		from, to := r.Row(y), m.Pix[y*m.Stride:]
		for i, j := 0, 0; i+3 <= len(from); i, j = i+3, j+4 {
			to[j], to[j+1], to[j+2], to[j+3] = from[i], from[i+1], from[i+2], 255
		}
	}
	return m
}
