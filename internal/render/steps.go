package render

import (
	"math"

	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

// unsign counts signed samples from their type's least value (pims-api §4.2).
type unsign struct{}

func (unsign) apply(r *pixel.Raster) (*pixel.Raster, error) { return pixel.ToUnsigned(r) }

// window maps stored values to 0 … 255 by tables (pims-api §4.3).
type window struct{ lut *pixel.LUT }

func (w window) apply(r *pixel.Raster) (*pixel.Raster, error) { return w.lut.Apply(r) }

// normalise brings samples that no table can cover (32 bits, floats) to
// 0 … 255 between the bounds of each channel. PIMS has no such images.
type normalise struct{ bounds []slide.Bounds }

func (n normalise) apply(r *pixel.Raster) (*pixel.Raster, error) {
	out := pixel.New(r.Width, r.Height, r.Samples, pixel.Uint8)
	for c, b := range n.bounds {
		one, err := pixel.SelectChannels(r, []int{c})
		if err != nil {
			return nil, err
		}
		if one, err = pixel.Normalize(one, b.Min, b.Max, pixel.Uint8); err != nil {
			return nil, err
		}
		for y := range r.Height {
			to := out.Row(y)
			for x, v := range one.Row(y) {
				to[x*r.Samples+c] = v
			}
		}
	}
	return out, nil
}

// merge colours 8-bit channels by linear tables and adds them up, clipped to
// 255 (pims-api §4.4, §4.5 with c_reduction=ADD).
type merge struct {
	tables     [][3][256]uint8
	components int
}

func newMerge(colors []*Color, components int) merge {
	m := merge{tables: make([][3][256]uint8, len(colors)), components: components}
	for i, c := range colors {
		tone := [3]uint8{255, 255, 255}
		if c != nil {
			tone = [3]uint8{c.R, c.G, c.B}
		}
		for k, top := range tone {
			for v := range 256 {
				m.tables[i][k][v] = uint8(math.RoundToEven(float64(v) * float64(top) / 255))
			}
		}
	}
	return m
}

func (m merge) apply(r *pixel.Raster) (*pixel.Raster, error) {
	r, err := pixel.ToUint8(r, 0)
	if err != nil {
		return nil, err
	}
	out := pixel.New(r.Width, r.Height, m.components, pixel.Uint8)
	for y := range r.Height {
		from, to := r.Row(y), out.Row(y)
		for x := range r.Width {
			pixelIn := from[x*r.Samples : (x+1)*r.Samples]
			for k := range m.components {
				sum := 0
				for c, v := range pixelIn {
					sum += int(m.tables[c][k][v])
				}
				to[x*m.components+k] = uint8(min(sum, 255))
			}
		}
	}
	return out, nil
}
