package cog

import (
	"sync"

	"github.com/pims-cloud/pims/pixel"
)

// rasters are decoded tiles that were done with. Without them a conversion
// makes as much garbage as the slide has pixels, and the collector lets it pile
// up to the size of all that lives. It is safe for concurrent use.
type rasters struct{ pool sync.Pool }

// take gives a raster whose buffer may be used, or nil.
func (s *rasters) take() *pixel.Raster {
	r, _ := s.pool.Get().(*pixel.Raster)
	return r
}

// give takes a raster back that nobody looks at any more; nil is ignored.
func (s *rasters) give(r *pixel.Raster) {
	if r != nil {
		s.pool.Put(r)
	}
}

// empty is a raster whose samples are all 0.
func (s *rasters) empty(width, height, samples int, t pixel.Type) *pixel.Raster {
	r := s.unset(width, height, samples, t)
	clear(r.Pix)
	return r
}

// unset is a raster whose samples have any value: the caller sets them all.
func (s *rasters) unset(width, height, samples int, t pixel.Type) *pixel.Raster {
	size := width * height * samples * t.Bytes()
	r := s.take()
	if r == nil || cap(r.Pix) < size {
		return pixel.New(width, height, samples, t)
	}
	*r = pixel.Raster{Width: width, Height: height, Samples: samples, Type: t, Stride: width * samples * t.Bytes(), Pix: r.Pix[:size]}
	return r
}
