package render

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

// projection is a run of planes that become one.
type projection struct {
	planes Range
	how    pixel.Reduction
}

// planes are those that a view shows of z and t.
func (v View) planes() (z, t Range) {
	z, t = Range{v.Z, v.Z + 1}, Range{v.T, v.T + 1}
	if v.ZRange != (Range{}) {
		z = v.ZRange
	}
	if v.TRange != (Range{}) {
		t = v.TRange
	}
	return z, t
}

// projections is nil for a view of one plane. PIMS names projections but has
// none (pims-api §10).
func projections(d *formats.Description, v View) ([]projection, error) {
	z, t := v.planes()
	for _, check := range []struct {
		name  string
		r     Range
		total int
		how   Reduction
	}{{"focal plane", z, d.Depth, v.ZReduction}, {"time point", t, d.Duration, v.TReduction}} {
		if check.r.Low < 0 || check.r.Low >= check.r.High || check.r.High > check.total {
			return nil, fault.New(fault.Invalid, "no-such-plane", "The %ss %d to %d do not exist, the slide has %d.",
				check.name, check.r.Low, check.r.High-1, check.total)
		}
		if check.r.High-check.r.Low > 1 && check.how == Add {
			return nil, fault.New(fault.Invalid, "no-reduction", "A reduction is required for several %ss.", check.name)
		}
	}
	if z.High-z.Low == 1 && t.High-t.Low == 1 {
		return nil, nil
	}
	return []projection{{z, v.ZReduction.pixels()}, {t, v.TReduction.pixels()}}, nil
}

// projected is the pixels of a rectangle of a plane, or of its projection: over
// z for every time point, then over t. Samples are kept in their own type.
func (r *Renderer) projected(ctx context.Context, s Slide, level int, rect Rect, p *plan, plane formats.Plane) (*pixel.Raster, error) {
	if len(p.project) == 0 {
		return r.plane(ctx, s, level, plane, rect, max(p.shrink, 1))
	}
	z, t := p.project[0], p.project[1]
	if err := r.affordProjection(s.Manifest(), rect, z.planes, t.planes); err != nil {
		return nil, err
	}
	var times []*pixel.Raster
	for plane.T = t.planes.Low; plane.T < t.planes.High; plane.T++ {
		var depths []*pixel.Raster
		for plane.Z = z.planes.Low; plane.Z < z.planes.High; plane.Z++ {
			raster, err := r.plane(ctx, s, level, plane, rect, max(p.shrink, 1))
			if err != nil {
				return nil, err
			}
			depths = append(depths, raster)
			// Least and greatest need no more than what was found so far.
			if z.how != pixel.Median && len(depths) == 2 {
				if depths, err = r.reduced(ctx, depths, z.how); err != nil {
					return nil, err
				}
			}
		}
		depths, err := r.reduced(ctx, depths, z.how)
		if err != nil {
			return nil, err
		}
		times = append(times, depths[0])
	}
	times, err := r.reduced(ctx, times, t.how)
	if err != nil {
		return nil, err
	}
	return times[0], nil
}

// reduced makes one raster of several, in a slot.
func (r *Renderer) reduced(ctx context.Context, rasters []*pixel.Raster, how pixel.Reduction) ([]*pixel.Raster, error) {
	leave, err := r.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	one, err := pixel.ReduceRasters(rasters, how)
	return []*pixel.Raster{one}, err
}

// affordProjection refuses projections whose planes would not fit the
// configured pixels and memory.
func (r *Renderer) affordProjection(m *slide.Manifest, rect Rect, z, t Range) error {
	d := &m.Description
	planes := (z.High - z.Low) * (t.High - t.Low)
	if exceeds(r.config.MaxPixels, planes, rect.Width, rect.Height) ||
		exceeds(int64(r.config.MaxMemory), z.High-z.Low+t.High-t.Low, rect.Width, rect.Height, d.Samples, d.PixelType.Bytes()) {
		return fault.New(fault.TooLarge, "render-too-many-pixels",
			"A projection of %d planes of %d×%d pixels is more than may be read for one picture (RENDER_MAX_PIXELS, RENDER_MAX_MEMORY); ask for fewer planes or a smaller picture.",
			planes, rect.Width, rect.Height)
	}
	return nil
}
