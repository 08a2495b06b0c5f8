package pims

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"

	"github.com/pims-cloud/pims/internal/httpapi/negotiate"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
)

// address is a tile as a client names it (pims-api §3.3): by zoom or level, by
// index or coordinates.
type address struct {
	byZoom  bool
	number  int // zoom or level
	byIndex bool
	ti      int
	tx, ty  int
}

// pathAddress reads the digits of a tile URL; a number beyond int is a tile
// that does not exist.
func pathAddress(v route.Vars) address {
	number := func(name string) int {
		n, ok := v.Int(name)
		if !ok {
			return math.MaxInt
		}
		return n
	}
	a := address{}
	if _, a.byZoom = v.Lookup("zoom"); a.byZoom {
		a.number = number("zoom")
	} else {
		a.number = number("level")
	}
	if _, a.byIndex = v.Lookup("ti"); a.byIndex {
		a.ti = number("ti")
	} else {
		a.tx, a.ty = number("tx"), number("ty")
	}
	return a
}

// bodyAddress reads the member "tile": zoom beats level, and an index beats
// coordinates. What is missing or wrong is noted.
func (f *form) bodyAddress() address {
	p, present := f.fields["tile"]
	if !present {
		f.found.Add(problem.Missing(struct{}{}, "body", "tile"))
		return address{}
	}
	var object map[string]any
	if len(p.values) == 1 {
		object, _ = p.values[0].(map[string]any)
	}
	if object == nil {
		f.found.Add(problem.NotObject(p.values, "body", "tile"))
		return address{}
	}
	read := func(name string) (int, bool) {
		n, ok := toInt(object[name])
		return n, ok && n >= 0
	}
	var a address
	var haveTier bool
	if a.number, haveTier = read("zoom"); haveTier {
		a.byZoom = true
	} else {
		a.number, haveTier = read("level")
	}
	var okX, okY bool
	if a.ti, a.byIndex = read("ti"); !a.byIndex {
		a.tx, okX = read("tx")
		a.ty, okY = read("ty")
	}
	if !haveTier {
		f.noteNumber(object, "zoom")
	}
	if !a.byIndex && (!okX || !okY) {
		f.noteNumber(object, "ti")
	}
	return a
}

func (f *form) noteNumber(object map[string]any, name string) {
	loc := []any{"body", "tile", name}
	v, present := object[name]
	switch {
	case !present || v == nil:
		f.found.Add(problem.Missing(json.RawMessage("{}"), loc...))
	default:
		f.natural(v, loc...)
	}
}

// locate gives level and tile of an address in a pyramid; the errors are PIMS'.
func (a address) locate(tiers []render.Tier) (level, tx, ty int, err error) {
	if a.number < 0 || a.number >= len(tiers) {
		kind := "Level"
		if a.byZoom {
			kind = "Zoom"
		}
		return 0, 0, 0, problem.BadRequest("no-such-tier", "%s tier %d does not exist.", kind, a.number)
	}
	level = a.number
	if a.byZoom {
		level = len(tiers) - 1 - a.number
	}
	t := tiers[level]
	bad := func(what string, number int) (int, int, int, error) {
		return 0, 0, 0, problem.BadTitle("no-such-tile", "Tile %s is invalid for tier <level %d of %dx%d pixels>.",
			fmt.Sprintf(what, number), level, t.Width, t.Height)
	}
	switch {
	case a.byIndex && a.ti >= t.Tiles():
		return bad("index %d", a.ti)
	case a.byIndex:
		return level, a.ti % t.Across(), a.ti / t.Across(), nil
	case a.tx >= t.Across():
		return bad("coordinate %d along X axis", a.tx)
	case a.ty >= t.Down():
		return bad("coordinate %d along Y axis", a.ty)
	}
	return level, a.tx, a.ty, nil
}

func (a *API) getTile(grid render.Grid) route.Handler {
	return func(w http.ResponseWriter, r *http.Request, v route.Vars) error {
		if reply.Plain(r) {
			return a.plainTile(w, r, v, grid, pathAddress(v))
		}
		var found problem.Validation
		f := queryForm(r.URL.Query(), &found)
		return a.tile(w, r, v, f, grid, pathAddress(v))
	}
}

func (a *API) postTile(grid render.Grid) route.Handler {
	return func(w http.ResponseWriter, r *http.Request, v route.Vars) error {
		var found problem.Validation
		f, err := bodyForm(r, a.Limits.Body, &found)
		if err != nil {
			return a.afterExistence(r, v, err)
		}
		return a.tile(w, r, v, f, grid, f.bodyAddress())
	}
}

// postAddressedTile takes the tile from the path and the operations from the
// body, which may be empty.
func (a *API) postAddressedTile(grid render.Grid) route.Handler {
	return func(w http.ResponseWriter, r *http.Request, v route.Vars) error {
		var found problem.Validation
		f := objectForm(nil, &found)
		if r.ContentLength != 0 {
			var err error
			if f, err = bodyForm(r, a.Limits.Body, &found); err != nil {
				return a.afterExistence(r, v, err)
			}
		}
		return a.tile(w, r, v, f, grid, pathAddress(v))
	}
}

// afterExistence gives err, a finding about parameters, unless the path does
// not exist: a client is told of a missing file first, except for a body that
// is no JSON.
func (a *API) afterExistence(r *http.Request, v route.Vars, err error) error {
	if missing := a.withSlide(r, v, func(found) error { return nil }); missing != nil {
		return missing
	}
	return err
}

func (a *API) tile(w http.ResponseWriter, r *http.Request, v route.Vars, f *form, grid render.Grid, at address) error {
	operations := f.display()
	quality := f.quality()
	negotiate.CheckExtension(v.Get("ext"), f.found)
	safety := a.safetyMode(r, f.found)
	return a.withTiles(r, v, func(s found) error {
		if err := f.found.Err(); err != nil {
			return err
		}
		mediaType, q, err := a.tileRequest(w, r, v, s.Slide, grid, at, safety)
		if err != nil {
			return err
		}
		if q.View, err = operations.view(r.Context(), s.Slide, mediaType); err != nil {
			return err
		}
		q.Quality = quality
		return a.WriteTile(w, r, s.Slide, mediaType, q)
	})
}

// tileRequest is the tile of an address in its natural look, and what it is
// written as.
func (a *API) tileRequest(w http.ResponseWriter, r *http.Request, v route.Vars, s *slide.Slide, grid render.Grid, at address, safety string) (mediaType string, q render.TileRequest, err error) {
	if mediaType, err = a.mediaType(w, r, v.Get("ext")); err != nil {
		return "", q, err
	}
	tiers := lookOf(s).tiers(grid)
	q.Grid = grid
	if q.Level, q.TX, q.TY, err = at.locate(tiers); err != nil {
		return "", q, err
	}
	rect := tiers[q.Level].Tile(q.TX, q.TY)
	q.Width, q.Height, err = a.safeSize(w, safety, rect.Width, rect.Height)
	return mediaType, q, err
}

// plainTile is tile for a request without operations.
func (a *API) plainTile(w http.ResponseWriter, r *http.Request, v route.Vars, grid render.Grid, at address) error {
	var wrong problem.Validation
	negotiate.CheckExtension(v.Get("ext"), &wrong)
	safety := a.safetyMode(r, &wrong)
	return a.withTiles(r, v, func(s found) error {
		if err := wrong.Err(); err != nil {
			return err
		}
		mediaType, q, err := a.tileRequest(w, r, v, s.Slide, grid, at, safety)
		if err != nil {
			return err
		}
		return a.WritePlainTile(w, r, s.Slide, mediaType, q)
	})
}

// mediaType picks the picture's type; a picked type varies with Accept.
func (a *API) mediaType(w http.ResponseWriter, r *http.Request, ext string) (string, error) {
	return a.mediaTypeOf(a.types, w, r, ext)
}

func (a *API) mediaTypeOf(types negotiate.Types, w http.ResponseWriter, r *http.Request, ext string) (string, error) {
	mediaType, negotiated, err := types.Choose(ext, r.Header)
	if negotiated {
		w.Header().Add("Vary", "Accept")
	}
	return mediaType, err
}

// writePicture answers with a picture of an open slide, through the cache; name
// is everything that it depends on besides the slide.
func (a *API) writePicture(w http.ResponseWriter, r *http.Request, s *slide.Slide, kind, name, mediaType string, make func(context.Context) (render.Encoded, error)) error {
	return a.Cached.Write(w, r, reply.Answer{
		Identity: identity(s, kind, name), MediaType: mediaType, Version: s.Version(),
		Load: func(ctx context.Context) ([]byte, error) {
			picture, err := make(ctx)
			return picture.Bytes, err
		},
	})
}

// canonical is the media type that is encoded: image/jpg and image/apng are
// other names for the same bytes.
func canonical(mediaType string) string {
	switch mediaType {
	case negotiate.JPG:
		return negotiate.JPEG
	case negotiate.APNG:
		return negotiate.PNG
	}
	return mediaType
}

// identity names an answer: the slide's version stands in it, so a replaced
// slide never answers with what another one left in a cache.
func identity(s *slide.Slide, kind, name string) string {
	return kind + ":" + string(s.ID()) + ":" + s.Version() + ":" + name
}
