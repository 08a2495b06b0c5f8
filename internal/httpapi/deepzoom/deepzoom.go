// Package deepzoom speaks Microsoft's Deep Zoom: /image/{path}.dzi and
// /image/{path}_files/{level}/{column}_{row}.{jpg|jpeg|png|webp}.
//
// Tiles are 256 pixels without overlap on the normalised pyramid, which Deep
// Zoom continues down to 1×1. Both halve by rounding up, so a tile of the
// slide's own 256 grid is passed through as it is stored.
package deepzoom

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/pims-cloud/pims/internal/httpapi/negotiate"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
)

// Slides opens slides by path and answers with their tiles, through the cache.
type Slides interface {
	WithSlide(r *http.Request, v route.Vars, do func(*slide.Slide) error) error
	// DeepZoom is the slide's pyramid down to 1×1, finest tier first.
	DeepZoom(s *slide.Slide) []render.Tier
	// WritePlainTile answers with a tile of the default view.
	WritePlainTile(w http.ResponseWriter, r *http.Request, s *slide.Slide, mediaType string, q render.TileRequest) error
}

// API answers Deep Zoom requests. It is safe for concurrent use.
type API struct {
	slides Slides
	cached *reply.Cached
	can    func(mediaType string) bool
}

// New makes the API; can tells which media types this build encodes.
func New(slides Slides, cached *reply.Cached, can func(mediaType string) bool) *API {
	return &API{slides: slides, cached: cached, can: can}
}

// Routes come before PIMS' routes; none of those has a ".dzi" or "_files".
func (a *API) Routes() []route.Route {
	return []route.Route{
		{Method: http.MethodGet, Pattern: "/image/{p...}.dzi", Handle: a.descriptor},
		{Method: http.MethodGet, Pattern: "/image/{p...}_files/{level:int}/{tile}", Handle: a.tile, AtOnce: true},
	}
}

func (a *API) descriptor(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.slides.WithSlide(r, v, func(s *slide.Slide) error {
		d := &s.Manifest().Description
		return a.cached.Write(w, r, reply.Answer{
			Identity:  "dzi:" + string(s.ID()) + ":" + s.Version(),
			MediaType: "application/xml",
			Version:   s.Version(),
			Fixed:     true,
			Load: func(context.Context) ([]byte, error) {
				return fmt.Appendf(nil, `<?xml version="1.0" encoding="UTF-8"?>`+"\n"+
					`<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" TileSize="%d" Overlap="0" Format="jpg">`+
					`<Size Width="%d" Height="%d"/></Image>`+"\n", render.NormalisedTile, d.Width, d.Height), nil
			},
		})
	})
}

func (a *API) tile(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	column, row, mediaType, ok := parseTile(v.Get("tile"))
	level, okLevel := v.Int("level")
	if !ok || !okLevel || !a.can(mediaType) {
		return problem.RouteNotFound()
	}
	return a.slides.WithSlide(r, v, func(s *slide.Slide) error {
		tiers := a.slides.DeepZoom(s)
		// Deep Zoom counts levels from 1×1 up.
		number := len(tiers) - 1 - level
		if number < 0 || column >= tiers[number].Across() || row >= tiers[number].Down() {
			return problem.RouteNotFound()
		}
		return a.slides.WritePlainTile(w, r, s, mediaType, render.TileRequest{
			Grid: render.NormalisedGrid, Level: number, TX: column, TY: row,
		})
	})
}

// parseTile reads "3_7.jpg".
func parseTile(text string) (column, row int, mediaType string, ok bool) {
	name, ext, _ := strings.Cut(text, ".")
	left, right, _ := strings.Cut(name, "_")
	column, okColumn := digits(left)
	row, okRow := digits(right)
	switch ext {
	case "jpg", "jpeg":
		mediaType = negotiate.JPEG
	case "png":
		mediaType = negotiate.PNG
	case "webp":
		mediaType = negotiate.WebP
	}
	return column, row, mediaType, okColumn && okRow && mediaType != ""
}

func digits(text string) (int, bool) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err == nil && strings.Trim(text, "0123456789") == ""
}
