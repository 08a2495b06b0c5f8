package pims

import (
	"net/http"
	"net/url"

	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/render"
)

// legacyTile answers the tile requests of IMS version 1, which name the slide
// in the query (pims-api §3.3): a JPEG of the normalised pyramid.
func (a *API) legacyTile(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	q := newLegacyQuery(r.URL.Query())
	path, _ := q.required("zoomify")
	at := address{byZoom: true, tx: q.number("x"), ty: q.number("y"), number: q.number("z")}
	return a.legacy(w, r, q, path, at)
}

// legacySlice answers those of IMS version 2: the slide is zoomify with a tile
// group and coordinates, or fif with an index.
func (a *API) legacySlice(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	q := newLegacyQuery(r.URL.Query())
	at := address{byZoom: true, number: q.number("z")}
	var path string
	switch {
	case q.has("zoomify", "tileGroup", "x", "y"):
		path, _ = q.required("zoomify")
		q.number("tileGroup") // Zoomify's numbering of folders; coordinates say all
		at.tx, at.ty = q.number("x"), q.number("y")
	case q.has("fif", "tileIndex"):
		path, _ = q.required("fif")
		at.byIndex, at.ti = true, q.number("tileIndex")
	default:
		if err := q.found.Err(); err != nil {
			return err
		}
		return problem.BadRequest("incoherent-parameters", "Incoherent set of parameters.")
	}
	return a.legacy(w, r, q, path, at)
}

// legacy renders all channels of the default plane; only display operations of
// the query count.
func (a *API) legacy(w http.ResponseWriter, r *http.Request, q *legacyQuery, path string, at address) error {
	if path == "" {
		return q.found.Err()
	}
	f := queryForm(q.values, q.found)
	for _, name := range []string{"channels", "z_slices", "timepoints", "c_reduction"} {
		delete(f.fields, name)
	}
	return a.tile(w, r, route.Vars{{Name: "p", Value: path}, {Name: "ext", Value: ".jpg"}}, f, render.NormalisedGrid, at)
}

// legacyQuery reads required parameters; paths may contain commas, so values
// are not split.
type legacyQuery struct {
	values url.Values
	found  *problem.Validation
}

func newLegacyQuery(values url.Values) *legacyQuery {
	return &legacyQuery{values: values, found: &problem.Validation{}}
}

func (q *legacyQuery) has(names ...string) bool {
	for _, name := range names {
		if !q.values.Has(name) {
			return false
		}
	}
	return true
}

// required is the last value of a parameter; that it is missing is noted.
func (q *legacyQuery) required(name string) (string, bool) {
	values := q.values[name]
	if len(values) == 0 {
		q.found.Add(problem.Missing(nil, "query", name))
		return "", false
	}
	return values[len(values)-1], true
}

// number is a required integer of at least 0.
func (q *legacyQuery) number(name string) int {
	text, ok := q.required(name)
	if !ok {
		return 0
	}
	f := form{where: "query", found: q.found}
	n, _ := f.natural(text, "query", name)
	return n
}
