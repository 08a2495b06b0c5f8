package all_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/all"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/plainimage/plaintest"
	"github.com/pims-cloud/pims/internal/cache"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

const (
	maxPlanes   = 64 // of one file that are looked at
	gridPoints  = 12 // a side of the grid of points of one tile
	seenSamples = 4  // of a pixel as colours and alpha
)

// grid is the points of one tile of one level.
type grid struct {
	Level         int   `json:"-"`
	Width         int   `json:"width"` // of the level
	Height        int   `json:"height"`
	Shrink        int   `json:"shrink"` // of a level that was made: how many times it is smaller than level 0
	Xs            []int `json:"xs"`     // in the level
	Ys            []int `json:"ys"`
	tile          int
	tileX, tileY  int
	width, height int // decoded
}

// points are samples in the order plane, grid, y, x, sample.
type points struct {
	values  []float64
	samples int
}

// imported is a file that was imported and read again.
type imported struct {
	summary string
	foreign bool  // of a codec that this build does not decode
	unseen  error // why the samples are no colours
	d       *formats.Description
	planes  []formats.Plane
	grids   []grid
	points  points
	lossy   bool // source tiles are JPEG, lossy WebP or JPEG 2000, or made of colour differences
	anew    bool // encoded as JPEG by the conversion
	made    bool // level 0 was put together, alpha laid over black
}

// importFile imports a file between stores in memory and reads its tiles; it
// gives the code and sentence of a refusal instead.
func importFile(t *testing.T, path string, seen bool) (*imported, string) {
	t.Helper()
	ctx := context.Background()
	file := formatstest.Load(t, path)
	slides, uploads := objectstore.New(memory.New()), objectstore.New(memory.New())
	pages, err := cache.New(1 << 20)
	check(t, err)
	catalog, err := slide.NewCatalog(slide.Stores{Slides: slides, Uploads: uploads}, pages, slide.Config{Open: 1, Recheck: time.Hour})
	check(t, err)
	registry := formats.NewRegistry(all.Formats(), formats.ResolutionOrder{})
	im, err := importer.New(importer.Deps{
		Registry: registry, Slides: slides, Uploads: uploads, Catalog: catalog, Log: slog.New(slog.DiscardHandler), Creator: "pims test",
	})
	check(t, err)
	o, err := uploads.Put(ctx, filepath.Base(path), bytes.NewReader(file.Data), int64(len(file.Data)), objectstore.PutOptions{})
	check(t, err)
	report, err := im.Import(ctx, importer.NewJob(importer.Upload{Bucket: uploads.URL(), Key: o.Key, ETag: o.ETag, Size: o.Size}, "", false))
	if err != nil {
		if report == nil || report.State != importer.StateFailed {
			t.Errorf("%s: the import neither failed nor succeeded: %v", path, err)
		}
		return nil, fault.CodeOf(err) + ": " + fault.Sentence(err)
	}
	s, err := catalog.Open(ctx, report.ID)
	check(t, err)
	return readImported(t, registry, file, report, s, seen), ""
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// readImported reads the points of corner and centre tiles of all levels.
func readImported(t *testing.T, registry *formats.Registry, file formatstest.File, report *importer.Report, s *slide.Slide, seen bool) *imported {
	t.Helper()
	ctx := context.Background()
	d := &s.Manifest().Description
	out := &imported{d: d}
	converted := report.Conversion != nil && report.Conversion.State == importer.ConversionDone
	way := "in place"
	if converted {
		way = "converted (" + string(report.Conversion.Way) + ", " + string(report.Conversion.Codec) + ")"
	}
	out.summary = fmt.Sprintf("%s, %d × %d × %d %s, %s, %s, %s", d.Format, d.Width, d.Height, d.Samples, d.PixelType,
		counted(d.Planes(), "plane"), counted(len(d.Levels), "level"), way)
	format, _ := registry.ByID(d.Format)
	bundle := formatstest.NewBundle(file)
	image, err := format.Open(ctx, bundle)
	check(t, err)
	original, err := image.Describe(ctx)
	check(t, err)
	_, out.made = image.(formats.RegionReader)
	out.lossy, out.foreign = natureOf(image, s, out.made)
	out.anew = converted && report.Conversion.Way == "transcode" && report.Conversion.Codec == formats.CodecJPEG
	if out.foreign {
		out.summary = "kept, but not shown: " + report.Why
		return out
	}
	for p := range min(d.Planes(), maxPlanes) {
		c, rest := p%d.ConcreteChannels, p/d.ConcreteChannels
		out.planes = append(out.planes, formats.Plane{C: c, Z: rest % d.Depth, T: rest / d.Depth})
	}
	for level := range d.Levels {
		out.grids = append(out.grids, gridsOf(d, original, level)...)
	}
	for _, plane := range out.planes {
		for _, g := range out.grids {
			if err := out.read(ctx, s, plane, g, seen); err != nil {
				t.Errorf("%s: plane %+v, level %d, tile %d: %v", file.Name, plane, g.Level, g.tile, err)
				return out
			}
		}
	}
	return out
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// natureOf tells whether decoding is a matter of rounding, and whether this
// build can do it at all.
func natureOf(image formats.Image, s *slide.Slide, made bool) (lossy, foreign bool) {
	for _, e := range s.Manifest().Encodings {
		foreign = foreign || !codec.CanDecode(e)
	}
	if made {
		shown, ok := image.(interface{ Shown() formats.Encoding })
		return ok && shown.Shown().Photometric == formats.PhotometricYCbCr, foreign
	}
	for _, e := range image.(formats.TileLocator).Encodings() {
		switch e.Codec {
		case formats.CodecJPEG, formats.CodecWebP, formats.CodecJPEG2000:
			lossy = true
		default:
			lossy = lossy || e.Photometric == formats.PhotometricYCbCr
		}
	}
	return lossy, foreign
}

// gridsOf are the corner tiles and the centre tile of a level.
func gridsOf(d, original *formats.Description, level int) []grid {
	l := d.Levels[level]
	across, down := l.TilesAcross(), l.TilesDown()
	shrink := 1
	if !slices.ContainsFunc(original.Levels, func(o formats.Level) bool { return o.Width == l.Width && o.Height == l.Height }) {
		shrink = int(math.Round(max(float64(d.Width)/float64(l.Width), float64(d.Height)/float64(l.Height))))
	}
	var out []grid
	seen := map[int]bool{}
	for _, at := range [][2]int{{0, 0}, {across - 1, 0}, {across / 2, down / 2}, {0, down - 1}, {across - 1, down - 1}} {
		tile := at[1]*across + at[0]
		if seen[tile] {
			continue
		}
		seen[tile] = true
		g := grid{Level: level, Width: l.Width, Height: l.Height, Shrink: shrink, tile: tile, tileX: at[0] * l.TileWidth, tileY: at[1] * l.TileHeight}
		g.width, g.height = l.StoredSize(tile)
		// Of a level that was made, blocks that the edge cuts are left out.
		g.Xs = spaced(g.tileX, min(g.tileX+l.TileWidth, l.Width, max(1, d.Width/shrink)))
		g.Ys = spaced(g.tileY, min(g.tileY+l.TileHeight, l.Height, max(1, d.Height/shrink)))
		if len(g.Xs)*len(g.Ys) > 0 {
			out = append(out, g)
		}
	}
	return out
}

// spaced are up to gridPoints numbers from first to before end, both ends
// among them.
func spaced(first, end int) []int {
	n := min(end-first, gridPoints)
	var out []int
	for i := range n {
		out = append(out, first+i*(end-1-first)/max(n-1, 1))
	}
	return out
}

// read decodes one tile and keeps its points; seen asks for colours and alpha
// in units of 1/255, as plaintest compares them.
func (m *imported) read(ctx context.Context, s *slide.Slide, plane formats.Plane, g grid, seen bool) error {
	r, err := decodeTile(ctx, s, plane, g)
	if err != nil {
		return err
	}
	m.points.samples = m.d.Samples
	if seen {
		picture, err := plaintest.FromRaster(r)
		if m.unseen = err; err != nil {
			return nil
		}
		m.points.samples = seenSamples
		m.points.values = appendSeen(m.points.values, picture, g, g.tileX, g.tileY)
		return nil
	}
	for _, y := range g.Ys {
		for _, x := range g.Xs {
			for c := range m.d.Samples {
				m.points.values = append(m.points.values, sampleAt(r, x-g.tileX, y-g.tileY, c))
			}
		}
	}
	return nil
}

// decodeTile reads one tile as the renderer does; a blank one is background.
func decodeTile(ctx context.Context, s *slide.Slide, plane formats.Plane, g grid) (*pixel.Raster, error) {
	d := &s.Manifest().Description
	e, err := s.Locate(ctx, g.Level, plane, g.tile)
	if err != nil {
		return nil, err
	}
	if e.Blank {
		r := pixel.New(g.width, g.height, d.Samples, d.PixelType)
		if d.PixelType == pixel.Uint8 {
			for i := range r.Pix {
				r.Pix[i] = d.Background[i%d.Samples%3]
			}
		}
		return r, nil
	}
	data, err := s.ReadTiles(ctx, []formats.Extent{e})
	if err != nil {
		return nil, err
	}
	return codec.Decode(s.Manifest().Encodings[d.Levels[g.Level].Encoding], data[0], g.width, g.height)
}

// appendSeen adds the points of a grid of a picture that begins at (left, top)
// of the level. Colours behind full transparency are not seen.
func appendSeen(values []float64, p plaintest.Picture, g grid, left, top int) []float64 {
	for _, y := range g.Ys {
		for _, x := range g.Xs {
			at := seenSamples * ((y-top)*p.Width + x - left)
			alpha := float64(p.RGBA[at+3])
			for c := range 3 {
				values = append(values, 255*alpha*float64(p.RGBA[at+c]))
			}
			values = append(values, 255*alpha)
		}
	}
	return values
}

func sampleAt(r *pixel.Raster, x, y, c int) float64 {
	b := r.Row(y)[(x*r.Samples+c)*r.Type.Bytes():]
	le := binary.LittleEndian
	switch r.Type {
	case pixel.Uint16:
		return float64(le.Uint16(b))
	case pixel.Uint32:
		return float64(le.Uint32(b))
	case pixel.Int8:
		return float64(int8(b[0]))
	case pixel.Int16:
		return float64(int16(le.Uint16(b)))
	case pixel.Int32:
		return float64(int32(le.Uint32(b)))
	case pixel.Float32:
		return float64(math.Float32frombits(le.Uint32(b)))
	case pixel.Float64:
		return math.Float64frombits(le.Uint64(b))
	}
	return float64(b[0])
}
