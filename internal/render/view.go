package render

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

// Color is a colour that a channel is shown in.
type Color struct{ R, G, B uint8 }

// ParseColor reads the hex forms that descriptions hold: "#f00", "#ff0000" and
// both with alpha digits, which are ignored.
func ParseColor(text string) (c Color, ok bool) {
	digits, ok := strings.CutPrefix(text, "#")
	if !ok {
		return Color{}, false
	}
	if len(digits) == 3 || len(digits) == 4 {
		var long strings.Builder
		for _, d := range digits {
			long.WriteRune(d)
			long.WriteRune(d)
		}
		digits = long.String()
	}
	if len(digits) != 6 && len(digits) != 8 {
		return Color{}, false
	}
	v, err := strconv.ParseUint(digits[:6], 16, 32)
	if err != nil {
		return Color{}, false
	}
	return Color{uint8(v >> 16), uint8(v >> 8), uint8(v)}, true
}

func (c Color) grey() bool { return c.R == c.G && c.G == c.B }

// View is what is shown of a slide. Make one with Default and change it; it is
// a value, the renderer never changes it.
type View struct {
	// Channels are apparent channels (an RGB plane has three), ascending.
	Channels []int
	Z, T     int
	// Windows has one intensity window a channel, in stored values.
	Windows []pixel.Window
	// Colors has one entry a channel; nil shows the channel in grey.
	Colors []*Color
}

// Default is what a request without parameters shows: every channel in its own
// colour, the middle focal plane, the first time point, AUTO_IMAGE windows
// (pims-api §3.0).
func Default(m *slide.Manifest) View {
	d := &m.Description
	v := View{Z: int(math.RoundToEven(float64(d.Depth) / 2))}
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
	v.Colors = make([]*Color, len(channels))
	for i, c := range channels {
		v.Windows[i] = AutoWindow(m, c)
		v.Colors[i] = ChannelColor(&m.Description, c)
	}
	return v
}

// ChannelColor is the channel's own colour, nil when it has none.
func ChannelColor(d *formats.Description, channel int) *Color {
	if c, ok := ParseColor(d.Channels[channel].Color); ok {
		return &c
	}
	return nil
}

// AutoWindow is AUTO_IMAGE of one channel: the whole range up to 8 bits, above
// that the least and greatest value found at import.
func AutoWindow(m *slide.Manifest, channel int) pixel.Window {
	bits := m.Description.SignificantBits
	if bits > 16 {
		return pixel.Window{Gamma: 1} // shown by bounds, see the normalise step
	}
	lower, upper := ChannelBounds(m, channel)
	return pixel.AutoImageWindow(bits, lower, upper)
}

// ChannelBounds is the least and greatest stored value of a channel as whole
// numbers in 0 … 2^bits−1; the whole range when the import did not find them.
// Signed samples are counted from their type's least value (pims-api §4.2).
func ChannelBounds(m *slide.Manifest, channel int) (lower, upper int) {
	d := &m.Description
	top := 1<<min(d.SignificantBits, 16) - 1
	if channel >= len(m.Bounds) {
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
	lower = min(max(int(math.Floor(b.Min+offset)), 0), top)
	upper = min(max(int(math.Ceil(b.Max+offset)), lower), top)
	return lower, upper
}

// Key is the view as text: equal keys show the same picture.
func (v View) Key() string {
	var out strings.Builder
	fmt.Fprintf(&out, "c%v z%d t%d", v.Channels, v.Z, v.T)
	for i, w := range v.Windows {
		fmt.Fprintf(&out, " %d:%d^%g,%t", w.Lower, w.Upper, w.Gamma, w.Log)
		if c := v.Colors[i]; c != nil {
			fmt.Fprintf(&out, "#%02x%02x%02x", c.R, c.G, c.B)
		}
	}
	return out.String()
}

// natural tells the RGB mapping: channels 0, 1, 2 in red, lime and blue need no
// colour table (pims-api §4.4).
func (v View) natural() bool {
	if len(v.Channels) != 3 {
		return false
	}
	rgb := [3]Color{{255, 0, 0}, {0, 255, 0}, {0, 0, 255}}
	for i, c := range v.Channels {
		if c != i || v.Colors[i] == nil || *v.Colors[i] != rgb[i] {
			return false
		}
	}
	return true
}
