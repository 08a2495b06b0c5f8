package render

import (
	"context"
	"encoding/binary"
	"math"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

// Samples gives the stored values of one pixel of a level at z and t, one an
// apparent channel, without any operation. They are whole numbers unless the
// slide has floats. Kind Invalid when there is no such pixel.
func (r *Renderer) Samples(ctx context.Context, s Slide, level, x, y, z, t int) ([]float64, error) {
	d := &s.Manifest().Description
	if level < 0 || level >= len(d.Levels) {
		return nil, fault.New(fault.Invalid, "no-such-level", "Level %d does not exist, the slide has %d.", level, len(d.Levels))
	}
	l := d.Levels[level]
	if x < 0 || y < 0 || x >= l.Width || y >= l.Height {
		return nil, fault.New(fault.Invalid, "no-such-pixel", "Pixel (%d, %d) does not exist, level %d has %d×%d.", x, y, level, l.Width, l.Height)
	}
	if err := r.gate.full(); err != nil {
		return nil, err
	}
	out := make([]float64, 0, len(d.Channels))
	for c := range d.ConcreteChannels {
		raster, err := r.plane(ctx, s, level, formats.Plane{C: c, Z: z, T: t}, Rect{x, y, 1, 1}, 1)
		if err != nil {
			return nil, err
		}
		for n := range min(d.Samples, raster.Samples) {
			out = append(out, sampleAt(raster, n))
		}
	}
	return out, nil
}

// sampleAt is sample n of the first pixel.
func sampleAt(r *pixel.Raster, n int) float64 {
	b := r.Row(0)[n*r.Type.Bytes():]
	switch r.Type {
	case pixel.Uint8:
		return float64(b[0])
	case pixel.Int8:
		return float64(int8(b[0]))
	case pixel.Uint16:
		return float64(binary.LittleEndian.Uint16(b))
	case pixel.Int16:
		return float64(int16(binary.LittleEndian.Uint16(b)))
	case pixel.Uint32:
		return float64(binary.LittleEndian.Uint32(b))
	case pixel.Int32:
		return float64(int32(binary.LittleEndian.Uint32(b)))
	case pixel.Float32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(b)))
	default:
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	}
}
