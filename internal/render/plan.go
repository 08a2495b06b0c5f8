package render

import (
	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

// step is one stage between stored samples and the picture. It may give back
// the raster it got, changed or not; it owns it.
type step interface {
	apply(r *pixel.Raster) (*pixel.Raster, error)
}

// plan is what must happen to the stored samples of a view. A plan without
// steps that selects a whole stored plane leaves pixels as they are.
type plan struct {
	planes []planeSamples
	steps  []step
	whole  bool // the view is one stored plane with all of its samples
}

// planeSamples is a stored plane and which of its samples are shown.
type planeSamples struct {
	plane   formats.Plane
	samples []int
}

func (p *plan) passthrough() bool { return p.whole && len(p.steps) == 0 }

func (p *plan) run(r *pixel.Raster) (*pixel.Raster, error) {
	var err error
	for _, s := range p.steps {
		if r, err = s.apply(r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// planFor lists the steps of a view, and leaves out those that would change
// nothing.
func planFor(m *slide.Manifest, v View) (*plan, error) {
	d := &m.Description
	if len(v.Channels) == 0 || len(v.Windows) != len(v.Channels) || len(v.Colors) != len(v.Channels) {
		return nil, fault.New(fault.Internal, "view-incomplete",
			"The view has %d channels, %d windows and %d colours.", len(v.Channels), len(v.Windows), len(v.Colors))
	}
	p := &plan{}
	for _, c := range v.Channels {
		if c < 0 || c >= len(d.Channels) || d.Samples < 1 {
			return nil, fault.New(fault.Invalid, "no-such-channel", "Channel %d does not exist, the slide has %d.", c, len(d.Channels))
		}
		plane := formats.Plane{C: c / d.Samples, Z: v.Z, T: v.T}
		if n := len(p.planes); n == 0 || p.planes[n-1].plane != plane {
			p.planes = append(p.planes, planeSamples{plane: plane})
		}
		last := &p.planes[len(p.planes)-1]
		last.samples = append(last.samples, c%d.Samples)
	}
	p.whole = len(p.planes) == 1 && len(v.Channels) == d.Samples
	intensity, err := intensitySteps(m, v)
	if err != nil {
		return nil, err
	}
	p.steps = append(p.steps, intensity...)
	p.steps = append(p.steps, mergeSteps(v, d.Samples, len(intensity) > 0)...)
	return p, nil
}

// intensitySteps bring samples of any type to 8 bits.
func intensitySteps(m *slide.Manifest, v View) ([]step, error) {
	d := &m.Description
	switch d.PixelType {
	case pixel.Uint8, pixel.Uint16, pixel.Int8, pixel.Int16:
	default:
		return []step{normalise{bounds: floatBounds(m, v)}}, nil
	}
	var steps []step
	if d.PixelType == pixel.Int8 || d.PixelType == pixel.Int16 {
		steps = append(steps, unsign{})
	}
	lut, err := pixel.NewLUT(v.Windows, min(d.SignificantBits, 8*d.PixelType.Bytes()), 8)
	if err != nil {
		return nil, err
	}
	if lut != nil {
		steps = append(steps, window{lut})
	}
	return steps, nil
}

func floatBounds(m *slide.Manifest, v View) []slide.Bounds {
	out := make([]slide.Bounds, len(v.Channels))
	for i, c := range v.Channels {
		if c < len(m.Bounds) {
			out[i] = m.Bounds[c]
		} else {
			out[i] = slide.Bounds{Min: 0, Max: 1}
		}
	}
	return out
}

// mergeSteps colour the channels and add them up (pims-api §4.4, §4.5).
func mergeSteps(v View, samples int, windowed bool) []step {
	if v.natural() {
		return nil
	}
	colored, components := false, 1
	for _, c := range v.Colors {
		if c != nil {
			colored = true
			if !c.grey() {
				components = 3
			}
		}
	}
	switch {
	case !colored && len(v.Channels) == 1:
		return nil
	case !colored && !windowed && len(v.Channels) == 3 && samples == 3:
		return nil // an RGB plane without colours stays what it is
	default:
		return []step{newMerge(v.Colors, components)}
	}
}
