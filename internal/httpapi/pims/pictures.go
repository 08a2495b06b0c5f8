package pims

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"github.com/pims-cloud/pims/internal/httpapi/negotiate"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
)

// defaultLength is PIMS' for thumbs and associated images.
const defaultLength = 256

func (a *API) getThumb(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	var found problem.Validation
	return a.thumb(w, r, v, queryForm(r.URL.Query(), &found))
}

func (a *API) postThumb(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	var found problem.Validation
	f, err := bodyForm(r, a.Limits.Body, &found)
	if err != nil {
		return a.afterExistence(r, v, err)
	}
	return a.thumb(w, r, v, f)
}

func (a *API) thumb(w http.ResponseWriter, r *http.Request, v route.Vars, f *form) error {
	size := f.outputSize(defaultLength)
	operations := f.display()
	quality := f.quality()
	precomputed := f.boolean("use_precomputed", true)
	negotiate.CheckExtension(v.Get("ext"), f.found)
	safety := a.safetyMode(r, f.found)
	return a.withSlide(r, v, func(s found) error {
		if err := f.found.Err(); err != nil {
			return err
		}
		mediaType, err := a.mediaType(w, r, v.Get("ext"))
		if err != nil {
			return err
		}
		m := s.Manifest()
		width, height, err := size.of(m.Description.Width, m.Description.Height)
		if err != nil {
			return err
		}
		if width, height, err = a.safeSize(w, safety, width, height); err != nil {
			return err
		}
		view, err := operations.view(r.Context(), s.Slide, mediaType)
		if err != nil {
			return err
		}
		return a.writeThumb(w, r, s.Slide, mediaType, render.ThumbRequest{
			Width: width, Height: height, View: view, Quality: quality, UsePrecomputed: precomputed,
		})
	})
}

func (a *API) writeThumb(w http.ResponseWriter, r *http.Request, s *slide.Slide, mediaType string, q render.ThumbRequest) error {
	q.MediaType = canonical(mediaType)
	name := fmt.Sprintf("%dx%d %t %s %s %d", q.Width, q.Height, q.UsePrecomputed, q.View.Key(), q.MediaType, q.Quality)
	return a.writePicture(w, r, s, "thumb", name, mediaType, func(ctx context.Context) (render.Encoded, error) {
		return a.Renderer.Thumb(ctx, s, q)
	})
}

func associatedNames() []string { return []string{"macro", "label", "thumb"} }

func (a *API) associated(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	var bad problem.Validation
	f := queryForm(r.URL.Query(), &bad)
	name := v.Get("name")
	if !slices.Contains(associatedNames(), name) {
		bad.Add(problem.Enum(name, associatedNames(), "path", "associated_key"))
	}
	size := f.outputSize(defaultLength)
	safety := a.safetyMode(r, &bad)
	return a.withSlide(r, v, func(s found) error {
		if err := bad.Err(); err != nil {
			return err
		}
		mediaType, err := a.mediaType(w, r, "")
		if err != nil {
			return err
		}
		at := slices.IndexFunc(s.Manifest().Associated, func(x slide.Associated) bool { return x.Name == name })
		if at < 0 {
			return problem.NoRepresentation(s.path, name)
		}
		picture := s.Manifest().Associated[at]
		width, height, err := size.of(picture.Width, picture.Height)
		if err != nil {
			return err
		}
		if width, height, err = a.safeSize(w, safety, width, height); err != nil {
			return err
		}
		q := render.AssociatedRequest{Name: name, Width: width, Height: height, MediaType: canonical(mediaType)}
		key := fmt.Sprintf("%s %dx%d %s", name, width, height, q.MediaType)
		return a.writePicture(w, r, s.Slide, "associated", key, mediaType, func(ctx context.Context) (render.Encoded, error) {
			return a.Renderer.Associated(ctx, s.Slide, q)
		})
	})
}
