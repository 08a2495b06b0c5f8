package render

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/render/filter"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

// step is one stage between stored samples and the picture. It may give back
// the raster it got, changed or not; it owns it.
type step interface {
	apply(r *pixel.Raster) (*pixel.Raster, error)
}

// plan is what must happen to the stored samples of a view, in the order of
// pims-api §4.1. A plan without steps that selects a whole stored plane leaves
// pixels as they are.
type plan struct {
	planes  []planeSamples
	project []projection // over z, then over t; empty for a single plane
	scaled  []step       // on the samples of the whole slide once they are resized
	before  []step       // on the samples, before they are resized
	after   []step       // on the picture in its final size
	whole   bool         // the view is one stored plane with all of its samples
	shrink  int          // stored tiles are decoded at 1/shrink of their size; 0 is 1
	// colourFirst tells that the whole slide, too, is resized after the steps
	// before: PIMS has no reader that scales plain ones.
	colourFirst bool
}

// planeSamples is a stored plane and which of its samples are shown.
type planeSamples struct {
	plane   formats.Plane
	samples []int
}

func (p *plan) passthrough() bool {
	return p.whole && len(p.project) == 0 && len(p.before) == 0 && len(p.after) == 0
}

// depth is how many stored planes one plane of the view is made of.
func (p *plan) depth() int {
	n := 1
	for _, run := range p.project {
		n *= run.planes.High - run.planes.Low
	}
	return n
}

func run(steps []step, r *pixel.Raster) (*pixel.Raster, error) {
	var err error
	for _, s := range steps {
		if r, err = s.apply(r); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// planFor lists the steps of a view, and leaves out those that would change
// nothing. It reads the histogram when a filter needs it.
func planFor(ctx context.Context, s Slide, v View) (*plan, error) {
	m := s.Manifest()
	p, err := selection(m, v)
	if err != nil {
		return nil, err
	}
	o := output{bits: v.Bits, black: v.Bits <= 0}
	if o.black {
		o.bits = 8
	}
	if o.bits > 16 {
		return nil, fault.New(fault.Invalid, "too-many-bits", "A picture of %d bits was asked for, 16 are the most.", o.bits)
	}
	if shaded(m) && o.bits <= 8 {
		p.scaled = []step{shades{}}
	}
	if p.before, err = colouring(m, v, o); err != nil {
		return nil, err
	}
	if Clipped(m, v) {
		p.before = append(p.before, cast{pixel.Uint8})
		o.bits = 8
	}
	if p.after, err = finishing(ctx, s, v, o); err != nil {
		return nil, err
	}
	return p, nil
}

// output is the depth of the picture.
type output struct {
	bits  int
	black bool
}

// top is the greatest value of the picture.
func (o output) top() int { return 1<<o.bits - 1 }

// full is the greatest value of what holds the picture.
func (o output) full() int { return 1<<(8*o.container().Bytes()) - 1 }

func (o output) container() pixel.Type {
	if o.bits > 8 {
		return pixel.Uint16
	}
	return pixel.Uint8
}

// Clipped tells deep pictures of which PIMS writes 8 bits, values above 255 as
// 255, because it loses the colour space that goes with 16 bits (pims-api §4.13,
// defect a): those of slides that have no such space, whatever depth is asked
// for, and pictures of others that tables colour. Of these, a depth that is asked
// for is kept here.
func Clipped(m *slide.Manifest, v View) bool {
	switch {
	case v.Bits <= 8:
		return false
	case plain(m), m.Description.PixelType.Bytes() == 1:
		return true
	default:
		return shaded(m) && v.AutoBits && v.coloured()
	}
}

// selection says which planes and samples are read.
func selection(m *slide.Manifest, v View) (*plan, error) {
	d := &m.Description
	if len(v.Channels) == 0 || len(v.Windows) != len(v.Channels) || len(v.Colormaps) != len(v.Channels) {
		return nil, fault.New(fault.Internal, "view-incomplete",
			"The view has %d channels, %d windows and %d colormaps.", len(v.Channels), len(v.Windows), len(v.Colormaps))
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
	var err error
	p.project, err = projections(d, v)
	p.colourFirst = plain(m)
	return p, err
}

// colouring brings samples of any type to the depth of the picture, coloured
// and merged (pims-api §4.2 to §4.6).
func colouring(m *slide.Manifest, v View, o output) ([]step, error) {
	d := &m.Description
	var steps []step
	kind := d.PixelType // of the samples after the steps so far
	switch {
	case tooWide(d):
		steps, kind = append(steps, normalise{bounds: floatBounds(m, v)}), pixel.Uint16
	case kind == pixel.Int8:
		steps, kind = append(steps, unsign{}), pixel.Uint8
	case kind == pixel.Int16:
		steps, kind = append(steps, unsign{}), pixel.Uint16
	}
	windows := make([]pixel.Window, len(v.Windows))
	for i, w := range v.Windows {
		w.Threshold = v.Threshold
		windows[i] = w
	}
	lut, err := pixel.NewLUT(windows, WindowBits(d), o.bits)
	if err != nil {
		return nil, err
	}
	switch {
	case v.Reduction == Add && mustMerge(v, lut != nil):
		steps, kind = append(steps, newMerge(v, lut, o)), o.container()
	case lut != nil:
		steps, kind = append(steps, window{lut}), o.container()
	}
	if v.Reduction != Add && len(v.Channels) > 1 {
		steps = append(steps, reduce{v.Reduction.pixels()})
	}
	if kind != o.container() {
		steps = append(steps, cast{o.container()})
	}
	if o.black {
		steps = append(steps, blacken{})
	}
	return steps, nil
}

// finishing filters, converts and makes transparent (pims-api §4.1, §4.6,
// §4.8, §4.11).
func finishing(ctx context.Context, s Slide, v View, o output) ([]step, error) {
	var steps []step
	for i, f := range v.Filters {
		if f.Type == filter.Pixel {
			steps = append(steps, toColor{}, separate{f, o.full()})
			continue
		}
		b := blackAndWhite{filter: f, fromPicture: i > 0}
		if !b.fromPicture {
			var err error
			if b.above, err = storedThreshold(ctx, s, v, f, o.bits); err != nil {
				return nil, err
			}
		}
		steps = append(steps, toGrey{}, b)
	}
	switch v.Space {
	case GreySpace:
		steps = append(steps, toGrey{})
	case ColorSpace:
		steps = append(steps, toColor{})
	}
	if v.Threshold > 0 {
		steps = append(steps, transparent{})
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
