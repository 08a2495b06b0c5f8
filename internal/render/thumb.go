package render

import (
	"context"
	"math"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/internal/telemetry/timing"
	"github.com/pims-cloud/pims/pixel"
)

// ThumbRequest is a picture of the whole slide.
type ThumbRequest struct {
	Width, Height int // of the picture
	View          View
	MediaType     string
	Quality       int // as in Output
	// UsePrecomputed allows the thumbnail that was stored at import, when it is
	// as large as the picture and shows the same.
	UsePrecomputed bool
}

// maxAssociated is how large a stored associated image may be, in bytes.
const maxAssociated = 64 << 20

// bandPixels is about how many stored pixels are decoded at a time when a
// level is much larger than the picture.
const bandPixels = 16 << 20

// Thumb renders the whole slide. As in PIMS the samples are scaled before the
// intensity steps (pims-api §4.2). Kind TooLarge when the coarsest level that
// is fine enough has more pixels than may be read for one picture.
func (r *Renderer) Thumb(ctx context.Context, s Slide, q ThumbRequest) (Encoded, error) {
	m := s.Manifest()
	if err := r.checkSize(q.Width, q.Height); err != nil {
		return Encoded{}, err
	}
	p, err := planFor(ctx, s, q.View)
	if err != nil {
		return Encoded{}, err
	}
	if stored, ok := storedThumb(m); ok && q.UsePrecomputed && q.Quality == 0 && p.passthrough() && fits(stored, &m.Description, q) {
		return r.Associated(ctx, s, AssociatedRequest{Name: stored.Name, Width: q.Width, Height: q.Height, MediaType: q.MediaType})
	}
	raster, err := r.whole(ctx, s, p, q.Width, q.Height)
	if err != nil {
		return Encoded{}, err
	}
	return r.Encode(ctx, raster, Output{MediaType: q.MediaType, Quality: q.Quality})
}

func storedThumb(m *slide.Manifest) (slide.Associated, bool) {
	for _, a := range m.Associated {
		if a.Name == formats.AssociatedThumb {
			return a, true
		}
	}
	return slide.Associated{}, false
}

// fits tells whether the stored thumbnail is large enough and shows the whole
// slide: some scanners store one of another shape.
func fits(a slide.Associated, d *formats.Description, q ThumbRequest) bool {
	if a.Width < q.Width || a.Height < q.Height || a.Samples != d.Samples {
		return false
	}
	shape := float64(a.Width) / float64(a.Height)
	want := float64(d.Width) / float64(d.Height)
	return math.Abs(shape/want-1) < 0.02
}

// scaled gives the view's samples of the coarsest level that is fine enough,
// already averaged by whole factors so that at most about four times the
// picture's sides remain.
func (r *Renderer) scaled(ctx context.Context, s Slide, p *plan, width, height int) (*pixel.Raster, error) {
	m := s.Manifest()
	level := 0
	for i, l := range m.Description.Levels {
		if l.Width >= width && l.Height >= height {
			level = i
		}
	}
	t := tilesOf(m, level)
	fx, fy := powerOfTwo(t.Width/width/2), powerOfTwo(t.Height/height/2)
	if exceeds(r.config.MaxPixels, t.Width, t.Height, len(p.planes)*p.depth()) {
		return nil, fault.New(fault.TooLarge, "render-too-many-pixels",
			"A picture of the whole slide needs %d×%d stored pixels, at most %d are read for one (RENDER_MAX_PIXELS); the slide has no coarser level.",
			t.Width, t.Height, r.config.MaxPixels)
	}
	if fx == 1 && fy == 1 {
		return r.region(ctx, s, level, Rect{0, 0, t.Width, t.Height}, p)
	}
	// Its factors are powers of two as well, and at most these.
	p.shrink = shrinkOf(m, level, Rect{0, 0, t.Width, t.Height}, p, width, height)
	return r.bands(ctx, s, p, level, fx, fy)
}

// powerOfTwo is the greatest power of two that is at most n, at least 1: stored
// tiles are multiples of small powers of two, so bands need not cut tiles.
func powerOfTwo(n int) int {
	k := 1
	for k*2 <= n {
		k *= 2
	}
	return k
}

// bands reads a level in bands of whole tile rows and averages each by whole
// factors, so that memory is bounded by a band and not by the level. Tiles are
// decoded as much smaller as p.shrink says, which divides the factors.
func (r *Renderer) bands(ctx context.Context, s Slide, p *plan, level, fx, fy int) (*pixel.Raster, error) {
	t := tilesOf(s.Manifest(), level)
	rows := max(1, bandPixels/max(1, t.Width*t.TileHeight)) * t.TileHeight
	rows = (rows + fy - 1) / fy * fy
	shrink := max(p.shrink, 1)
	var out *pixel.Raster
	for y, high := 0, rows; y < t.Height; y += high {
		if t.Height-y < rows+shrink { // less would be left than a pixel that is decoded smaller
			high = t.Height - y
		}
		band, err := r.region(ctx, s, level, Rect{0, y, t.Width, high}, p)
		if err != nil {
			return nil, err
		}
		leave, err := r.enter(ctx)
		if err != nil {
			return nil, err
		}
		small := pixel.Shrink(band, fx/shrink, fy/shrink)
		leave()
		if out == nil {
			out = pixel.New(small.Width, (t.Height+fy-1)/fy, small.Samples, small.Type)
		}
		if err := pixel.Paste(out, small, 0, y/fy); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// AssociatedRequest is a label, a macro or an embedded thumbnail, scaled.
type AssociatedRequest struct {
	Name          string
	Width, Height int
	MediaType     string
}

// Associated gives an associated image in the asked size; kind NotFound when
// the slide has none of that name.
func (r *Renderer) Associated(ctx context.Context, s Slide, q AssociatedRequest) (Encoded, error) {
	if err := r.checkSize(q.Width, q.Height); err != nil {
		return Encoded{}, err
	}
	for _, a := range s.Manifest().Associated {
		if a.Name != q.Name {
			continue
		}
		body, err := s.ReadObject(ctx, a.Key, maxAssociated)
		if err != nil {
			return Encoded{}, err
		}
		if a.MediaType == q.MediaType && a.Width == q.Width && a.Height == q.Height {
			return Encoded{MediaType: q.MediaType, Bytes: body, Passthrough: true}, nil
		}
		picture, err := r.decoded(ctx, body, q.Width, q.Height)
		if err != nil {
			return Encoded{}, err
		}
		return r.Encode(ctx, picture, Output{MediaType: q.MediaType})
	}
	return Encoded{}, fault.New(fault.NotFound, "no-such-associated-image", "The slide has no associated image %q.", q.Name)
}

// decoded is a stored picture in a size, 8 bits.
func (r *Renderer) decoded(ctx context.Context, body []byte, width, height int) (*pixel.Raster, error) {
	leave, err := r.gate.begin(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	defer timing.Start(ctx, timing.Decode).Stop()
	picture, err := codec.DecodeImage(body)
	if err != nil {
		return nil, err
	}
	if picture.Width != width || picture.Height != height {
		picture = pixel.Thumbnail(picture, width, height)
	}
	return pixel.ToUint8(picture, 0)
}
