package render

import (
	"encoding/binary"
	"math"

	"github.com/pims-cloud/pims/pixel"
)

// toColor makes three equal components of a grey picture (pims-api §4.8).
type toColor struct{}

func (toColor) apply(r *pixel.Raster) (*pixel.Raster, error) {
	if r.Samples != 1 {
		return r, nil
	}
	return pixel.SelectChannels(r, []int{0, 0, 0})
}

// toGrey is sRGB to black and white: linear light weighted by Rec. 709, with
// the sRGB curve again (pims-api §4.8).
type toGrey struct{}

func (toGrey) apply(r *pixel.Raster) (*pixel.Raster, error) {
	if r.Samples != 3 {
		return r, nil
	}
	out := pixel.New(r.Width, r.Height, 1, r.Type)
	if r.Type == pixel.Uint8 {
		greyBytes(out, r)
		return out, nil
	}
	for y := range r.Height {
		from, to := r.Row(y), out.Row(y)
		for x := range r.Width {
			red, green, blue := word(from, 3*x), word(from, 3*x+1), word(from, 3*x+2)
			v := red
			if red != green || red != blue {
				light := 0.2126*linear(float64(red)/65535) + 0.7152*linear(float64(green)/65535) + 0.0722*linear(float64(blue)/65535)
				v = uint16(math.RoundToEven(curve(light) * 65535))
			}
			binary.LittleEndian.PutUint16(to[2*x:], v)
		}
	}
	return out, nil
}

func word(row []byte, i int) uint16 { return binary.LittleEndian.Uint16(row[2*i:]) }

// greyBytes adds up three tables of linear light and finds the byte whose
// light is nearest on the curve by halving.
func greyBytes(out, r *pixel.Raster) {
	var light [3][256]float32
	var steps [256]float32 // the light from which on the next byte is nearer
	for v := range 256 {
		l := linear(float64(v) / 255)
		light[0][v], light[1][v], light[2][v] = float32(0.2126*l), float32(0.7152*l), float32(0.0722*l)
		steps[v] = float32(linear((float64(v) + 0.5) / 255))
	}
	steps[255] = math.MaxFloat32
	for y := range r.Height {
		from, to := r.Row(y), out.Row(y)
		for x := range to {
			p := from[3*x : 3*x+3]
			sum := light[0][p[0]] + light[1][p[1]] + light[2][p[2]]
			v := 0
			for half := 128; half > 0; half /= 2 {
				if sum >= steps[v+half-1] {
					v += half
				}
			}
			to[x] = byte(v)
		}
	}
}

// linear and curve are the sRGB curve (IEC 61966-2-1) and its inverse, in
// [0, 1].
func linear(v float64) float64 {
	if v <= 0.04045 {
		return v / 12.92
	}
	return math.Pow((v+0.055)/1.055, 2.4)
}

func curve(light float64) float64 {
	if light <= 0.0031308 {
		return light * 12.92
	}
	return 1.055*math.Pow(light, 1/2.4) - 0.055
}
