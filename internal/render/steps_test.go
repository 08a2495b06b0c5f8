package render

import (
	"context"
	"encoding/binary"
	"errors"
	"slices"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/histogram"
	"github.com/pims-cloud/pims/internal/render/colormap"
	"github.com/pims-cloud/pims/internal/render/filter"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

// planes is a slide of stored, uncompressed planes of one tile.
type planes struct {
	m      slide.Manifest
	pixels map[formats.Plane][]byte
	counts *histogram.File
}

// newPlanes makes a slide of one level of width × height in one tile.
func newPlanes(width, height, samples, channels, depth int, kind pixel.Type, bits int) *planes {
	p := &planes{pixels: map[formats.Plane][]byte{}}
	p.m.Description = formats.Description{
		Width: width, Height: height, Depth: depth, Duration: 1, ConcreteChannels: channels, Samples: samples,
		PixelType: kind, SignificantBits: bits, Channels: make([]formats.Channel, channels*samples),
		Levels: []formats.Level{{Width: width, Height: height, TileWidth: width, TileHeight: height}},
	}
	p.m.Encodings = []formats.Encoding{{Codec: formats.CodecNone, Samples: samples, BitsPerSample: 8 * kind.Bytes(), PixelType: kind}}
	return p
}

func (p *planes) Manifest() *slide.Manifest { return &p.m }

func (p *planes) Locate(_ context.Context, _ int, plane formats.Plane, _ int) (formats.Extent, error) {
	number := p.m.Description.PlaneNumber(plane)
	return formats.Extent{Offset: int64(number), Length: int64(len(p.pixels[plane]))}, nil
}

func (p *planes) ReadTiles(_ context.Context, extents []formats.Extent) ([][]byte, error) {
	out := make([][]byte, len(extents))
	for i, e := range extents {
		for plane, data := range p.pixels {
			if int64(p.m.Description.PlaneNumber(plane)) == e.Offset {
				out[i] = data
			}
		}
	}
	return out, nil
}

func (p *planes) ReadObject(context.Context, string, int64) ([]byte, error) {
	return nil, errors.New("nothing is stored")
}

func (p *planes) Histogram(context.Context) (*histogram.File, error) {
	if p.counts == nil {
		return nil, fault.New(fault.Invalid, "no-histogram", "No histogram found")
	}
	return p.counts, nil
}

// shown gives the values of the pixel that a view makes of one stored pixel.
func shown(t *testing.T, s *planes, v View, stored ...int) []int {
	t.Helper()
	p, err := planFor(t.Context(), s, v)
	if err != nil {
		t.Fatal(err)
	}
	kind := s.m.Description.PixelType
	r := pixel.New(1, 1, len(stored), kind)
	for i, value := range stored {
		if kind == pixel.Uint8 {
			r.Pix[i] = byte(value)
		} else {
			binary.LittleEndian.PutUint16(r.Pix[2*i:], uint16(value))
		}
	}
	if r, err = run(p.before, r); err != nil {
		t.Fatal(err)
	}
	if r, err = run(p.after, r); err != nil {
		t.Fatal(err)
	}
	out := make([]int, r.Samples)
	for i := range out {
		if r.Type == pixel.Uint8 {
			out[i] = int(r.Pix[i])
		} else {
			out[i] = int(binary.LittleEndian.Uint16(r.Pix[2*i:]))
		}
	}
	return out
}

func maps(t testing.TB, ids ...string) []*colormap.Map {
	t.Helper()
	out := make([]*colormap.Map, len(ids))
	for i, id := range ids {
		if id != "NONE" {
			var ok bool
			if out[i], ok = colormap.Parse(id); !ok {
				t.Fatalf("%s is missing", id)
			}
		}
	}
	return out
}

func full(bits, channels int) []pixel.Window {
	out := make([]pixel.Window, channels)
	for i := range out {
		out[i] = pixel.DefaultWindow(bits)
	}
	return out
}

// bright is windows whose upper half is white.
func bright(windows []pixel.Window) []pixel.Window {
	for i := range windows {
		windows[i].Upper /= 2
	}
	return windows
}

// TestPicturesOfOnePixel has the arithmetic of pims-api §4.3 to §4.8.
func TestPicturesOfOnePixel(t *testing.T) {
	rgb := newPlanes(1, 1, 3, 1, 1, pixel.Uint8, 8)
	grey := newPlanes(1, 1, 1, 1, 1, pixel.Uint8, 8)
	wide := newPlanes(1, 1, 1, 2, 1, pixel.Uint16, 16)
	deep := newPlanes(1, 1, 1, 1, 1, pixel.Uint16, 12)
	signed := newPlanes(1, 1, 1, 1, 1, pixel.Int16, 16)
	bent := full(8, 3)
	bent[1].Gamma = 2
	half := []pixel.Window{{Upper: 1000, Gamma: 1}, {Lower: 100, Upper: 1100, Gamma: 1}}
	natural := []string{"red", "lime", "blue"}
	for name, row := range map[string]struct {
		slide  *planes
		maps   []string
		view   View
		stored []int
		want   []int
	}{
		"RGB in its own colours is itself": {rgb, natural, View{Windows: full(8, 3), Bits: 8}, []int{10, 20, 30}, []int{10, 20, 30}},
		// (100/255)² · 255 = 39.2
		"RGB with a gamma stays RGB":        {rgb, natural, View{Windows: bent, Bits: 8}, []int{10, 100, 30}, []int{10, 39, 30}},
		"RGB in grey is itself":             {rgb, []string{"NONE", "NONE", "NONE"}, View{Windows: full(8, 3), Bits: 8}, []int{10, 20, 30}, []int{10, 20, 30}},
		"RGB in grey with a gamma is a sum": {rgb, []string{"NONE", "NONE", "NONE"}, View{Windows: bent, Bits: 8}, []int{10, 100, 30}, []int{79}},
		"a sum is clipped":                  {rgb, []string{"white", "white", "white"}, View{Windows: full(8, 3), Bits: 8}, []int{200, 100, 30}, []int{255}},
		"colours are added":                 {rgb, []string{"red", "yellow", "blue"}, View{Windows: full(8, 3), Bits: 8}, []int{200, 100, 30}, []int{255, 100, 30}},
		"one channel in red":                {grey, []string{"red"}, View{Windows: full(8, 1), Bits: 8}, []int{128}, []int{128, 0, 0}},
		"one channel in inverted red":       {grey, []string{"!red"}, View{Windows: full(8, 1), Bits: 8}, []int{55}, []int{200, 0, 0}},
		"a table":                           {grey, []string{"JET"}, View{Windows: full(8, 1), Bits: 8}, []int{64}, []int{0, 128, 255}},
		// 64/255 < 0.3 becomes 0, and entry 0 of JET (0, 0, 128) black.
		"a threshold is black and transparent": {grey, []string{"JET"}, View{Windows: full(8, 1), Threshold: 0.3, Bits: 8}, []int{64}, []int{0, 0, 0, 0}},
		"above the threshold":                  {grey, []string{"NONE"}, View{Windows: full(8, 1), Threshold: 0.3, Bits: 8}, []int{77}, []int{77, 255}},
		// 500/999 · 255 = 127.6 and 600−100 the same; #f00 and #0f0.
		"16 bits in windows":  {wide, []string{"red", "lime"}, View{Windows: half, Bits: 8}, []int{500, 600}, []int{128, 128, 0}},
		"16 bits in 16":       {wide, []string{"red", "lime"}, View{Windows: full(16, 2), Bits: 16}, []int{500, 600}, []int{500, 600, 0}},
		"16 bits added in 16": {wide, []string{"NONE", "NONE"}, View{Windows: bright(full(16, 2)), Bits: 16}, []int{40000, 30000}, []int{65535}},
		// Nothing to look up: two bands are a grey and its alpha (§4.5).
		"bands as they are": {wide, []string{"NONE", "NONE"}, View{Windows: full(16, 2), Bits: 16}, []int{40000, 30000}, []int{40000, 30000}},
		// PIMS writes 8 bits of what it coloured in 16, unless a depth is asked for.
		"16 bits coloured and clipped": {wide, []string{"red", "lime"}, View{Windows: full(16, 2), Bits: 16, AutoBits: true}, []int{200, 600}, []int{200, 255, 0}},
		"16 bits of grey not clipped":  {wide, []string{"NONE", "NONE"}, View{Windows: full(16, 2), Bits: 16, AutoBits: true, Reduction: Max}, []int{200, 600}, []int{600}},
		// 8191/65535 · 15 = 1.87
		"4 bits are not stretched": {wide, []string{"NONE", "NONE"}, View{Windows: full(16, 2), Bits: 4, Reduction: Max}, []int{500, 8191}, []int{2}},
		"12 bits as they are":      {deep, []string{"NONE"}, View{Windows: full(12, 1), Bits: 12}, []int{3000}, []int{3000}},
		// 3000/4095 · 255 = 186.8
		"12 bits in 8": {deep, []string{"NONE"}, View{Windows: full(12, 1), Bits: 8}, []int{3000}, []int{187}},
		// A window reaches full scale one below its end (§4.3): 51/254 · 4095 = 822.2.
		"8 bits in 12, of which PIMS writes 8": {grey, []string{"NONE"}, View{Windows: full(8, 1), Bits: 12}, []int{51}, []int{255}},
		"no bits are black":                    {rgb, natural, View{Windows: full(8, 3), Bits: 0}, []int{10, 20, 30}, []int{0, 0, 0}},
		"signed values count from the least":   {signed, []string{"NONE"}, View{Windows: full(16, 1), Bits: 16}, []int{0x8001}, []int{1}},
		"the least of the channels":            {rgb, natural, View{Windows: full(8, 3), Reduction: Min, Bits: 8}, []int{10, 20, 30}, []int{10}},
		"the middle of the channels":           {rgb, natural, View{Windows: full(8, 3), Reduction: Med, Bits: 8}, []int{30, 20, 10}, []int{20}},
		"the middle of bent channels":          {rgb, natural, View{Windows: bent, Reduction: Max, Bits: 8}, []int{10, 100, 30}, []int{39}},
		// Linear light of 255 in green is 0.7152: 1.055·0.7152^(1/2.4) − 0.055 = 0.8626 · 255 = 219.96.
		"grey of lime":     {rgb, natural, View{Windows: full(8, 3), Space: GreySpace, Bits: 8}, []int{0, 255, 0}, []int{220}},
		"grey of grey":     {rgb, natural, View{Windows: full(8, 3), Space: GreySpace, Bits: 8}, []int{77, 77, 77}, []int{77}},
		"colour of grey":   {grey, []string{"NONE"}, View{Windows: full(8, 1), Space: ColorSpace, Bits: 8}, []int{77}, []int{77, 77, 77}},
		"colour of colour": {rgb, natural, View{Windows: full(8, 3), Space: ColorSpace, Bits: 8}, []int{1, 2, 3}, []int{1, 2, 3}},
	} {
		t.Run(name, func(t *testing.T) {
			v := row.view
			v.Colormaps = maps(t, row.maps...)
			for i := range v.Windows {
				v.Channels = append(v.Channels, i)
			}
			if got := shown(t, row.slide, v, row.stored...); !slices.Equal(got, row.want) {
				t.Errorf("%v is shown as %v, want %v", row.stored, got, row.want)
			}
		})
	}
}

// Forty channels of full 16 bits: the sums of 32 fill their lanes to the brim.
func TestManyChannelsAreClippedBetweenBatches(t *testing.T) {
	s := newPlanes(1, 1, 1, 40, 1, pixel.Uint16, 16)
	v := View{Windows: full(16, 40), Bits: 16}
	var stored []int
	for i := range 40 {
		v.Channels = append(v.Channels, i)
		id := "red"
		if i%2 == 1 {
			id = "#00f"
		}
		v.Colormaps = append(v.Colormaps, maps(t, id)...)
		stored = append(stored, 65535)
	}
	if got := shown(t, s, v, stored...); !slices.Equal(got, []int{65535, 0, 65535}) {
		t.Errorf("forty full channels are %v, want 65535, 0, 65535", got)
	}
}

func TestGreyOf16BitsAgreesWith8(t *testing.T) {
	r8, r16 := pixel.New(256, 1, 3, pixel.Uint8), pixel.New(256, 1, 3, pixel.Uint16)
	for i := range r8.Pix {
		v := byte(i * 89)
		r8.Pix[i], r16.Pix[2*i], r16.Pix[2*i+1] = v, v, v
	}
	a, _ := toGrey{}.apply(r8)
	b, _ := toGrey{}.apply(r16)
	for x := range 256 {
		if d := int(a.Pix[x])*257 - int(binary.LittleEndian.Uint16(b.Pix[2*x:])); d < -130 || d > 130 {
			t.Errorf("pixel %d is %d in 8 bits, %d in 16", x, a.Pix[x], binary.LittleEndian.Uint16(b.Pix[2*x:]))
		}
	}
}

// TestFilters: the histogram has values 10 and 200, so every threshold lies
// from 10 to 199 (MINIMUM needs peaks with slopes).
func TestFilters(t *testing.T) {
	counts := make([]int64, 191)
	counts[0], counts[190] = 50, 50
	one := histogram.Sample{First: 10, Counts: counts}
	rgb := newPlanes(1, 1, 3, 1, 1, pixel.Uint8, 8)
	rgb.counts = &histogram.File{Bits: 8, Planes: []histogram.Plane{{Samples: []histogram.Sample{one, one, one}}}}
	wide := newPlanes(1, 1, 1, 1, 1, pixel.Uint16, 16)
	wide.counts = &histogram.File{Bits: 16, Planes: []histogram.Plane{{Samples: []histogram.Sample{{First: 2560, Counts: []int64{1, 0, 3}}, {}}}}}
	f := func(ids ...string) []filter.Filter {
		var out []filter.Filter
		for _, id := range ids {
			found, ok := filter.Find(id)
			if !ok {
				t.Fatalf("%s is missing", id)
			}
			out = append(out, found)
		}
		return out
	}
	natural := maps(t, "red", "lime", "blue")
	three := View{Channels: []int{0, 1, 2}, Windows: full(8, 3), Colormaps: natural, Bits: 8}
	for name, row := range map[string]struct {
		slide   *planes
		filters []filter.Filter
		stored  []int
		want    []int
	}{
		"dark":  {rgb, f("OTSU"), []int{5, 5, 5}, []int{0}},
		"light": {rgb, f("OTSU"), []int{201, 201, 201}, []int{255}},
		// The mean is 105.
		"above the mean":  {rgb, f("MEAN"), []int{106, 106, 106}, []int{255}},
		"below the mean":  {rgb, f("MEAN"), []int{104, 104, 104}, []int{0}},
		"one stain":       {rgb, f("CMY-CYAN"), []int{100, 50, 25}, []int{100, 255, 255}},
		"two in a row":    {rgb, f("CMY-CYAN", "CMY-YELLOW"), []int{100, 50, 25}, []int{255, 255, 255}},
		"16 bits, 8 bits": {wide, f("OTSU"), []int{2900}, []int{255}}, // both values are bin 10, 2900 is 11
	} {
		t.Run(name, func(t *testing.T) {
			v := three
			if row.slide == wide {
				v = View{Channels: []int{0}, Windows: full(16, 1), Colormaps: maps(t, "NONE"), Bits: 8}
			}
			v.Filters = row.filters
			if got := shown(t, row.slide, v, row.stored...); !slices.Equal(got, row.want) {
				t.Errorf("%v is shown as %v, want %v", row.stored, got, row.want)
			}
		})
	}
	rgb.counts = nil
	v := three
	v.Filters = f("OTSU")
	if _, err := planFor(t.Context(), rgb, v); fault.CodeOf(err) != "no-histogram" {
		t.Errorf("without a histogram: %v, want no-histogram", err)
	}
	v.Filters = f("CMY-CYAN", "OTSU")
	if got := shown(t, rgb, v, 100, 50, 25); !slices.Equal(got, []int{0}) {
		t.Errorf("a threshold after a stain takes the picture's own histogram: %v, want 0 for its only value", got)
	}
}

func TestProjections(t *testing.T) {
	s := newPlanes(2, 1, 1, 1, 3, pixel.Uint16, 16)
	for z, values := range [][2]uint16{{500, 7}, {100, 9000}, {300, 8}} {
		data := make([]byte, 4)
		binary.LittleEndian.PutUint16(data, values[0])
		binary.LittleEndian.PutUint16(data[2:], values[1])
		s.pixels[formats.Plane{Z: z}] = data
	}
	r := New(Config{Concurrency: 1, MaxPixels: 1 << 20, MaxMemory: 1 << 20, MaxTile: 1 << 20})
	for how, want := range map[Reduction][2]uint16{Min: {100, 7}, Med: {300, 8}, Max: {500, 9000}} {
		v := View{Channels: []int{0}, Windows: full(16, 1), Colormaps: maps(t, "NONE"), Bits: 16, ZRange: Range{0, 3}, ZReduction: how}
		got, err := r.Scaled(t.Context(), s, ScaledRequest{Width: 2, Height: 1, View: v})
		if err != nil {
			t.Fatal(err)
		}
		if a, b := binary.LittleEndian.Uint16(got.Pix), binary.LittleEndian.Uint16(got.Pix[2:]); a != want[0] || b != want[1] {
			t.Errorf("reduction %d is %d, %d, want %v", how, a, b, want)
		}
	}
	bad := View{Channels: []int{0}, Windows: full(16, 1), Colormaps: maps(t, "NONE"), Bits: 16, ZRange: Range{0, 4}, ZReduction: Max}
	if _, err := r.Scaled(t.Context(), s, ScaledRequest{Width: 2, Height: 1, View: bad}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a plane that does not exist: %v, want kind invalid", err)
	}
	bad.ZRange, bad.ZReduction = Range{0, 3}, Add
	if _, err := r.Scaled(t.Context(), s, ScaledRequest{Width: 2, Height: 1, View: bad}); fault.CodeOf(err) != "no-reduction" {
		t.Errorf("a sum of planes: %v, want no-reduction", err)
	}
}

func TestRegionsOutsideOfTheSlideAreRefused(t *testing.T) {
	s := newPlanes(10, 10, 1, 1, 1, pixel.Uint8, 8)
	s.pixels[formats.Plane{}] = make([]byte, 100)
	r := New(Config{Concurrency: 1, MaxPixels: 1 << 20, MaxMemory: 1 << 20, MaxTile: 1 << 20})
	view := Default(&s.m)
	for _, q := range []RegionRequest{{10, 0, 5, 5, 5, 5, view}, {0, -5, 5, 5, 5, 5, view}, {0, 0, 0, 5, 5, 5, view}} {
		if _, err := r.Region(t.Context(), s, q); fault.CodeOf(err) != "region-outside" {
			t.Errorf("%+v: %v, want region-outside", q, err)
		}
	}
	if got, err := r.Region(t.Context(), s, RegionRequest{8, 8, 20, 20, 3, 4, view}); err != nil || got.Width != 3 || got.Height != 4 || got.Samples != 1 {
		t.Errorf("a region that begins inside: %v (%v)", got, err)
	}
}

func TestFloatsAreShownBetweenTheirBounds(t *testing.T) {
	s := newPlanes(1, 1, 1, 1, 1, pixel.Float32, 32)
	s.m.Bounds = []slide.Bounds{{Min: -1, Max: 3}}
	s.pixels[formats.Plane{}] = []byte{0, 0, 0, 0} // 0.0 is a quarter up
	r := New(Config{Concurrency: 1, MaxPixels: 1 << 20, MaxMemory: 1 << 20, MaxTile: 1 << 20})
	v := Default(&s.m)
	v.Bits = 16
	got, err := r.Scaled(t.Context(), s, ScaledRequest{Width: 1, Height: 1, View: v})
	if err != nil {
		t.Fatal(err)
	}
	// 65535/4 = 16383.75, by the window of AUTO_IMAGE 16384/65534 · 65535
	if v := binary.LittleEndian.Uint16(got.Pix); v < 16383 || v > 16385 {
		t.Errorf("it is %d, want about 16384", v)
	}
	if at := WindowValue(&s.m, 0, 1); at != 32768 {
		t.Errorf("a bound of 1 is counted as %d, want the middle, 32768", at)
	}
}

func TestKeysTellViewsApart(t *testing.T) {
	s := newPlanes(1, 1, 3, 1, 4, pixel.Uint8, 8)
	base := Default(&s.m)
	seen := map[string]string{base.Key(): "the default"}
	hot, _ := colormap.Find("HOT")
	yen, _ := filter.Find("YEN")
	for name, change := range map[string]func(*View){
		"z": func(v *View) { v.Z++ }, "range": func(v *View) { v.ZRange = Range{0, 2} }, "reduction": func(v *View) { v.Reduction = Med },
		"map": func(v *View) { v.Colormaps = []*colormap.Map{hot, hot, hot} }, "inverse": func(v *View) { i := hot.Inverse(); v.Colormaps = []*colormap.Map{i, i, i} },
		"filter": func(v *View) { v.Filters = []filter.Filter{yen} }, "threshold": func(v *View) { v.Threshold = 0.5 },
		"space": func(v *View) { v.Space = GreySpace }, "bits": func(v *View) { v.Bits = 7 },
	} {
		v := base
		change(&v)
		if other, ok := seen[v.Key()]; ok {
			t.Errorf("%s has the key of %s", name, other)
		}
		seen[v.Key()] = name
	}
}

func TestManyChannelsAreBoundedByMemory(t *testing.T) {
	s := newPlanes(256, 256, 1, 40, 1, pixel.Uint16, 16)
	r := New(Config{Concurrency: 1, MaxPixels: 1 << 24, MaxMemory: 4 << 20, MaxTile: 1 << 20})
	_, err := r.Scaled(t.Context(), s, ScaledRequest{Width: 256, Height: 256, View: Default(&s.m)})
	if fault.CodeOf(err) != "render-too-much-memory" { // 40 · 128 KiB
		t.Errorf("40 channels of 128 KiB in 4 MiB: %v, want render-too-much-memory", err)
	}
}
