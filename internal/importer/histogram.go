package importer

import (
	"context"
	"encoding/json"
	"math"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/histogram"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

// Bounds on what histograms are computed from. A level within histogramSide is
// taken whole; of a larger one (a slide without overview levels) tiles are
// taken that are spread evenly.
const (
	histogramSide   = 1024     // pixels (pims-api §4.12)
	completePixels  = 1 << 20  // up to so many pixels PIMS calls a histogram complete
	histogramBytes  = 4 << 20  // of encoded tiles, all planes together
	histogramPixels = 64 << 20 // decoded
	maxHistPlanes   = 64
	maxExactPlanes  = 1024
	maxHistSamples  = 64
	histogramBatch  = 32 // tiles read at once
)

// HistogramFile is histogram.json.
type HistogramFile = histogram.File

// PlaneHistogram is the histograms of one stored plane.
type PlaneHistogram = histogram.Plane

// SampleHistogram counts the values of one sample.
type SampleHistogram = histogram.Sample

// storeHistogram writes histogram.json and gives the bounds of every channel.
// A slide whose pixels cannot be counted goes without, told as a warning.
func (w *attempt) storeHistogram(ctx context.Context) ([]slide.Bounds, error) {
	w.tell(ctx, StartHistogramDeploy)
	h, err := w.histogram(ctx)
	if err != nil {
		w.tell(ctx, ErrorHistogram)
		return nil, w.tolerate(err, "no histogram could be made")
	}
	if h == nil {
		return nil, nil
	}
	b, err := json.Marshal(h)
	if err != nil {
		return nil, fault.New(fault.Internal, "histogram-encode", "the histogram cannot be written as JSON").Because(err)
	}
	if err := w.put(ctx, w.job.ID.HistogramKey(), mediaTypeJSON, b); err != nil {
		return nil, err
	}
	w.tell(ctx, EndHistogramDeploy)
	return boundsOf(h, w.desc), nil
}

// histogram counts; nil without error when this build cannot decode the tiles
// or their type is not counted.
func (w *attempt) histogram(ctx context.Context) (*HistogramFile, error) {
	d := w.desc
	level := histogramLevel(d)
	if w.exact {
		level = 0
	}
	l := d.Levels[level]
	enc := w.encs[l.Encoding]
	switch enc.PixelType {
	case pixel.Uint8, pixel.Uint16, pixel.Uint32:
	default:
		return nil, nil
	}
	if !canDecode(enc, l) || d.Samples > maxHistSamples {
		return nil, nil
	}
	out := &HistogramFile{Type: "FAST", Bits: min(histogramBits(d), 16)}
	if w.exact || int64(d.Width)*int64(d.Height) <= completePixels {
		out.Type = "COMPLETE"
	}
	planes := min(d.Planes(), maxHistPlanes)
	if w.exact {
		planes = min(d.Planes(), maxExactPlanes)
	}
	for n := range planes {
		plane := planeAt(d, n)
		counts, pixels, err := w.countPlane(ctx, level, plane, out.Bits, planes)
		if err != nil {
			return nil, err
		}
		if counts == nil {
			continue
		}
		scale := float64(d.Width) * float64(d.Height) / float64(pixels)
		counted := PlaneHistogram{Plane: plane, Samples: scaled(counts, scale)}
		if level, ok := enlarged(d); ok {
			if err := w.find(ctx, level, plane, counted.Samples); err != nil {
				return nil, err
			}
		}
		out.Planes = append(out.Planes, counted)
	}
	return out, nil
}

// histogramBits: the bins cover the whole type (pims-api §4.12: "bin 0 = value
// 0, over the full dtype range"), as wide as what is significant.
func histogramBits(d *formats.Description) int {
	whole := 8 * d.PixelType.Bytes()
	if d.SignificantBits < 1 || d.SignificantBits > whole {
		return whole
	}
	return d.SignificantBits
}

// histogramLevel is the finest level within histogramSide, else the coarsest.
func histogramLevel(d *formats.Description) int {
	for i, l := range d.Levels {
		if l.Width <= histogramSide && l.Height <= histogramSide {
			return i
		}
	}
	return len(d.Levels) - 1
}

// countPlane counts one plane of one level; nil when it is blank all over.
func (w *attempt) countPlane(ctx context.Context, level int, plane formats.Plane, bits, planes int) ([][]uint64, int64, error) {
	l := w.desc.Levels[level]
	limit := max(1, histogramPixels/planes/(l.TileWidth*l.TileHeight))
	step := (l.Tiles() + limit - 1) / limit
	var counts [][]uint64
	var pixels int64
	budget := int64(histogramBytes / planes)
	if w.exact {
		step, budget = 1, math.MaxInt64
	}
	for first := 0; first < l.Tiles() && (budget > 0 || pixels == 0); first += step * histogramBatch {
		extents, numbers, err := w.histogramTiles(ctx, level, plane, [2]int{first, step}, &budget, pixels == 0)
		if err != nil {
			return nil, 0, err
		}
		tiles, err := w.read(ctx, extents)
		if err != nil {
			return nil, 0, err
		}
		for i, data := range tiles {
			raster, err := decodeTile(w.encs, l, data, level, numbers[i])
			if err != nil {
				return nil, 0, err
			}
			shown, err := w.shown(clip(raster, l, numbers[i]), l)
			if err != nil {
				return nil, 0, err
			}
			if counts, err = addTile(counts, shown, bits, w.desc.Samples, &pixels); err != nil {
				return nil, 0, err
			}
		}
	}
	return counts, pixels, nil
}

// histogramTiles locates one batch of tiles, walk being the first and the step
// to the next, as far as the budget of bytes goes. must lets the first one
// through whatever it costs. Blank tiles are not counted: nobody measured them.
func (w *attempt) histogramTiles(ctx context.Context, level int, plane formats.Plane, walk [2]int, budget *int64, must bool) ([]formats.Extent, []int, error) {
	var extents []formats.Extent
	var numbers []int
	total := w.desc.Levels[level].Tiles()
	first, step := walk[0], walk[1]
	for n := first; n < total && len(numbers) < histogramBatch; n += step {
		got, err := w.locate(ctx, level, plane, n, 1)
		if err != nil {
			return nil, nil, err
		}
		e := got[0]
		if e.Blank || e.Length > maxSampledTile || e.Length > *budget && !(must && len(extents) == 0) {
			continue
		}
		*budget -= e.Length
		extents, numbers = append(extents, e), append(numbers, n)
	}
	return extents, numbers, nil
}

// clip cuts off what a tile at the edge stores beyond its level.
func clip(r *pixel.Raster, l formats.Level, tile int) *pixel.Raster {
	x, y := tile%l.TilesAcross()*l.TileWidth, tile/l.TilesAcross()*l.TileHeight
	width, height := min(l.TileWidth, l.Width-x), min(l.TileHeight, l.Height-y)
	if width == r.Width && height == r.Height {
		return r
	}
	return pixel.Crop(r, 0, 0, width, height)
}

// shown is a tile as it is counted: alpha laid over black, and a picture that is
// one large tile reduced to histogramSide, unless every pixel is to be counted.
func (w *attempt) shown(r *pixel.Raster, l formats.Level) (*pixel.Raster, error) {
	if w.encs[l.Encoding].Alpha && r.Samples == w.desc.Samples+1 {
		flat, err := pixel.FlattenAlpha(r, nil)
		if err != nil {
			return nil, err
		}
		r = flat
	}
	longer := max(r.Width, r.Height)
	if w.exact || l.Tiles() != 1 || longer <= histogramSide {
		return r, nil
	}
	scale := float64(histogramSide) / float64(longer)
	width, height := math.Round(float64(r.Width)*scale), math.Round(float64(r.Height)*scale)
	return pixel.Resize(r, max(1, int(width)), max(1, int(height))), nil
}

// addTile adds the counts of a tile's samples, alpha left out.
func addTile(sum [][]uint64, r *pixel.Raster, bits, samples int, pixels *int64) ([][]uint64, error) {
	counts, err := pixel.Histogram(r, bits)
	if err != nil {
		return nil, err
	}
	if len(counts) < samples {
		return nil, broken("tile-samples", "a tile has %d samples per pixel, the image %d", len(counts), samples)
	}
	*pixels += int64(r.Width) * int64(r.Height)
	if sum == nil {
		return counts[:samples], nil
	}
	for c := range sum {
		for v, n := range counts[c] {
			sum[c][v] += n
		}
	}
	return sum, nil
}

// scaled leaves out empty ends and rounds half to even (pims-api §4.12).
func scaled(counts [][]uint64, scale float64) []SampleHistogram {
	out := make([]SampleHistogram, len(counts))
	for c, bins := range counts {
		first, last := 0, len(bins)-1
		for first < last && bins[first] == 0 {
			first++
		}
		for last > first && bins[last] == 0 {
			last--
		}
		out[c] = SampleHistogram{First: first, Counts: make([]int64, 0, last-first+1)}
		for _, n := range bins[first : last+1] {
			out[c].Counts = append(out[c].Counts, int64(math.RoundToEven(float64(n)*scale)))
		}
	}
	return out
}

// bounds is the least and greatest value of every channel over all planes that
// were counted; nil unless every channel was.
func boundsOf(h *HistogramFile, d *formats.Description) []slide.Bounds {
	out := make([]slide.Bounds, d.ConcreteChannels*d.Samples)
	seen := make([]bool, len(out))
	shift := math.Ldexp(1, max(histogramBits(d)-16, 0)) // bins of wide types are coarser than values
	for _, p := range h.Planes {
		for s, sample := range p.Samples {
			c := p.C*d.Samples + s
			low, high := sample.First, sample.First+len(sample.Counts)-1
			if sample.Found != nil {
				low, high = sample.Found.Low, sample.Found.High
			}
			least, greatest := float64(low)*shift, float64(high)*shift
			if !seen[c] {
				out[c], seen[c] = slide.Bounds{Min: least, Max: greatest}, true
				continue
			}
			out[c].Min, out[c].Max = min(out[c].Min, least), max(out[c].Max, greatest)
		}
	}
	for _, ok := range seen {
		if !ok {
			return nil
		}
	}
	return out
}
