package pims

import (
	"slices"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

// display is the display operations of a request (pims-api §3.0.2).
type display struct {
	planes    planes
	lower     []intensity
	upper     []intensity
	gammas    []float64
	colormaps []string
	filters   []string
	threshold float64
	log       bool
}

// intensity is a bound: a keyword, or a value when keyword is "".
type intensity struct {
	keyword string
	value   int
}

func keywords() []string {
	return []string{"AUTO_IMAGE", "AUTO_PLANE", "STRETCH_IMAGE", "STRETCH_PLANE"}
}

// display reads all planes and display parameters.
func (f *form) display() display {
	d := display{planes: f.planes(), lower: f.intensities("min_intensities"), upper: f.intensities("max_intensities")}
	gammas, _ := f.list("gammas", false)
	for i, v := range gammas {
		if g, ok := f.within(v, 0, 10, f.where, "gammas", i); ok {
			d.gammas = append(d.gammas, g)
		}
	}
	d.colormaps = f.texts("colormaps")
	d.filters = f.texts("filters")
	if v, ok := f.scalar("threshold", true); ok {
		d.threshold, _ = f.within(v, 0, 1, f.where, "threshold")
	}
	d.log = f.boolean("log", false)
	return d
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

func (f *form) intensities(name string) []intensity {
	values, present := f.list(name, true)
	if !present {
		return []intensity{{keyword: "AUTO_IMAGE"}}
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

// view checks the operations against a slide and makes what is rendered. The
// order of the checks is PIMS' (§2.5): planes, list sizes, intensities,
// colormaps, filters.
func (d display) view(m *slide.Manifest) (render.View, error) {
	v := render.Default(m)
	channels, z, t, err := d.planes.resolve(&m.Description, v.Z)
	if err != nil {
		return render.View{}, err
	}
	v = v.Select(m, channels)
	v.Z, v.T = z, t
	n := len(channels)
	for _, list := range []struct {
		name string
		size int
	}{
		{"gammas", len(d.gammas)}, {"min_intensities", len(d.lower)}, {"max_intensities", len(d.upper)},
		{"colormaps", len(d.colormaps)},
	} {
		if list.size != 0 && list.size != 1 && list.size != n {
			return render.View{}, badSize(list.name, list.size, n)
		}
	}
	if err := d.windows(m, &v); err != nil {
		return render.View{}, err
	}
	if err := d.colors(m, &v); err != nil {
		return render.View{}, err
	}
	if len(d.filters) > 1 {
		return render.View{}, problem.BadTitle("list-size", "filters has a size of %d while only these sizes are allowed: 0, 1", len(d.filters))
	}
	for _, id := range d.filters {
		if !knownFilter(id) {
			return render.View{}, problem.FilterNotFound(id)
		}
		return render.View{}, notAvailable("filters=" + id)
	}
	if d.threshold > 0 {
		return render.View{}, notAvailable("threshold")
	}
	if n > 1 && d.planes.reduction != "ADD" {
		return render.View{}, notAvailable("c_reduction=" + d.planes.reduction)
	}
	return dropUseless(v), nil
}

func badSize(name string, size, n int) error {
	if n == 1 {
		return problem.BadTitle("list-size", "%s has a size of %d while only these sizes are allowed: 0, 1", name, size)
	}
	return problem.BadTitle("list-size", "%s has a size of %d while only these sizes are allowed: 0, 1, %d", name, size, n)
}

// notAvailable tells of an operation that PIMS has and this version does not
// yet.
func notAvailable(what string) error {
	return fault.New(fault.Unsupported, "processing-not-available",
		"This version renders without %s; leave the parameter out, or give its default.", what)
}

// windows applies bounds, gammas and log (pims-api §3.0.5).
func (d display) windows(m *slide.Manifest, v *render.View) error {
	bits := m.Description.SignificantBits
	if bits > 16 {
		if !d.standard() {
			return notAvailable("intensities, gammas or log for samples of more than 16 bits")
		}
		return nil
	}
	for i, c := range v.Channels {
		lower, err := boundOf(pick(d.lower, i), m, c, false)
		if err != nil {
			return err
		}
		upper, err := boundOf(pick(d.upper, i), m, c, true)
		if err != nil {
			return err
		}
		if lower > upper {
			return problem.BadRequest("intensity-order", "The lower intensity %d of channel %d is above its upper intensity %d.", lower, c, upper)
		}
		gamma := 1.0
		if g := pick(d.gammas, i); g != nil {
			gamma = *g
		}
		v.Windows[i] = pixel.Window{Lower: lower, Upper: upper, Gamma: gamma, Log: d.log}
	}
	return nil
}

// standard tells that nothing was asked that changes intensities.
func (d display) standard() bool {
	for _, b := range append(slices.Clone(d.lower), d.upper...) {
		if b.keyword == "" {
			return false
		}
	}
	for _, g := range d.gammas {
		if g != 1 {
			return false
		}
	}
	return !d.log
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

func boundOf(b *intensity, m *slide.Manifest, channel int, upper bool) (int, error) {
	bits := m.Description.SignificantBits
	top := 1<<bits - 1
	full := 0
	if upper {
		full = top
	}
	if b == nil {
		return full, nil
	}
	if b.keyword == "" {
		return min(b.value, top), nil
	}
	if bits <= 8 && strings.HasPrefix(b.keyword, "AUTO_") {
		return full, nil
	}
	perPlane := strings.HasSuffix(b.keyword, "_PLANE")
	if perPlane && m.Description.Depth*m.Description.Duration > 1 {
		return 0, notAvailable("intensities by plane (" + b.keyword + ") for a slide of several planes")
	}
	low, high := render.ChannelBounds(m, channel)
	if upper {
		return high, nil
	}
	return low, nil
}

// dropUseless leaves out channels that show nothing: black ones, and those
// whose bounds are equal. At least one stays (pims-api §3.0.7).
func dropUseless(v render.View) render.View {
	if !slices.ContainsFunc(indexes(v), func(i int) bool { return useless(v, i) }) {
		return v
	}
	out := v
	out.Channels, out.Windows, out.Colors = nil, nil, nil
	for _, i := range indexes(v) {
		if !useless(v, i) {
			out.Channels = append(out.Channels, v.Channels[i])
			out.Windows = append(out.Windows, v.Windows[i])
			out.Colors = append(out.Colors, v.Colors[i])
		}
	}
	if len(out.Channels) == 0 {
		out.Channels, out.Windows, out.Colors = v.Channels[:1], v.Windows[:1], v.Colors[:1]
	}
	return out
}

func indexes(v render.View) []int {
	out := make([]int, len(v.Channels))
	for i := range out {
		out[i] = i
	}
	return out
}

// useless tells a channel in black or with equal bounds.
func useless(v render.View, i int) bool {
	black := v.Colors[i] != nil && *v.Colors[i] == render.Color{}
	return black || (v.Windows[i].Upper != 0 && v.Windows[i].Lower == v.Windows[i].Upper)
}
