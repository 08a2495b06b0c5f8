package pims

import (
	"context"
	"fmt"
	"net/http"

	"github.com/pims-cloud/pims/internal/annotation"
	"github.com/pims-cloud/pims/internal/color"
	"github.com/pims-cloud/pims/internal/httpapi/negotiate"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

// regionPicture is a picture of a part of a slide, with or without annotations.
type regionPicture struct {
	region        annotation.Region
	width, height int
	view          render.View
	annotations   []annotation.Annotation
	style         style
	mediaType     string
	quality       int
}

// regionRequest is what the requests for such pictures have in common.
type regionRequest struct {
	size       regionSize
	operations operations
	shapes     []shape
	ext        string
	safety     string
	origin     string
	quality    int
}

// regionRequest reads the common members; what is wrong is noted.
func (a *API) regionRequest(r *http.Request, v route.Vars, f *form, ops operations, optionalShapes bool) regionRequest {
	negotiate.CheckExtension(v.Get("ext"), f.found)
	return regionRequest{
		size: f.regionSize(), operations: ops, shapes: f.shapes(optionalShapes), ext: v.Get("ext"),
		safety: a.safetyMode(r, f.found), origin: a.origin(r, f.found), quality: f.quality(),
	}
}

// body reads a JSON body and runs do on it; the path's existence is told before
// what is wrong with parameters.
func (a *API) body(r *http.Request, v route.Vars, do func(*form) error) error {
	var bad problem.Validation
	f, err := bodyForm(r, a.Limits.Body, &bad)
	if err != nil {
		return a.afterExistence(r, v, err)
	}
	return do(f)
}

// postWindow answers POST /image/{p}/window (pims-api §3.6).
func (a *API) postWindow(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.body(r, v, func(f *form) error {
		window, style := f.region(), f.style()
		q := a.regionRequest(r, v, f, f.processing(), true)
		return a.withSlide(r, v, func(s found) error {
			if err := f.found.Err(); err != nil {
				return err
			}
			p := regionPicture{style: style}
			var err error
			if p.mediaType, err = a.mediaTypeOf(a.types, w, r, q.ext); err != nil {
				return err
			}
			m := s.Manifest()
			if p.region, err = window.on(render.Native(&m.Description)); err != nil {
				return err
			}
			if style.mode != "" {
				if p.annotations, err = parseShapes(q.shapes, q.origin, m.Description.Height); err != nil {
					return err
				}
			}
			if style.mode == modeDrawing {
				strokeInRed(p.annotations)
			}
			return a.writeRegion(w, r, s.Slide, q, p)
		})
	})
}

// strokeInRed gives a window's outlines their colour where a request has none
// (pims-api §3.6); in drawings of annotations, these are not drawn.
func strokeInRed(annotations []annotation.Annotation) {
	for i := range annotations {
		if annotations[i].Stroke == nil {
			annotations[i].Stroke = &color.Color{R: 255}
		}
	}
}

// writeRegion completes a picture whose region, style and annotations are known
// and answers with it.
func (a *API) writeRegion(w http.ResponseWriter, r *http.Request, s *slide.Slide, q regionRequest, p regionPicture) error {
	var err error
	if p.width, p.height, err = q.size.of(p.region, render.Native(&s.Manifest().Description)); err != nil {
		return err
	}
	if p.width, p.height, err = a.safeSize(w, q.safety, p.width, p.height); err != nil {
		return err
	}
	if p.view, err = q.operations.view(r.Context(), s, p.mediaType); err != nil {
		return err
	}
	if p.style.mode == modeDrawing {
		p.outline()
	}
	if q.operations.depth.auto && p.style.mode != modeMask {
		p.narrow(s.Manifest())
	}
	p.quality = q.quality
	name := fmt.Sprintf("%v %dx%d %v %s %s %d %s", p.region, p.width, p.height, p.style,
		annotation.Digest(p.annotations), p.view.Key(), p.quality, canonical(p.mediaType))
	return a.writePicture(w, r, s, "region", name, p.mediaType, func(ctx context.Context) (render.Encoded, error) {
		picture, err := a.drawRegion(ctx, s, p)
		if err != nil {
			return render.Encoded{}, err
		}
		return a.Renderer.Encode(ctx, picture, render.Output{MediaType: canonical(p.mediaType), Quality: p.quality})
	})
}

// outline colours a grey picture that coloured outlines are drawn on, unless
// grey was asked for (pims-api §4.8).
func (p *regionPicture) outline() {
	one := len(p.view.Channels) == 1
	if one && p.view.Space == render.AutoSpace && annotation.Coloured(p.annotations) {
		p.view.Space = render.ColorSpace
	}
}

// onePixel lays the components of a coloured mask of one pixel beside each other:
// PIMS loses the sides of its array there, and answers with three grey pixels.
func onePixel(mask *pixel.Raster) *pixel.Raster {
	if mask.Width == 1 && mask.Height == 1 && mask.Samples == 3 {
		mask.Width, mask.Samples = 3, 1
	}
	return mask
}

// narrow makes 8 bits of a picture that is resized, as PIMS does where no depth
// is asked for (pims-api §4.7). A depth that is asked for is kept.
func (p *regionPicture) narrow(m *slide.Manifest) {
	if p.view.Bits > 8 && !render.Clipped(m, p.view) && p.request().Resized(m) {
		p.view.Bits = 8
	}
}

func (p *regionPicture) request() render.RegionRequest {
	return render.RegionRequest{
		Left: p.region.Left, Top: p.region.Top, Width: p.region.Width, Height: p.region.Height,
		OutWidth: p.width, OutHeight: p.height, View: p.view,
	}
}

// bytesPerPixel is what annotations hold of each pixel: an RGB mask; the picture,
// an alpha band and both together; or the picture and its copy in RGB.
func (p *regionPicture) bytesPerPixel() int {
	samples := map[string]int{modeMask: 3, modeCrop: 8, modeDrawing: 4}[p.style.mode]
	if p.view.Bits > 8 {
		samples *= 2
	}
	return samples
}

// drawRegion renders the slide's pixels and puts the annotations on them. Of a
// mask no pixel is read.
func (a *API) drawRegion(ctx context.Context, s *slide.Slide, p regionPicture) (*pixel.Raster, error) {
	if p.style.mode == modeMask {
		return a.Renderer.Make(ctx, p.width, p.height, p.bytesPerPixel(), func() (*pixel.Raster, error) {
			mask, err := annotation.Mask(ctx, p.annotations, p.region, p.width, p.height, p.view.Bits)
			return onePixel(mask), err
		})
	}
	picture, err := a.Renderer.Region(ctx, s, p.request())
	if err != nil || p.style.mode == "" {
		return picture, err
	}
	return a.Renderer.Make(ctx, p.width, p.height, p.bytesPerPixel(), func() (*pixel.Raster, error) {
		if p.style.mode == modeCrop {
			return annotation.Crop(ctx, picture, p.annotations, p.region, p.style.transparency)
		}
		return annotation.Draw(ctx, picture, p.annotations, p.region, annotation.Drawing{
			Symbol: p.style.symbol, Bits: p.view.Bits, Grey: p.view.Space == render.GreySpace,
		})
	})
}
