package render

import (
	"github.com/pims-cloud/pims/pixel"
)

// transparent adds alpha to a picture with a threshold: opaque where the first
// band is above 0 (pims-api §4.6).
type transparent struct{}

func (transparent) apply(r *pixel.Raster) (*pixel.Raster, error) {
	out := pixel.New(r.Width, r.Height, r.Samples+1, r.Type)
	size := r.Type.Bytes()
	from, to := r.Samples*size, (r.Samples+1)*size
	for y := range r.Height {
		in, row := r.Row(y), out.Row(y)
		for x := range r.Width {
			p, q := in[x*from:(x+1)*from], row[x*to:(x+1)*to]
			copy(q, p)
			shown := false
			for _, b := range p[:size] {
				shown = shown || b != 0
			}
			if shown {
				for i := from; i < to; i++ {
					q[i] = 255
				}
			}
		}
	}
	return out, nil
}
