package render

import (
	"fmt"
	"math"
	"strings"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/color"
	"github.com/pims-cloud/pims/internal/render/colormap"
	"github.com/pims-cloud/pims/internal/render/filter"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

// Reduction is how channels, focal planes or time points become one.
type Reduction uint8

// The reductions. Add colours channels and adds them up; it is for channels
// only.
const (
	Add Reduction = iota
	Min
	Med
	Max
)

// pixels is the reduction of values; not for Add.
func (r Reduction) pixels() pixel.Reduction {
	return map[Reduction]pixel.Reduction{Min: pixel.Min, Med: pixel.Median, Max: pixel.Max}[r]
}

// Space is the colour space of a picture.
type Space uint8

// The spaces. AutoSpace leaves the picture as channels and colormaps make it.
const (
	AutoSpace Space = iota
	GreySpace
	ColorSpace
)

// Range is a run of planes; High is exclusive. The zero value is none.
type Range struct{ Low, High int }

// View is what is shown of a slide. Make one with Default and change it; it is
// a value, the renderer never changes it.
type View struct {
	// Channels are apparent channels (an RGB plane has three), ascending.
	Channels []int
	Z, T     int
	// ZRange and TRange show a projection over several planes instead of Z, T,
	// by ZReduction and TReduction (not Add).
	ZRange, TRange         Range
	ZReduction, TReduction Reduction
	// Windows has one intensity window a channel, in stored values; for samples
	// of more than 16 bits and floats, in 65535ths between the channel's bounds.
	Windows []pixel.Window
	// Colormaps has one entry a channel; nil shows the channel in grey.
	Colormaps []*colormap.Map
	// Reduction merges the channels; others than Add leave colormaps out.
	Reduction Reduction
	// Filters are applied one after the other.
	Filters []filter.Filter
	// Threshold, when above 0, makes darker pixels black and transparent; in
	// parts of full scale, after window, gamma and log.
	Threshold float64
	Space     Space
	// Bits is the output depth: values are 0 … 2^Bits−1, in 8 bits up to 8, else
	// in 16. At most 16; 0 or less is a black picture (pims-api §3.0.3).
	Bits int
	// AutoBits tells that Bits follow from the slide and were not asked for.
	AutoBits bool
}

// OutputBits is the depth of a picture when `bits` are asked for: 16 at most in
// PNG, 8 in all others (pims-api §3.0.3).
func OutputBits(bits int, mediaType string) int {
	if mediaType == "image/png" || mediaType == "image/apng" {
		return min(bits, 16)
	}
	return min(bits, 8)
}

// Default is what a request without parameters shows: every channel in its own
// colour, the middle focal plane, the first time point, AUTO_IMAGE windows, 8
// bits (pims-api §3.0).
func Default(m *slide.Manifest) View {
	d := &m.Description
	v := View{Z: int(math.RoundToEven(float64(d.Depth) / 2)), Bits: 8}
	if v.Z >= d.Depth {
		v.Z = d.Depth - 1
	}
	all := make([]int, len(d.Channels))
	for i := range all {
		all[i] = i
	}
	return v.Select(m, all)
}

// Select is the view with other channels, each with its default window and
// colour. The channels exist and are ascending.
func (v View) Select(m *slide.Manifest, channels []int) View {
	v.Channels = channels
	v.Windows = make([]pixel.Window, len(channels))
	v.Colormaps = make([]*colormap.Map, len(channels))
	for i, c := range channels {
		v.Windows[i] = AutoWindow(m, c)
		v.Colormaps[i] = ChannelColormap(&m.Description, c)
	}
	return v
}

// Keep is the view with only the channels at these places of its lists.
func (v View) Keep(places []int) View {
	out := v
	out.Channels, out.Windows, out.Colormaps = nil, nil, nil
	for _, i := range places {
		out.Channels = append(out.Channels, v.Channels[i])
		out.Windows = append(out.Windows, v.Windows[i])
		out.Colormaps = append(out.Colormaps, v.Colormaps[i])
	}
	return out
}

// ChannelColormap is from black to the channel's own colour; nil when it has
// none.
func ChannelColormap(d *formats.Description, channel int) *colormap.Map {
	if c, ok := color.Parse(d.Channels[channel].Color); ok {
		return colormap.Of(c)
	}
	return nil
}

// WindowBits is the depth that windows of a slide are counted in: its
// significant bits, 16 for what has more and for floats.
func WindowBits(d *formats.Description) int {
	if tooWide(d) {
		return 16
	}
	return min(max(d.SignificantBits, 1), 8*d.PixelType.Bytes())
}

// tooWide tells samples that no table can cover.
func tooWide(d *formats.Description) bool {
	switch d.PixelType {
	case pixel.Uint8, pixel.Uint16, pixel.Int8, pixel.Int16:
		return false
	}
	return true
}

// AutoWindow is AUTO_IMAGE of one channel: the whole range up to 8 bits, above
// that the least and greatest value found at import.
func AutoWindow(m *slide.Manifest, channel int) pixel.Window {
	lower, upper := ChannelBounds(m, channel)
	return pixel.AutoImageWindow(WindowBits(&m.Description), lower, upper)
}

// ChannelBounds is the least and greatest value of a channel as windows count
// them, in 0 … 2^WindowBits−1; the whole range when the import did not find
// them. Signed samples are counted from their type's least value (pims-api
// §4.2). Those of 16 bits are what PIMS finds, see DisplayBounds.
func ChannelBounds(m *slide.Manifest, channel int) (lower, upper int) {
	d := &m.Description
	top := 1<<WindowBits(d) - 1
	if channel >= len(m.Bounds) || tooWide(d) {
		return 0, top
	}
	b := m.Bounds[channel]
	offset := 0.0
	switch d.PixelType {
	case pixel.Int8:
		offset = math.MaxInt8 + 1
	case pixel.Int16:
		offset = math.MaxInt16 + 1
	}
	return DisplayBounds(m, int(math.Floor(b.Min+offset)), int(math.Ceil(b.Max+offset)))
}

// DisplayBounds is the bounds that a keyword such as AUTO_IMAGE stands for when
// samples between lower and upper occur: those, and of samples of 16 bits the
// nearest that PIMS would find (pims-api §4.12), unless they are close together.
func DisplayBounds(m *slide.Manifest, lower, upper int) (low, high int) {
	top := 1<<WindowBits(&m.Description) - 1
	lower = min(max(lower, 0), top)
	upper = min(max(upper, lower), top)
	if shaded(m) {
		lower, upper = inShades(lower, upper)
	}
	return lower, min(upper, top)
}

// WindowValue is a stored value as windows count it, clipped: as it is, or in
// 65535ths between the channel's bounds for what has more than 16 bits.
func WindowValue(m *slide.Manifest, channel, value int) int {
	top := 1<<WindowBits(&m.Description) - 1
	if !tooWide(&m.Description) {
		return min(max(value, 0), top)
	}
	b := slide.Bounds{Max: 1}
	if channel < len(m.Bounds) {
		b = m.Bounds[channel]
	}
	if !(b.Max > b.Min) {
		return 0
	}
	x := (float64(value) - b.Min) / (b.Max - b.Min) * float64(top)
	return int(math.RoundToEven(min(max(x, 0), float64(top))))
}

// Key is the view as text: equal keys show the same picture.
func (v View) Key() string {
	var out strings.Builder
	fmt.Fprintf(&out, "c%v z%d t%d", v.Channels, v.Z, v.T)
	for i, w := range v.Windows {
		fmt.Fprintf(&out, " %d:%d^%g,%t", w.Lower, w.Upper, w.Gamma, w.Log)
		if m := v.Colormaps[i]; m != nil {
			out.WriteString(m.ID)
		}
	}
	if v.ZRange != (Range{}) || v.TRange != (Range{}) {
		fmt.Fprintf(&out, " z%v,%d t%v,%d", v.ZRange, v.ZReduction, v.TRange, v.TReduction)
	}
	for _, f := range v.Filters {
		out.WriteString(" " + f.ID)
	}
	fmt.Fprintf(&out, " r%d >%g s%d b%d %t", v.Reduction, v.Threshold, v.Space, v.Bits, v.AutoBits)
	return out.String()
}

// coloured tells that colormaps make colours of the channels.
func (v View) coloured() bool {
	if v.Reduction != Add || v.natural() {
		return false
	}
	for _, m := range v.Colormaps {
		if m != nil && m.Components() == 3 {
			return true
		}
	}
	return false
}

// natural tells the RGB mapping: channels 0, 1, 2 in red, lime and blue need no
// colour table (pims-api §4.4).
func (v View) natural() bool {
	if len(v.Channels) != 3 {
		return false
	}
	rgb := [3]color.Color{{R: 255}, {G: 255}, {B: 255}}
	for i, c := range v.Channels {
		if c != i || v.Colormaps[i] == nil || !v.Colormaps[i].Is(rgb[i]) {
			return false
		}
	}
	return true
}
