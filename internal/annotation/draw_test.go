package annotation

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/paulmach/orb"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/color"
	"github.com/pims-cloud/pims/pixel"
)

// picture draws an 8-bit grey raster as text, "#" for what is set.
func picture(r *pixel.Raster) string {
	var out strings.Builder
	for y := range r.Height {
		out.WriteByte('\n')
		for x := range r.Width {
			if r.Row(y)[x*r.Samples] != 0 {
				out.WriteByte('#')
			} else {
				out.WriteByte('.')
			}
		}
	}
	return out.String()
}

func white(g orb.Geometry) []Annotation {
	return []Annotation{{Geometry: g, Fill: color.Color{R: 255, G: 255, B: 255}}}
}

func mask(t testing.TB, text string, width, height int) *pixel.Raster {
	t.Helper()
	out, err := Mask(context.Background(), white(parse(t, text)), Region{0, 0, float64(width), float64(height)}, width, height, 8)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestShapesFillThePixelsWhoseCentresAreInside(t *testing.T) {
	for text, want := range map[string]string{
		// Centres at 1.5 … 3.5 lie between 1.2 and 4.4, 4.5 does not; of 1.5 …
		// 3.5, the last is below 3.4.
		"POLYGON ((1.2 1.2, 4.4 1.2, 4.4 3.4, 1.2 3.4, 1.2 1.2))": `
......
.###..
.###..
......`,
		"POLYGON ((0 0, 6 0, 6 4, 0 4, 0 0), (2 1, 4 1, 4 3, 2 3, 2 1))": `
######
##..##
##..##
######`,
		// A bow tie, by the even-odd rule.
		"POLYGON ((0 0, 6 4, 6 0, 0 4, 0 0))": `
#....#
##..##
##..##
#....#`,
		// Two parts of one geometry that overlap.
		"MULTIPOLYGON (((0 0, 4 0, 4 4, 0 4, 0 0)), ((2 0, 6 0, 6 4, 2 4, 2 0)))": `
##..##
##..##
##..##
##..##`,
		"GEOMETRYCOLLECTION (POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0)), POLYGON ((2 0, 6 0, 6 4, 2 4, 2 0)))": `
######
######
######
######`,
		// The lower edge lies on centres and runs to the right: not filled, as in
		// GDAL; the upper one is the row's own.
		"POLYGON ((0 0.5, 0 2.5, 6 2.5, 6 0.5, 0 0.5))": `
######
######
......
......`,
		"POLYGON ((0 0.5, 6 0.5, 6 2.5, 0 2.5, 0 0.5))": `
######
######
######
......`,
		// 6 across, 2 down: the error is -2, 2, -6, -2, 2, -6 …
		"LINESTRING (0 0, 6 2)": `
##....
..###.
.....#
......`,
		"LINESTRING (5.9 3.9, 5.1 0.2)": `
.....#
.....#
.....#
.....#`,
		"MULTIPOINT ((0 0), (5.99 3.99), (6 4), (-0.01 1))": `
#.....
......
......
.....#`,
	} {
		if got := picture(mask(t, text, 6, 4)); got != want {
			t.Errorf("%s gives%s\nwant%s", text, got, want)
		}
	}
}

// The walk that starts at the raster's edge sets the pixels of the walk over
// all steps.
func TestClippedLinesAreTheSamePixels(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		a := orb.Point{random.Float64()*200 - 80, random.Float64()*200 - 80}
		b := orb.Point{random.Float64()*200 - 80, random.Float64()*200 - 80}
		small, large := pixel.New(40, 30, 1, pixel.Uint8), pixel.New(240, 230, 1, pixel.Uint8)
		for _, r := range []*pixel.Raster{small, large} {
			c := newCanvas(context.Background(), r)
			c.value = []byte{1}
			if r == large {
				a, b = orb.Point{a[0] + 100, a[1] + 100}, orb.Point{b[0] + 100, b[1] + 100}
			}
			c.path([]orb.Point{a, b})
		}
		if got, want := picture(small), picture(pixel.Crop(large, 100, 100, 40, 30)); got != want {
			t.Fatalf("%v to %v gives%s\nwant%s", a, b, got, want)
		}
	}
}

func TestFarLinesCostNothing(t *testing.T) {
	r := pixel.New(20, 20, 1, pixel.Uint8)
	c := newCanvas(context.Background(), r)
	c.value = []byte{1}
	c.path([]orb.Point{{-4e13, -4e13}, {4e13, 4e13}})
	if got := picture(r); strings.Count(got, "#") != 20 || c.work > 1000 {
		t.Errorf("%d steps for%s", c.work, got)
	}
}

func TestMasksAreGreyUntilAColourIsNot(t *testing.T) {
	square := parse(t, "POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))")
	dot := parse(t, "POINT (1 1)")
	region := Region{0, 0, 2, 2}
	draw := func(bits int, as ...Annotation) *pixel.Raster {
		out, err := Mask(context.Background(), as, region, 2, 2, bits)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	grey := draw(8, Annotation{Geometry: square, Fill: color.Color{R: 100, G: 100, B: 100}}, Annotation{Geometry: dot})
	if got := string(grey.Pix); grey.Samples != 1 || got != "\x64\x64\x64\x00" {
		t.Errorf("grey mask is %d samples of %v", grey.Samples, grey.Pix)
	}
	rgb := draw(8, Annotation{Geometry: square, Fill: color.Color{R: 100, G: 100, B: 100}}, Annotation{Geometry: dot, Fill: color.Color{R: 1, G: 2, B: 3}})
	if got := string(rgb.Pix); rgb.Samples != 3 || got != "ddddddddd\x01\x02\x03" {
		t.Errorf("RGB mask is %d samples of %v", rgb.Samples, rgb.Pix)
	}
	// 100·4095/255 = 1605.9, 100·257 = 25700.
	for bits, want := range map[int]int{12: 1606, 16: 25700} {
		deep := draw(bits, Annotation{Geometry: square, Fill: color.Color{R: 100, G: 100, B: 100}})
		if got := sampleOf(deep.Pix[:2]); deep.Type != pixel.Uint16 || got != want {
			t.Errorf("%d bits: %d, want %d", bits, got, want)
		}
	}
}

func TestCropKeepsPixelsAndAddsAlpha(t *testing.T) {
	region := Region{0, 0, 2, 1}
	left := parse(t, "POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))")
	all := parse(t, "POLYGON ((0 0, 2 0, 2 1, 0 1, 0 0))")
	fill := color.Color{R: 255, G: 255, B: 255}
	for name, c := range map[string]struct {
		samples      int
		pix          string
		annotations  []Annotation
		transparency int
		want         string
	}{
		"grey, 0":            {1, "\x01\x02", []Annotation{{Geometry: left, Fill: fill}}, 0, "\x01\xff\x02\xff"},
		"grey, 50":           {1, "\x01\x02", []Annotation{{Geometry: left, Fill: fill}}, 50, "\x01\xff\x02\x7f"},
		"grey, 73":           {1, "\x01\x02", []Annotation{{Geometry: left, Fill: fill}}, 73, "\x01\xff\x02\x44"},
		"RGB, 100":           {3, "abcdef", []Annotation{{Geometry: left, Fill: fill}}, 100, "abc\xffdef\x00"},
		"no red is outside":  {1, "\x01\x02", []Annotation{{Geometry: all, Fill: fill}, {Geometry: left, Fill: color.Color{B: 255}}}, 100, "\x01\x00\x02\xff"},
		"the lesser alpha":   {2, "\x01\x10\x02\x90", []Annotation{{Geometry: all, Fill: fill}}, 100, "\x01\x10\x02\x90"},
		"RGBA, from outside": {4, "abc\x90def\x90", []Annotation{{Geometry: left, Fill: fill}}, 100, "abc\x90def\x00"},
	} {
		in := &pixel.Raster{Width: 2, Height: 1, Samples: c.samples, Stride: len(c.pix), Pix: []byte(c.pix)}
		got, err := Crop(context.Background(), in, c.annotations, region, c.transparency)
		if err != nil || string(got.Pix) != c.want {
			t.Errorf("%s: %q (%v), want %q", name, got.Pix, err, c.want)
		}
	}
	deep := pixel.New(2, 1, 1, pixel.Uint16)
	got, err := Crop(context.Background(), deep, []Annotation{{Geometry: left, Fill: fill}}, region, 50)
	// 65535/2, rounded down, is 32767.
	if want := "\x00\x00\xff\xff\x00\x00\xff\x7f"; err != nil || string(got.Pix) != want {
		t.Errorf("16 bits: %q (%v), want %q", got.Pix, err, want)
	}
}

func TestStrokes(t *testing.T) {
	// 3·(0.75+0.128) = 2.6 → 3; 2·(0.75+0.25) = 2; 1·(0.75+0.75) = 1.5 → 2; 1·(0.75 + 0.1) = 0.85 → 1.
	for _, c := range []struct{ width, side, want int }{{3, 128, 3}, {2, 250, 2}, {1, 750, 2}, {1, 100, 1}, {0, 4000, 0}, {10, 10000, 108}} {
		if got := strokePixels(c.width, c.side); got != c.want {
			t.Errorf("a stroke of %d in a picture of %d is %d pixels, want %d", c.width, c.side, got, c.want)
		}
	}
	for k, want := range map[int]float64{2: 1.1, 3: 1.2, 11: 2} {
		if got := strokeRadius(k); got != want {
			t.Errorf("a stroke of %d reaches %v pixels, want %v", k, got, want)
		}
	}
}

func outline(t *testing.T, text string, width, symbolPicture int, symbol Symbol) string {
	t.Helper()
	stroke := color.Color{R: 255, G: 255, B: 255}
	in := pixel.New(symbolPicture, symbolPicture, 1, pixel.Uint8)
	a := []Annotation{{Geometry: parse(t, text), Stroke: &stroke, StrokeWidth: width}}
	side := float64(symbolPicture)
	out, err := Draw(context.Background(), in, a, Region{0, 0, side, side}, Drawing{Symbol: symbol, Bits: 8})
	if err != nil {
		t.Fatal(err)
	}
	return picture(out)
}

func TestOutlines(t *testing.T) {
	if got, want := outline(t, "POLYGON ((1 1, 5 1, 5 5, 1 5, 1 1))", 0, 7, Cross), `
.......
.#####.
.#...#.
.#...#.
.#...#.
.#####.
.......`; got != want {
		t.Errorf("a thin ring is%s\nwant%s", got, want)
	}
	// 2·0.757 → 2 pixels: 1.1 to either side of y = 3.5, so rows with centres
	// within 2.4 … 4.6, and as far beyond the ends (the corner of the end,
	// (0.5, 2.5), is √2 from it).
	if got, want := outline(t, "LINESTRING (1.5 3.5, 4.5 3.5)", 2, 7, Cross), `
.......
.......
.####..
######.
.####..
.......
.......`; got != want {
		t.Errorf("a wide line is%s\nwant%s", got, want)
	}
}

func TestSymbolsStandOnTheMiddleOfPixels(t *testing.T) {
	cross := outline(t, "POINT (12.2 12.1)", 0, 25, Cross)
	lines := strings.Split(strings.TrimPrefix(cross, "\n"), "\n")
	if strings.Count(cross, "#") != 41 || lines[12] != "..#####################.." || lines[2][12] != '#' || lines[22][12] != '#' || lines[1][12] != '.' {
		t.Errorf("the cross is%s", cross)
	}
	if moved := outline(t, "POINT (12.5 12.9)", 0, 25, Cross); moved != cross {
		t.Errorf("at (12.5, 12.9) the cross is%s", moved)
	}
	hair := strings.Split(strings.TrimPrefix(outline(t, "POINT (12 12)", 0, 25, CrossHair), "\n"), "\n")
	if hair[12] != "..########.....########.." {
		t.Errorf("the middle of a cross hair is %s", hair[12])
	}
	circle := strings.Split(strings.TrimPrefix(outline(t, "MULTIPOINT ((12 12))", 0, 25, Circle), "\n"), "\n")
	if circle[12] != "......#...........#......" || circle[6][12] != '#' || circle[18][12] != '#' || circle[12][12] != '.' {
		t.Errorf("the circle is\n%s", strings.Join(circle, "\n"))
	}
}

func TestStrokesColourAPictureAndBlackIsDrawn(t *testing.T) {
	red, black := color.Color{R: 255}, color.Color{}
	line := parse(t, "LINESTRING (0 0, 1 0)")
	dot := parse(t, "LINESTRING (1 1, 1 1)")
	region := Region{0, 0, 2, 2}
	grey := func() *pixel.Raster {
		return &pixel.Raster{Width: 2, Height: 2, Samples: 1, Stride: 2, Pix: []byte("abcd")}
	}
	for name, c := range map[string]struct {
		strokes []Annotation
		grey    bool
		want    string
	}{
		"red":                  {[]Annotation{{Geometry: line, Stroke: &red}}, false, "\xff\x00\x00\xff\x00\x00cccddd"},
		"red, to be kept grey": {[]Annotation{{Geometry: line, Stroke: &red}}, true, "\x7f\x7fcd"},
		"black":                {[]Annotation{{Geometry: line, Stroke: &black}}, false, "\x00\x00cd"},
		"black with red":       {[]Annotation{{Geometry: line, Stroke: &red}, {Geometry: dot, Stroke: &black}}, false, "\xff\x00\x00\xff\x00\x00ccc\x00\x00\x00"},
		"none":                 {[]Annotation{{Geometry: line}}, false, "abcd"},
	} {
		got, err := Draw(context.Background(), grey(), c.strokes, region, Drawing{Bits: 8, Grey: c.grey})
		if err != nil || string(got.Pix) != c.want {
			t.Errorf("%s: %q (%v), want %q", name, got.Pix, err, c.want)
		}
	}
	deep := pixel.New(2, 2, 4, pixel.Uint16)
	got, err := Draw(context.Background(), deep, []Annotation{{Geometry: line, Stroke: &red}}, region, Drawing{Bits: 12})
	if want := "\xff\x0f\x00\x00\x00\x00\xff\xff"; err != nil || string(got.Pix[:8]) != want {
		t.Errorf("12 bits with alpha: %q (%v), want %q", got.Pix[:8], err, want)
	}
}

func TestWorkIsBoundedAndStops(t *testing.T) {
	zigzag := func(ctx context.Context) *canvas {
		c := newCanvas(ctx, pixel.New(4000, 400, 1, pixel.Uint8))
		c.value, c.limit = []byte{1}, 1<<20
		var line orb.LineString
		for i := range 1000 {
			line = append(line, orb.Point{float64(i % 2 * 4000), float64(i % 400)})
		}
		c.fill(line)
		return c
	}
	if c := zigzag(context.Background()); fault.KindOf(c.err) != fault.TooLarge || c.work > c.limit+4000 {
		t.Errorf("a line of 4 million steps gave %v after %d steps", c.err, c.work)
	}
	gone, cancel := context.WithCancel(context.Background())
	cancel()
	if c := zigzag(gone); !errors.Is(c.err, context.Canceled) || c.work > 2*workCheck {
		t.Errorf("drawing for nobody gave %v after %d steps", c.err, c.work)
	}
}

// drawEverything is the target of fuzzing: nothing that was read makes drawing
// panic, run away or write outside.
func drawEverything(t testing.TB, g orb.Geometry) {
	t.Helper()
	stroke := color.Color{R: 255}
	as := []Annotation{{Geometry: g, Stroke: &stroke, StrokeWidth: 3, Fill: stroke}}
	near := Around(as, 100).Grow(1.3).Square().Within(3000, 2000)
	if !(near.Width >= 1 && near.Height >= 1 && near.Left >= 0 && near.Left+near.Width <= 3000 && near.Top >= 0 && near.Top+near.Height <= 2000) {
		t.Fatalf("the region of %v is %v", g, near)
	}
	for _, region := range []Region{near, {0, 0, 3000, 2000}} {
		picture := pixel.New(50, 40, 3, pixel.Uint8)
		for _, symbol := range []Symbol{Cross, CrossHair, Circle} {
			if _, err := Draw(context.Background(), picture, as, region, Drawing{Symbol: symbol, Bits: 8}); err != nil && fault.KindOf(err) != fault.TooLarge {
				t.Fatal(err)
			}
		}
		if _, err := Crop(context.Background(), picture, as, region, 30); err != nil && fault.KindOf(err) != fault.TooLarge {
			t.Fatal(err)
		}
	}
}

func BenchmarkMask(b *testing.B) {
	as := white(parse(b, "POLYGON ((10 10, 900 60, 980 900, 40 1000, 10 10), (300 300, 700 300, 700 700, 300 700, 300 300))"))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Mask(context.Background(), as, Region{0, 0, 1024, 1024}, 1024, 1024, 8); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCrop(b *testing.B) {
	as := white(parse(b, "POLYGON ((10 10, 900 60, 980 900, 40 1000, 10 10))"))
	in := pixel.New(1024, 1024, 3, pixel.Uint8)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Crop(context.Background(), in, as, Region{0, 0, 1024, 1024}, 50); err != nil {
			b.Fatal(err)
		}
	}
}

// An outline as people draw it: many vertices, a stroke of some pixels.
func BenchmarkDraw(b *testing.B) {
	var ring orb.Ring
	for i := range 2000 {
		sin, cos := math.Sincos(float64(i) * math.Pi / 1000)
		radius := 400 + 20*math.Sin(float64(i)/7)
		ring = append(ring, orb.Point{512 + radius*cos, 512 + radius*sin})
	}
	stroke := color.Color{R: 255}
	as := []Annotation{{Geometry: orb.Polygon{append(ring, ring[0])}, Stroke: &stroke, StrokeWidth: 3}}
	in := pixel.New(1024, 1024, 3, pixel.Uint8)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Draw(context.Background(), in, as, Region{0, 0, 1024, 1024}, Drawing{Bits: 8}); err != nil {
			b.Fatal(err)
		}
	}
}
