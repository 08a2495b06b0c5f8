package cog_test

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/pyrtiff"
	"github.com/pims-cloud/pims/formats/svs"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/cog"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/source/sourcetest"
)

var background = context.Background()

// slide is a file of ours, opened, with what was read of its pixels.
type slide struct {
	cog.Source
	t     *testing.T
	file  formatstest.File
	mu    sync.Mutex
	reads []source.Range
}

func open(t *testing.T, f formats.Format, name string) *slide {
	t.Helper()
	s := &slide{t: t, file: formatstest.Load(t, testfiles.Own(t, name))}
	bundle := formatstest.NewBundle(s.file)
	img, err := f.Open(background, bundle)
	must(t, err)
	s.Description, err = img.Describe(background)
	must(t, err)
	locator := img.(formats.TileLocator)
	s.Encodings = locator.Encodings()
	d := s.Description
	s.Locate = func(ctx context.Context, level, plane, first, count int) ([]formats.Extent, error) {
		return locator.Locate(ctx, level, formats.Plane{Z: plane % d.Depth}, first, count)
	}
	s.Read = s.read
	return s
}

func (s *slide) read(_ context.Context, extents []formats.Extent) ([][]byte, error) {
	out := make([][]byte, len(extents))
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, e := range extents {
		s.reads = append(s.reads, source.Range{Offset: e.Offset, Length: e.Length})
		out[i] = bytes.Clone(s.file.Data[e.Offset : e.Offset+e.Length])
	}
	return out, nil
}

// levels keeps the first n levels of the source only.
func (s *slide) levels(n int) *slide {
	s.Description.Levels = s.Description.Levels[:n]
	return s
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// written is a converted file, opened again.
type written struct {
	*cog.File
	data     []byte
	prepared *cog.Prepared
	plan     *cog.Plan
}

func convert(t testing.TB, s cog.Source, o cog.Options) written {
	t.Helper()
	if o.Software == "" {
		o.Software = "pims test"
	}
	plan, err := cog.NewPlan(s, o)
	must(t, err)
	x, err := plan.Prepare(background)
	must(t, err)
	defer x.Close()
	var out bytes.Buffer
	must(t, x.Write(background, &out))
	if int64(out.Len()) != x.Size() {
		t.Fatalf("%d bytes were written, %d were announced", out.Len(), x.Size())
	}
	w := written{data: out.Bytes(), prepared: x, plan: plan}
	bundle := formatstest.NewBundle(formatstest.File{Name: "x.tif", Data: w.data})
	r, err := bundle.Open(background, "x.tif")
	must(t, err)
	w.File, err = cog.Open(background, r, s.Description.Planes())
	must(t, err)
	return w
}

func (w written) tile(t testing.TB, level, plane, n int) []byte {
	t.Helper()
	e, err := w.Locate(background, level, plane, n, 1)
	must(t, err)
	return w.data[e[0].Offset : e[0].Offset+e[0].Length]
}

// pixels decodes a whole level.
func (w written) pixels(t testing.TB, level, plane int) *pixel.Raster {
	t.Helper()
	l := w.Levels()[level]
	enc := w.Encodings()[l.Encoding]
	var out *pixel.Raster
	for n := range l.Tiles() {
		r, err := codec.Decode(enc, w.tile(t, level, plane, n), l.TileWidth, l.TileHeight)
		must(t, err)
		if out == nil {
			out = pixel.New(l.Width, l.Height, r.Samples, r.Type)
		}
		must(t, pixel.Paste(out, r, n%l.TilesAcross()*l.TileWidth, n/l.TilesAcross()*l.TileHeight))
	}
	return out
}

func TestCopiedTilesAreTheSourcesBytes(t *testing.T) {
	for name, f := range map[string]formats.Format{
		"svs/rgb-240.svs": svs.New(), "svs/ycbcr-256.svs": svs.New(), "svs/bigtiff.svs": svs.New(),
		"pyrtiff/lzw-predictor-pages.tif": pyrtiff.New(), "pyrtiff/grey16-none-mm-big.tif": pyrtiff.New(),
		"pyrtiff/jpeg-complete-subifd.tif": pyrtiff.New(), "pyrtiff/deflate-predictor-pages.tif": pyrtiff.New(),
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, f, name).levels(1)
			w := convert(t, s.Source, cog.Options{})
			if w.plan.Way != cog.Copy || !w.prepared.PixelsIdentical {
				t.Fatalf("way %s (%s), identical %t", w.plan.Way, w.plan.Why, w.prepared.PixelsIdentical)
			}
			l := s.Description.Levels[0]
			extents, err := s.Locate(background, 0, 0, 0, l.Tiles())
			must(t, err)
			for n, e := range extents {
				if !bytes.Equal(w.tile(t, 0, 0, n), s.file.Data[e.Offset:e.Offset+e.Length]) {
					t.Fatalf("tile %d of level 0 is not the source's", n)
				}
			}
			enc := w.Encodings()[w.Levels()[0].Encoding]
			if diff := cmp.Diff(s.Encodings[l.Encoding], enc); diff != "" {
				t.Errorf("encoding of level 0 (-source +copy):\n%s", diff)
			}
			if last := w.Levels()[len(w.Levels())-1]; last.Tiles() != 1 {
				t.Errorf("the coarsest level has %d tiles", last.Tiles())
			}
		})
	}
}

func TestEveryTileIsReadOnce(t *testing.T) {
	for _, levels := range []int{1, 2} {
		s := open(t, svs.New(), "svs/rgb-240.svs")
		s.levels(min(levels, len(s.Description.Levels)))
		convert(t, s.Source, cog.Options{})
		var want []source.Range
		for i, l := range s.Description.Levels {
			extents, err := s.Locate(background, i, 0, 0, l.Tiles())
			must(t, err)
			for _, e := range extents {
				want = append(want, source.Range{Offset: e.Offset, Length: e.Length})
			}
		}
		if diff := cmp.Diff(sourcetest.Joined(t, want), sourcetest.Joined(t, s.reads)); diff != "" {
			t.Errorf("%d levels: reads (-want +got):\n%s", levels, diff)
		}
		// Level 0, of which no level is made, lies in one piece of the file.
		if whole := sourcetest.Joined(t, want)[0]; levels == 2 && !slices.Contains(s.reads, whole) {
			t.Errorf("level 0 is at %v; the reads are %v", whole, s.reads)
		}
	}
}

func TestMadeLevelsAreTheMeanOfTheFinerOnes(t *testing.T) {
	s := open(t, pyrtiff.New(), "pyrtiff/deflate-predictor-pages.tif").levels(1)
	w := convert(t, s.Source, cog.Options{})
	for level := 1; level < len(w.Levels()); level++ {
		want := pixel.Shrink2(w.pixels(t, level-1, 0))
		if !bytes.Equal(want.Pix, w.pixels(t, level, 0).Pix) {
			t.Errorf("level %d is not the mean of level %d", level, level-1)
		}
	}
}

func TestTheWorkersNumberDoesNotChangeTheFile(t *testing.T) {
	one := convert(t, open(t, svs.New(), "svs/rgb-240.svs").levels(1).Source, cog.Options{Workers: 1})
	many := convert(t, open(t, svs.New(), "svs/rgb-240.svs").levels(1).Source, cog.Options{Workers: 7})
	if !bytes.Equal(one.data, many.data) {
		t.Error("one worker and seven wrote different files")
	}
}

// drawn is a picture without tiles: pixel (x, y) of plane p follows from x, y
// and p.
type drawn struct {
	d       *formats.Description
	samples int
	t       pixel.Type
}

func (g drawn) ReadRegion(_ context.Context, _ int, p formats.Plane, x, y, width, height int) (*pixel.Raster, error) {
	r := pixel.New(width, height, g.samples, g.t)
	size := g.t.Bytes()
	for row := range height {
		line := r.Row(row)
		for i := 0; i < len(line); i += size {
			px := i / size / g.samples
			line[i] = byte((x+px)/2 + (y+row)/3 + 40*g.d.PlaneNumber(p) + 7*(i/size%g.samples))
		}
	}
	return r, nil
}

func drawing(width, height, samples int, t pixel.Type, c, z, frames int) cog.Source {
	d := &formats.Description{
		Format: "DRAWN", Width: width, Height: height, Depth: z, Duration: frames, ConcreteChannels: c,
		Samples: samples, PixelType: t, SignificantBits: 8 * t.Bytes(),
		Levels: []formats.Level{{Width: width, Height: height, TileWidth: width, TileHeight: 1}},
	}
	for i := range c * samples {
		d.Channels = append(d.Channels, formats.Channel{Name: string(rune('A' + i)), Color: "#0f0"})
	}
	size := 0.25
	d.PhysicalSizeX, d.PhysicalSizeY = &size, &size
	return cog.Source{Description: d, Region: drawn{d, samples, t}, ICCProfile: bytes.Repeat([]byte("icc"), 50)}
}

func TestWithoutLossLevel0IsWhatTheFormatGave(t *testing.T) {
	for typ := pixel.Uint8; typ <= pixel.Float64; typ++ {
		for _, samples := range []int{1, 3, 4} {
			s := drawing(530, 301, samples, typ, 1, 1, 1)
			w := convert(t, s, cog.Options{})
			if w.plan.Way != cog.Transcode || !w.prepared.PixelsIdentical || w.prepared.Compression != formats.CodecDeflate {
				t.Fatalf("%s × %d: way %s, compression %s", typ, samples, w.plan.Way, w.prepared.Compression)
			}
			want, err := s.Region.ReadRegion(background, 0, formats.Plane{}, 0, 0, 530, 301)
			must(t, err)
			if !bytes.Equal(want.Pix, w.pixels(t, 0, 0).Pix) {
				t.Errorf("%s × %d: level 0 is not what was given", typ, samples)
			}
		}
	}
}

func TestCompressionAndTileSizeAreAsAsked(t *testing.T) {
	w := convert(t, drawing(1100, 600, 3, pixel.Uint8, 1, 1, 1), cog.Options{Compression: cog.JPEG, Quality: 80, TileSide: 512})
	if w.prepared.Compression != formats.CodecJPEG || w.prepared.PixelsIdentical {
		t.Errorf("compression %s, identical %t", w.prepared.Compression, w.prepared.PixelsIdentical)
	}
	if l := w.Levels()[0]; l.TileWidth != 512 || l.TileHeight != 512 {
		t.Errorf("tiles are %d × %d", l.TileWidth, l.TileHeight)
	}
	lossless := open(t, svs.New(), "svs/rgb-240.svs").levels(1)
	w = convert(t, lossless.Source, cog.Options{Compression: cog.Deflate})
	if w.plan.Way != cog.Copy || w.Encodings()[w.Levels()[1].Encoding].Codec != formats.CodecDeflate {
		t.Error("made levels of a copy are not stored as asked")
	}
}

func TestSeveralPlanesKeepTheirOrder(t *testing.T) {
	s := drawing(600, 300, 1, pixel.Uint16, 2, 3, 2)
	w := convert(t, s, cog.Options{})
	for plane := range s.Description.Planes() {
		d := s.Description
		c, z := plane%d.ConcreteChannels, plane/d.ConcreteChannels%d.Depth
		want, err := s.Region.ReadRegion(background, 0, formats.Plane{C: c, Z: z, T: plane / d.ConcreteChannels / d.Depth}, 0, 0, 600, 300)
		must(t, err)
		if !bytes.Equal(want.Pix, w.pixels(t, 0, plane).Pix) {
			t.Errorf("plane %d is not in its place", plane)
		}
	}
	for _, want := range []string{`DimensionOrder="XYCZT"`, `SizeC="2" SizeZ="3" SizeT="2"`, `PhysicalSizeX="0.25"`, `Color="16711935"`, `Type="uint16"`} {
		if !bytes.Contains(w.data, []byte(want)) {
			t.Errorf("the OME-XML does not say %s", want)
		}
	}
}

func TestBlankTilesStayBlank(t *testing.T) {
	s := open(t, svs.New(), "svs/blank-tiles.svs").levels(1)
	w := convert(t, s.Source, cog.Options{})
	l := s.Description.Levels[0]
	want, err := s.Locate(background, 0, 0, 0, l.Tiles())
	must(t, err)
	got, err := w.Locate(background, 0, 0, 0, l.Tiles())
	must(t, err)
	blank := 0
	for n := range want {
		if want[n].Blank != got[n].Blank {
			t.Errorf("tile %d: blank %t, in the source %t", n, got[n].Blank, want[n].Blank)
		}
		if got[n].Blank {
			blank++
		}
	}
	if blank == 0 {
		t.Error("the slide has no blank tile")
	}
}

func TestADamagedTileIsNamed(t *testing.T) {
	s := open(t, svs.New(), "svs/rgb-240.svs").levels(1)
	e, err := s.Locate(background, 0, 0, 5, 1)
	must(t, err)
	clear(s.file.Data[e[0].Offset : e[0].Offset+e[0].Length])
	plan, err := cog.NewPlan(s.Source, cog.Options{})
	must(t, err)
	_, err = plan.Prepare(background)
	if fault.KindOf(err) != fault.Corrupt || !bytes.Contains([]byte(fault.Sentence(err)), []byte("tile 5 of level 0")) {
		t.Errorf("error %v", err)
	}
}

func TestCancellingEndsPrepareAndWrite(t *testing.T) {
	s := open(t, svs.New(), "svs/rgb-240.svs").levels(1)
	plan, err := cog.NewPlan(s.Source, cog.Options{})
	must(t, err)
	gone, cancel := context.WithCancel(background)
	cancel()
	if _, err := plan.Prepare(gone); fault.KindOf(err) != fault.Canceled {
		t.Errorf("Prepare: %v", err)
	}
	x, err := plan.Prepare(background)
	must(t, err)
	defer x.Close()
	if err := x.Write(gone, io.Discard); fault.KindOf(err) != fault.Canceled {
		t.Errorf("Write: %v", err)
	}
}

func TestFrom4GiBOnTheFileIsBigTIFF(t *testing.T) {
	enc := formats.Encoding{Codec: formats.CodecDeflate, Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 8}
	for _, c := range []struct {
		each uint32
		big  bool
	}{{1 << 20, false}, {1<<32 - 1, true}} {
		m := cog.Image{Planes: 1, Encodings: []formats.Encoding{enc}, Levels: []formats.Level{{Width: 512, Height: 256, TileWidth: 256, TileHeight: 256}}}
		l, err := cog.Lay(m, func(int, int) ([]uint32, error) { return []uint32{c.each, c.each}, nil })
		must(t, err)
		if l.BigTIFF() != c.big {
			t.Errorf("two tiles of %d bytes: BigTIFF %t", c.each, l.BigTIFF())
		}
	}
}

func rangesOf(extents []formats.Extent) []source.Range {
	out := make([]source.Range, len(extents))
	for i, e := range extents {
		out[i] = source.Range{Offset: e.Offset, Length: e.Length}
	}
	return out
}
