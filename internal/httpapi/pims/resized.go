package pims

import (
	"context"
	"fmt"
	"net/http"

	"github.com/pims-cloud/pims/internal/httpapi/negotiate"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/render"
)

// getResized answers with the whole slide, its values kept as far as the format
// allows: pictures to compute with (pims-api §3.5). An embedded thumbnail is
// never used.
func (a *API) getResized(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	var found problem.Validation
	return a.resized(w, r, v, queryForm(r.URL.Query(), &found), defaultLength)
}

// postResized has no default size.
func (a *API) postResized(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	var found problem.Validation
	f, err := bodyForm(r, a.Limits.Body, &found)
	if err != nil {
		return a.afterExistence(r, v, err)
	}
	return a.resized(w, r, v, f, 0)
}

func (a *API) resized(w http.ResponseWriter, r *http.Request, v route.Vars, f *form, defaultLength int) error {
	size := wholeSize{tier: f.tier(), sides: f.outputSize(defaultLength)}
	ops, quality := f.processing(), f.quality()
	negotiate.CheckExtension(v.Get("ext"), f.found)
	safety := a.safetyMode(r, f.found)
	return a.withSlide(r, v, func(s found) error {
		if err := f.found.Err(); err != nil {
			return err
		}
		mediaType, negotiated, err := a.computing.Choose(v.Get("ext"), r.Header)
		if negotiated {
			w.Header().Add("Vary", "Accept")
		}
		if err != nil {
			return err
		}
		width, height, err := size.of(render.Native(&s.Manifest().Description))
		if err != nil {
			return err
		}
		if width, height, err = a.safeSize(w, safety, width, height); err != nil {
			return err
		}
		view, err := ops.view(r.Context(), s.Slide, mediaType)
		if err != nil {
			return err
		}
		q := render.ScaledRequest{Width: width, Height: height, View: view}
		out := render.Output{MediaType: canonical(mediaType), Quality: quality}
		name := fmt.Sprintf("%dx%d %s %s %d", width, height, view.Key(), out.MediaType, quality)
		return a.writePicture(w, r, s.Slide, "resized", name, mediaType, func(ctx context.Context) (render.Encoded, error) {
			picture, err := a.Renderer.Scaled(ctx, s.Slide, q)
			if err != nil {
				return render.Encoded{}, err
			}
			return a.Renderer.Encode(ctx, picture, out)
		})
	})
}

// wholeSize is the size of a picture of the whole slide: that of a tier, else
// by its sides (pims-api §3.0.8).
type wholeSize struct {
	tier  *address // nil when neither level nor zoom is given
	sides outputSize
}

// tier reads level, which wins, or zoom.
func (f *form) tier() *address {
	var out *address
	for _, name := range []string{"zoom", "level"} {
		if v, ok := f.scalar(name, true); ok {
			if n, ok := f.natural(v, f.where, name); ok {
				out = &address{byZoom: name == "zoom", number: n, byIndex: true}
			}
		}
	}
	return out
}

func (s wholeSize) of(tiers []render.Tier) (width, height int, err error) {
	if s.tier == nil {
		return s.sides.of(tiers[0].Width, tiers[0].Height)
	}
	level, _, _, err := s.tier.locate(tiers)
	if err != nil {
		return 0, 0, err
	}
	return tiers[level].Width, tiers[level].Height, nil
}
