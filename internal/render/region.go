package render

import (
	"context"
	"math"
	"slices"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/telemetry/timing"
	"github.com/pims-cloud/pims/pixel"
)

// RegionRequest is a rectangle of the slide in pixels of level 0, and the size
// it is shown in.
type RegionRequest struct {
	Left, Top, Width, Height float64
	OutWidth, OutHeight      int
	View                     View
}

// Region gives the picture of a rectangle, read from the level that is nearest
// in scale (pims-api §3.0.10). It has 1 or 3 samples, one more with a threshold
// (alpha, last), of Uint8 or Uint16 by the view's bits. Kind Invalid when the
// rectangle is empty or lies outside of the slide.
func (r *Renderer) Region(ctx context.Context, s Slide, q RegionRequest) (*pixel.Raster, error) {
	if err := r.checkSize(q.OutWidth, q.OutHeight); err != nil {
		return nil, err
	}
	d := &s.Manifest().Description
	if !(q.Width > 0 && q.Height > 0 && q.Left < float64(d.Width) && q.Top < float64(d.Height) && q.Left+q.Width > 0 && q.Top+q.Height > 0) {
		return nil, fault.New(fault.Invalid, "region-outside", "The region %g×%g at (%g, %g) shows nothing of a slide of %d×%d pixels.",
			q.Width, q.Height, q.Left, q.Top, d.Width, d.Height)
	}
	p, err := planFor(ctx, s, q.View)
	if err != nil {
		return nil, err
	}
	tiers := Native(d)
	level := chooseTier(tiers, q.Width, q.Height, q.OutWidth, q.OutHeight)
	return r.picture(ctx, s, level, tiers[level].cover(tiers[0], q.Left, q.Top, q.Width, q.Height), p, q.OutWidth, q.OutHeight)
}

// cover is the pixels of a tier that show a rectangle of level 0: the corner
// rounded down, the sides up, clipped; at least one pixel.
func (t Tier) cover(base Tier, left, top, width, height float64) Rect {
	fx, fy := float64(base.Width)/float64(t.Width), float64(base.Height)/float64(t.Height)
	x, w := coverSide(left/fx, width/fx, t.Width)
	y, h := coverSide(top/fy, height/fy, t.Height)
	return Rect{x, y, w, h}
}

func coverSide(from, length float64, side int) (start, size int) {
	start = int(math.Floor(from))
	end := start + int(math.Ceil(min(length, float64(side))))
	start = min(max(start, 0), side-1)
	return start, min(max(end, start+1), side) - start
}

// picture reads a rectangle of a level and makes the picture of it: the steps
// before the resize, the resize, the steps after it.
func (r *Renderer) picture(ctx context.Context, s Slide, level int, rect Rect, p *plan, width, height int) (*pixel.Raster, error) {
	if err := r.gate.full(); err != nil {
		return nil, err
	}
	p.shrink = shrinkOf(s.Manifest(), level, rect, p, width, height)
	raster, err := r.region(ctx, s, level, rect, p)
	if err != nil {
		return nil, err
	}
	leave, err := r.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	defer timing.Start(ctx, timing.Render).Stop()
	return run(slices.Concat(p.before, []step{fit{width, height}}, p.after), raster)
}

// ScaledRequest is the whole slide in a size.
type ScaledRequest struct {
	Width, Height int
	View          View
}

// Scaled gives the picture of the whole slide, as Region does of a part. As in
// PIMS the samples are scaled before the intensity steps (pims-api §4.2). Kind
// TooLarge when the coarsest level that is fine enough has more pixels than may
// be read for one picture.
func (r *Renderer) Scaled(ctx context.Context, s Slide, q ScaledRequest) (*pixel.Raster, error) {
	if err := r.checkSize(q.Width, q.Height); err != nil {
		return nil, err
	}
	p, err := planFor(ctx, s, q.View)
	if err != nil {
		return nil, err
	}
	return r.whole(ctx, s, p, q.Width, q.Height)
}

func (r *Renderer) whole(ctx context.Context, s Slide, p *plan, width, height int) (*pixel.Raster, error) {
	if err := r.gate.full(); err != nil {
		return nil, err
	}
	raster, err := r.scaled(ctx, s, p, width, height)
	if err != nil {
		return nil, err
	}
	leave, err := r.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	if p.colourFirst {
		return run(slices.Concat(p.before, []step{fit{width, height}}, p.after), raster)
	}
	return run(slices.Concat([]step{fit{width, height}}, p.scaled, p.before, p.after), raster)
}

// fit resizes to the size of the picture (pims-api §4.7).
type fit struct{ width, height int }

func (f fit) apply(r *pixel.Raster) (*pixel.Raster, error) {
	if r.Width == f.width && r.Height == f.height {
		return r, nil
	}
	return pixel.Thumbnail(r, f.width, f.height), nil
}

// Output is how a picture is written.
type Output struct {
	MediaType string
	// Quality of JPEG and WebP is 1 to 100; 0 means PIMS' 75 (pims-api §4.13).
	Quality int
}

// Encode writes a picture that Region, Scaled or a drawing on one made.
func (r *Renderer) Encode(ctx context.Context, picture *pixel.Raster, out Output) (Encoded, error) {
	leave, err := r.enter(ctx)
	if err != nil {
		return Encoded{}, err
	}
	defer leave()
	defer timing.Start(ctx, timing.Encode).Stop()
	if out.Quality == 0 {
		out.Quality = quality
	}
	body, err := codec.Encode(picture, codec.Output{MediaType: out.MediaType, Quality: out.Quality})
	if err != nil {
		return Encoded{}, err
	}
	return Encoded{MediaType: out.MediaType, Bytes: body}, nil
}
