package render

import (
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

// unsign counts signed samples from their type's least value (pims-api §4.2).
type unsign struct{}

func (unsign) apply(r *pixel.Raster) (*pixel.Raster, error) { return pixel.ToUnsigned(r) }

// window maps stored values to those of the picture by tables (pims-api §4.3).
type window struct{ lut *pixel.LUT }

func (w window) apply(r *pixel.Raster) (*pixel.Raster, error) { return w.lut.Apply(r) }

// reduce makes one band of the channels (pims-api §4.6). The reference leaves
// RGB as it is when a table was needed; here a reduction is always one.
type reduce struct{ how pixel.Reduction }

func (s reduce) apply(r *pixel.Raster) (*pixel.Raster, error) {
	return pixel.ReduceSamples(r, s.how), nil
}

// cast changes what holds the values, not the values; what does not fit is
// clipped (pims-api §4.13).
type cast struct{ to pixel.Type }

func (s cast) apply(r *pixel.Raster) (*pixel.Raster, error) { return pixel.Cast(r, s.to) }

// blacken is a picture of no bits (pims-api §3.0.3).
type blacken struct{}

func (blacken) apply(r *pixel.Raster) (*pixel.Raster, error) {
	return pixel.New(r.Width, r.Height, r.Samples, r.Type), nil
}

// normalise brings samples that no table can cover (32 bits, floats) to
// 0 … 65535 between the bounds of each channel. PIMS has no such images.
type normalise struct{ bounds []slide.Bounds }

func (n normalise) apply(r *pixel.Raster) (*pixel.Raster, error) {
	out := pixel.New(r.Width, r.Height, r.Samples, pixel.Uint16)
	for c, b := range n.bounds {
		one, err := pixel.SelectChannels(r, []int{c})
		if err != nil {
			return nil, err
		}
		if one, err = pixel.Normalize(one, b.Min, b.Max, pixel.Uint16); err != nil {
			return nil, err
		}
		for y := range r.Height {
			from, to := one.Row(y), out.Row(y)
			for i, j := 0, 2*c; i+1 < len(from); i, j = i+2, j+2*r.Samples {
				to[j], to[j+1] = from[i], from[i+1]
			}
		}
	}
	return out, nil
}
