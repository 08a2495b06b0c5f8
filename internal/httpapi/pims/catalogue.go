package pims

import (
	"net/http"
	"strings"

	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/httpapi/negotiate"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/render/colormap"
	"github.com/pims-cloud/pims/internal/render/filter"
	"github.com/pims-cloud/pims/pixel"
)

type colormapInfo struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Type string `json:"type"`
}

func colormapOf(m *colormap.Map) colormapInfo { return colormapInfo{m.ID, m.Name, m.Type} }

// colormaps lists the tables, each followed by its inverse when that is asked
// (pims-api §8.4).
func (a *API) colormaps(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	var found problem.Validation
	inverted := queryForm(r.URL.Query(), &found).boolean("with_inverted", false)
	if err := found.Err(); err != nil {
		return err
	}
	var items []colormapInfo
	for _, m := range colormap.List() {
		items = append(items, colormapOf(m))
		if inverted {
			items = append(items, colormapOf(m.Inverse()))
		}
	}
	return reply.JSON(w, r, reply.CollectionOf(items))
}

func (a *API) colormap(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	m, ok := colormap.Find(v.Get("id"))
	if !ok {
		return problem.ColormapNotFound(strings.ToUpper(v.Get("id")))
	}
	return reply.JSON(w, r, colormapOf(m))
}

// Bounds of a colormap's picture, in pixels (pims-api §8.5). PIMS' document has
// 11 to 512 by 1 to 512, its server no bounds; no width of a picture that is
// known to be asked for is above these.
const (
	maxStripWidth  = 10000
	maxStripHeight = 512
)

// colormapPicture draws the table as a strip: column i is entry i of a table
// that is as long as the picture is wide. Unlike the list it knows ids in their
// own case only.
func (a *API) colormapPicture(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	var bad problem.Validation
	f := queryForm(r.URL.Query(), &bad)
	width := f.side("width", 100, maxStripWidth)
	height := f.side("height", 10, maxStripHeight)
	negotiate.CheckExtension(v.Get("ext"), &bad)
	if err := bad.Err(); err != nil {
		return err
	}
	mediaType, err := a.mediaTypeOf(a.computing, w, r, v.Get("ext"))
	if err != nil {
		return err
	}
	m, ok := colormap.Find(v.Get("id"))
	if !ok || m.ID != v.Get("id") {
		return problem.ColormapNotFound(v.Get("id"))
	}
	body, err := codec.Encode(strip(m, width, height), codec.Output{MediaType: canonical(mediaType), Quality: stripQuality})
	if err != nil {
		return err
	}
	reply.Bytes(w, r, http.StatusOK, mediaType, body)
	return nil
}

// stripQuality is that of all lossy pictures (pims-api §4.13).
const stripQuality = 75

func strip(m *colormap.Map, width, height int) *pixel.Raster {
	out := pixel.New(width, height, 3, pixel.Uint8)
	row := out.Pix[:width*3]
	for i, entry := range m.Table(width, 255) {
		row[3*i], row[3*i+1], row[3*i+2] = uint8(entry[0]), uint8(entry[1]), uint8(entry[2])
	}
	for y := 1; y < height; y++ {
		copy(out.Pix[y*len(row):], row)
	}
	return out
}

// side reads a number of pixels from 1 to most.
func (f *form) side(name string, otherwise, most int) int {
	v, ok := f.scalar(name, false)
	if !ok {
		return otherwise
	}
	n, ok := toInt(v)
	switch {
	case !ok:
		f.found.Add(problem.NotInt(v, f.where, name))
	case n < 1:
		f.found.Add(problem.AtLeast(v, 1, f.where, name))
	case n > most:
		f.found.Add(problem.AtMost(v, most, f.where, name))
	default:
		return n
	}
	return otherwise
}

type filterInfo struct {
	ID          string   `json:"id"`
	Aliases     []string `json:"aliases"`
	Name        string   `json:"name"`
	Type        string   `json:"type"`
	Description string   `json:"description"`
}

func filterOf(f filter.Filter) filterInfo {
	return filterInfo{f.ID, append([]string{}, f.Aliases...), f.Name, f.Type, f.Description}
}

// filters lists every filter once, and once more for every alias, as PIMS does
// (pims-api §8.3): clients may count on the thirty items.
func (a *API) filters(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	var items []filterInfo
	for _, f := range filter.List() {
		items = append(items, filterOf(f))
		for _, alias := range f.Aliases {
			if alias != f.ID { // some are their own alias, and are not repeated
				items = append(items, filterOf(f))
			}
		}
	}
	return reply.JSON(w, r, reply.CollectionOf(items))
}

func (a *API) filter(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	f, ok := filter.Find(v.Get("id"))
	if !ok {
		return problem.FilterNotFound(strings.ToUpper(v.Get("id")))
	}
	return reply.JSON(w, r, filterOf(f))
}
