package pims

import (
	"context"
	"net/http"
	"time"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/httpapi/negotiate"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
)

// Limits are the settings of PIMS that this API obeys.
type Limits struct {
	OutputSize int    // greatest side of a picture, in pixels
	SafetyMode string // of requests without X-Image-Size-Safety
	// AnnotationOrigin is that of requests without X-Annotation-Origin.
	AnnotationOrigin string
	Capacity         int64 // bytes that the store is said to hold, for disk usage
	Body             int64 // greatest JSON body, in bytes
	// ExportLink is for how long an export's address in the store holds; 0 means
	// that exports are sent from here.
	ExportLink time.Duration
}

// Deps is what the API works with. All fields are needed.
type Deps struct {
	Catalog  *slide.Catalog
	Slides   *objectstore.Store
	Registry *formats.Registry
	Renderer *render.Renderer
	Cached   *reply.Cached
	Limits   Limits
	Version  string
	// Settings are the name and value pairs of /info, secrets already masked.
	Settings []Setting
	// Importing tells the state of an import whose slide does not exist (yet).
	Importing func(ctx context.Context, id slide.ID) (state string, known bool)
	// Collection tells of an archive that was unpacked; ok is false for all else.
	Collection func(ctx context.Context, id slide.ID) (c Collection, ok bool)
	// Recount makes a slide's histogram anew, exact by counting every pixel;
	// RecountLater asks for it.
	Recount, RecountLater func(ctx context.Context, id slide.ID, exact bool) error
}

// Setting is one entry of /info's settings, in PIMS' order.
type Setting struct {
	Name  string
	Value any
}

// API answers PIMS' requests. It is safe for concurrent use.
type API struct {
	Deps
	types     negotiate.Types // what pictures to look at are written as
	computing negotiate.Types // what pictures to compute with are written as
	usage     *usage
}

// New makes the API; canEncode tells which media types this build writes.
func New(deps Deps, canEncode func(mediaType string) bool) *API {
	return &API{
		Deps: deps, usage: newUsage(deps.Slides), types: negotiate.Visualisation().Only(canEncode), computing: negotiate.Processing().Only(canEncode),
	}
}

// Routes are PIMS' routes of part one in its order (pims-api §1.2).
func (a *API) Routes() []route.Route {
	get := func(pattern string, h route.Handler) route.Route {
		return route.Route{Method: http.MethodGet, Pattern: pattern, Handle: h}
	}
	post := func(pattern string, h route.Handler) route.Route {
		return route.Route{Method: http.MethodPost, Pattern: pattern, Handle: h}
	}
	routes := []route.Route{
		get("/file/{p...}/info", a.fileInfo),
		get("/image/{p...}/info", a.info),
		get("/image/{p...}/info/image", a.infoImage),
		get("/image/{p...}/info/channels", a.infoChannels),
		get("/image/{p...}/info/normalized-pyramid", a.infoPyramid),
		get("/image/{p...}/info/instrument", a.infoInstrument),
		get("/image/{p...}/info/associated", a.infoAssociated),
		get("/image/{p...}/associated/{name}", a.associated),
		get("/image/{p...}/metadata", a.metadata),
		get("/image/{p...}/metadata/annotations", a.annotations),
		get("/image/{p...}/info/representations", a.representations),
		get("/image/{p...}/info/representations/{role}", a.representation),
		post("/image/{p...}/tile{ext}", a.postTile(render.NativeGrid)),
		post("/image/{p...}/normalized-tile{ext}", a.postTile(render.NormalisedGrid)),
		get("/image/tile.jpg", a.legacyTile),
		get("/slice/tile", a.legacySlice),
		get("/image/{p...}/thumb{ext}", a.getThumb),
		post("/image/{p...}/thumb{ext}", a.postThumb),
		post("/image/{p...}/window{ext}", a.postWindow),
		post("/image/{p...}/annotation/mask{ext}", a.postMask),
		post("/image/{p...}/annotation/crop{ext}", a.postCrop),
		post("/image/{p...}/annotation/drawing{ext}", a.postDrawing),
		get("/formats", a.formats),
		get("/formats/{id}", a.format),
		get("/image/{p...}/resized{ext}", a.getResized),
		post("/image/{p...}/resized{ext}", a.postResized),
		get("/image/{p...}/histogram/per-image", a.histograms(scopeImage, false)),
		get("/image/{p...}/histogram/per-image/bounds", a.histograms(scopeImage, true)),
		get("/image/{p...}/histogram/per-channels", a.histograms(scopeChannels, false)),
		get("/image/{p...}/histogram/per-channels/bounds", a.histograms(scopeChannels, true)),
		get("/image/{p...}/histogram/per-plane/z/{z}/t/{t}", a.histograms(scopePlane, false)),
		get("/image/{p...}/histogram/per-plane/z/{z}/t/{t}/bounds", a.histograms(scopePlane, true)),
		post("/image/{p...}/histogram", a.recount),
		get("/filters", a.filters),
		get("/filters/{id}", a.filter),
		get("/colormaps", a.colormaps),
		get("/colormaps/{id}", a.colormap),
		get("/colormaps/{id}/representation{ext}", a.colormapPicture),
		get("/file/{p...}/export", a.exportFile),
		get("/image/{p...}/export", a.exportImage),
		get("/directory/{d...}/disk-usage", a.directoryUsage),
		get("/disk-usage", a.diskUsage),
		get("/storage/size.json", a.storageSize),
		get("/image/{p...}/pixel", a.pixel),
		get("/ping", a.ping),
		get("/info", a.serverInfo),
	}
	return append(routes, a.tileRoutes()...)
}

// tileRoutes address tiles by zoom or level and by index or coordinates, in
// both pyramids; with POST, the body has the operations.
func (a *API) tileRoutes() []route.Route {
	var out []route.Route
	for _, grid := range []render.Grid{render.NativeGrid, render.NormalisedGrid} {
		name := "tile"
		if grid == render.NormalisedGrid {
			name = "normalized-tile"
		}
		for _, tier := range []string{"zoom/{zoom:int}", "level/{level:int}"} {
			for _, tile := range []string{"tx/{tx:int}/ty/{ty:int}", "ti/{ti:int}"} {
				pattern := "/image/{p...}/" + name + "/" + tier + "/" + tile + "{ext}"
				out = append(out,
					route.Route{Method: http.MethodGet, Pattern: pattern, Handle: a.getTile(grid), AtOnce: true},
					route.Route{Method: http.MethodPost, Pattern: pattern, Handle: a.postAddressedTile(grid)})
			}
		}
	}
	return out
}
