package pims

import (
	"context"
	"slices"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/render/filter"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

// operations is how a request wants a slide to be shown: the display or the
// processing operations of pims-api §3.0.2 and §3.0.3.
type operations struct {
	planes    planes
	lower     []intensity
	upper     []intensity
	gammas    []float64
	colormaps []string
	filters   []string
	threshold float64
	log       bool
	depth     depth
	space     render.Space
}

// intensity is a bound: a keyword, or a value when keyword is "".
type intensity struct {
	keyword string
	value   int
}

// depth is the bits of the picture; auto takes the slide's significant bits.
type depth struct {
	auto bool
	bits int
}

func keywords() []string {
	return []string{"AUTO_IMAGE", "AUTO_PLANE", "STRETCH_IMAGE", "STRETCH_PLANE"}
}

func spaces() []string { return []string{"AUTO", "GRAY", "COLOR"} }

// display reads the planes and the operations for pictures to look at: 8 bits,
// and AUTO_IMAGE where no bounds are given.
func (f *form) display() operations {
	o := f.operations([]intensity{{keyword: "AUTO_IMAGE"}})
	o.log = f.boolean("log", false)
	o.depth.bits = 8
	return o
}

// processing reads the planes and the operations for pictures to compute with:
// the slide's own bits, and the whole range where no bounds are given.
func (f *form) processing() operations {
	o := f.operations(nil)
	o.depth.auto = true
	if v, ok := f.scalar("bits", false); ok && v != any("AUTO") {
		o.depth.auto = false
		if o.depth.bits, ok = toInt(v); !ok {
			f.found.Add(problem.Enum(v, []string{"AUTO"}, f.where, "bits"))
			f.found.Add(problem.NotInt(v, f.where, "bits"))
		}
	}
	if v, ok := f.scalar("colorspace", false); ok {
		text, _ := v.(string)
		at := slices.Index(spaces(), text)
		if at < 0 {
			f.found.Add(problem.Enum(v, spaces(), f.where, "colorspace"))
			return o
		}
		o.space = []render.Space{render.AutoSpace, render.GreySpace, render.ColorSpace}[at]
	}
	return o
}

func (f *form) operations(bounds []intensity) operations {
	o := operations{planes: f.planes(), lower: f.intensities("min_intensities", bounds), upper: f.intensities("max_intensities", bounds)}
	gammas, _ := f.list("gammas", false)
	for i, v := range gammas {
		if g, ok := f.within(v, 0, 10, f.where, "gammas", i); ok {
			o.gammas = append(o.gammas, g)
		}
	}
	o.colormaps = f.texts("colormaps")
	o.filters = f.texts("filters")
	if v, ok := f.scalar("threshold", true); ok {
		o.threshold, _ = f.within(v, 0, 1, f.where, "threshold")
	}
	return o
}

// quality reads the quality of JPEG and WebP, 1 to 100, which PIMS has not; 0
// when it is absent.
func (f *form) quality() int {
	v, ok := f.scalar("quality", true)
	if !ok {
		return 0
	}
	n, ok := toInt(v)
	switch {
	case !ok:
		f.found.Add(problem.NotInt(v, f.where, "quality"))
	case n < 1:
		f.found.Add(problem.AtLeast(v, 1, f.where, "quality"))
	case n > 100:
		f.found.Add(problem.AtMost(v, 100, f.where, "quality"))
	}
	return n
}

func (f *form) texts(name string) []string {
	var out []string
	values, _ := f.list(name, true)
	for i, v := range values {
		if text, ok := f.text(v, f.where, name, i); ok {
			out = append(out, text)
		}
	}
	return out
}

func (f *form) intensities(name string, otherwise []intensity) []intensity {
	values, present := f.list(name, true)
	if !present {
		return otherwise
	}
	var out []intensity
	for i, v := range values {
		if text, ok := v.(string); ok && slices.Contains(keywords(), text) {
			out = append(out, intensity{keyword: text})
			continue
		}
		if _, isNumber := toInt(v); !isNumber {
			f.found.Add(problem.Enum(v, keywords(), f.where, name, i, "str-enum[IntensitySelectionEnum]"))
		}
		if n, ok := f.natural(v, f.where, name, i, "constrained-int"); ok {
			out = append(out, intensity{value: n})
		}
	}
	return out
}

// view checks the operations against a slide and makes what is rendered as a
// media type. The order of the checks is PIMS' (§2.5): planes, list sizes,
// intensities, colormaps, filters. The stored histogram is read where bounds of
// a plane are asked for.
func (o operations) view(ctx context.Context, s *slide.Slide, mediaType string) (render.View, error) {
	m := s.Manifest()
	v, err := o.planes.view(m)
	if err != nil {
		return render.View{}, err
	}
	n := len(v.Channels)
	for _, list := range []struct {
		name string
		size int
	}{
		{"gammas", len(o.gammas)}, {"min_intensities", len(o.lower)}, {"max_intensities", len(o.upper)},
		{"colormaps", len(o.colormaps)},
	} {
		if list.size != 0 && list.size != 1 && list.size != n {
			return render.View{}, badSize(list.name, list.size, n)
		}
	}
	if err := o.windows(ctx, s, &v); err != nil {
		return render.View{}, err
	}
	if err := o.colors(m, &v); err != nil {
		return render.View{}, err
	}
	if v.Filters, err = o.chain(); err != nil {
		return render.View{}, err
	}
	v.Threshold, v.Space = o.threshold, o.space
	v.Bits = o.depth.bits
	if o.depth.auto {
		v.Bits, v.AutoBits = m.Description.SignificantBits, true
	}
	v.Bits = render.OutputBits(v.Bits, mediaType)
	return dropUseless(v), nil
}

// chain finds the filters. PIMS takes one; here colours may be filtered several
// times before a threshold, which ends the chain: two of them make no sense.
func (o operations) chain() ([]filter.Filter, error) {
	var out []filter.Filter
	for i, id := range o.filters {
		f, ok := filter.Find(id)
		if !ok {
			return nil, problem.FilterNotFound(id)
		}
		if f.Type == filter.Global && i < len(o.filters)-1 || len(o.filters) > maxFilters {
			return nil, problem.BadTitle("list-size", "filters has a size of %d while only these sizes are allowed: 0, 1", len(o.filters))
		}
		out = append(out, f)
	}
	return out, nil
}

// maxFilters bounds the work of one request.
const maxFilters = 8

func badSize(name string, size, n int) error {
	if n == 1 {
		return problem.BadTitle("list-size", "%s has a size of %d while only these sizes are allowed: 0, 1", name, size)
	}
	return problem.BadTitle("list-size", "%s has a size of %d while only these sizes are allowed: 0, 1, %d", name, size, n)
}

// windows applies bounds, gammas and log (pims-api §3.0.5).
func (o operations) windows(ctx context.Context, s *slide.Slide, v *render.View) error {
	for i, c := range v.Channels {
		lower, err := boundOf(ctx, s, pick(o.lower, i), v, c, false)
		if err != nil {
			return err
		}
		upper, err := boundOf(ctx, s, pick(o.upper, i), v, c, true)
		if err != nil {
			return err
		}
		if lower > upper {
			return problem.BadRequest("intensity-order", "The lower intensity %d of channel %d is above its upper intensity %d.", lower, c, upper)
		}
		gamma := 1.0
		if g := pick(o.gammas, i); g != nil {
			gamma = *g
		}
		v.Windows[i] = pixel.Window{Lower: lower, Upper: upper, Gamma: gamma, Log: o.log}
	}
	return nil
}

// pick is the value of channel i: one value holds for all, none is nil.
func pick[T any](values []T, i int) *T {
	switch {
	case len(values) == 0:
		return nil
	case len(values) == 1:
		return &values[0]
	default:
		return &values[i]
	}
}

func boundOf(ctx context.Context, s *slide.Slide, b *intensity, v *render.View, channel int, upper bool) (int, error) {
	m := s.Manifest()
	bits := render.WindowBits(&m.Description)
	full := 0
	if upper {
		full = 1<<bits - 1
	}
	switch {
	case b == nil:
		return full, nil
	case b.keyword == "":
		return render.WindowValue(m, channel, b.value), nil
	case bits <= 8 && strings.HasPrefix(b.keyword, "AUTO_"):
		return full, nil
	}
	low, high := render.ChannelBounds(m, channel)
	if strings.HasSuffix(b.keyword, "_PLANE") && m.Description.Depth*m.Description.Duration > 1 {
		var err error
		if low, high, err = planeBounds(ctx, s, v, channel); err != nil {
			return 0, err
		}
	}
	if upper {
		return high, nil
	}
	return low, nil
}

// planeBounds is the least and greatest value of a channel in the plane that is
// shown; those of the channel where the plane was not counted.
func planeBounds(ctx context.Context, s *slide.Slide, v *render.View, channel int) (low, high int, err error) {
	m := s.Manifest()
	low, high = render.ChannelBounds(m, channel)
	h, err := s.Histogram(ctx)
	if fault.CodeOf(err) == "no-histogram" {
		return low, high, nil
	}
	if err != nil {
		return 0, 0, err
	}
	d := &m.Description
	sample, _ := h.Sample(formats.Plane{C: channel / d.Samples, Z: v.Z, T: v.T}, channel%d.Samples)
	from, to, ok := sample.Bounds()
	if sample.Found != nil {
		from, to = sample.Found.Low, sample.Found.High
	}
	if ok && h.Bits == render.WindowBits(d) {
		low, high = render.DisplayBounds(m, from, to)
	}
	return low, high, nil
}

// dropUseless leaves out channels that show nothing: black ones, and those
// whose bounds are equal. At least one stays (pims-api §3.0.7).
func dropUseless(v render.View) render.View {
	var useful []int
	for i := range v.Channels {
		black := v.Colormaps[i] != nil && v.Colormaps[i].Black()
		if !black && v.Windows[i].Lower != v.Windows[i].Upper {
			useful = append(useful, i)
		}
	}
	switch len(useful) {
	case len(v.Channels):
		return v
	case 0:
		return v.Keep([]int{0})
	default:
		return v.Keep(useful)
	}
}
