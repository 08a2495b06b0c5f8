// Package httpapi is the service's one http.Handler. Below it, one package a
// protocol translates addresses and writes answers: pims, deepzoom, uploads,
// site, docs. Errors are written by package problem alone.
package httpapi

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"

	"github.com/rs/cors"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/access"
	"github.com/pims-cloud/pims/internal/cache"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/httpapi/deepzoom"
	"github.com/pims-cloud/pims/internal/httpapi/health"
	"github.com/pims-cloud/pims/internal/httpapi/pims"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/httpapi/session"
	"github.com/pims-cloud/pims/internal/httpapi/site"
	"github.com/pims-cloud/pims/internal/httpapi/uploads"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/queue"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
)

// Setting is one entry of /info's settings; secrets are masked by whoever
// makes it.
type Setting = pims.Setting

// Importer is what the API needs of the importer; *importer.Importer is one.
type Importer = uploads.Importer

// Deps is what the handler works with. Importer, Uploads and Queue may be nil
// together: then nothing can be uploaded and import states are not known. Web
// and Docs may be nil.
type Deps struct {
	Config   Config
	BasePath string // "" or "/ims"; everything is served without it, too
	Version  string
	Log      *slog.Logger
	Access   *access.Checker // nil: everybody may do everything

	Catalog  *slide.Catalog
	Slides   *objectstore.Store
	Uploads  *objectstore.Store
	Registry *formats.Registry
	Renderer *render.Renderer
	Cache    *cache.Cache // of encoded pictures and JSON answers
	Importer Importer
	Queue    queue.Queue
	// Events tells that events of the uploads bucket bring about imports.
	Events bool

	Web      fs.FS        // the built page, index.html at the root
	Docs     http.Handler // answers /docs, /docs/…, /openapi.yaml, /openapi.json
	Settings []Setting
}

// server is the handler behind CORS.
type server struct {
	deps   Deps
	routes *route.Table
	site   *site.Site
	guard  *guard // nil: everybody may do everything

	nosniff []string // a header value that all answers share
}

// New wires the handler of all requests, and the one of those that must not wait
// (package nowait): it answers with tiles that are in memory, or that the client
// has, and writes nothing otherwise. Both are safe for concurrent use and hold
// nothing that needs closing.
func New(d Deps) (all, atOnce http.Handler) {
	routes, up := assemble(d)
	s := &server{
		deps: d, routes: route.New(routes...), site: site.New(d.Web, up.Origin), guard: newGuard(d.Access, routes), nosniff: []string{"nosniff"},
	}
	return withCORS(s, d.Access == nil), withCORS(http.HandlerFunc(s.answerAtOnce), d.Access == nil)
}

// assemble gives the routes of all protocols.
func assemble(d Deps) ([]route.Route, *uploads.API) {
	cached := reply.NewCached(d.Cache, d.Config.maxAge(), d.Access != nil)
	api := pims.New(pims.Deps{
		Catalog: d.Catalog, Slides: d.Slides, Registry: d.Registry, Renderer: d.Renderer, Cached: cached,
		Version: d.Version, Settings: d.Settings, Importing: importing(d.Importer), Collection: collections(d.Importer),
		Recount: recount(d), RecountLater: recountLater(d),
		Limits: pims.Limits{
			OutputSize: d.Config.OutputSizeLimit, SafetyMode: d.Config.SafetyMode, AnnotationOrigin: d.Config.AnnotationOrigin,
			Capacity: int64(d.Config.Capacity), Body: int64(d.Config.MaxBody), ExportLink: d.Config.ExportLink,
		},
	}, codec.CanEncode)
	zoom := deepzoom.New(api, cached, codec.CanEncode)
	routes := append(zoom.Routes(), api.Routes()...)
	up := uploads.New(uploads.Deps{
		Importer: d.Importer, Uploads: d.Uploads, Queue: d.Queue, Catalog: d.Catalog,
		MaxBytes: int64(d.Config.MaxUpload), MaxBody: int64(d.Config.MaxBody), Events: d.Events,
	})
	routes = append(routes, up.Routes()...)
	routes = append(routes, session.New(d.Access).Routes()...)
	return append(routes, health.New(d.Slides, d.Queue).Routes()...), up
}

func recount(d Deps) func(context.Context, slide.ID, bool) error {
	return func(ctx context.Context, id slide.ID, exact bool) error {
		if d.Importer == nil {
			return noRecount()
		}
		_, err := d.Importer.Recount(ctx, id, recountMode(exact))
		return err
	}
}

func recountLater(d Deps) func(context.Context, slide.ID, bool) error {
	return func(ctx context.Context, id slide.ID, exact bool) error {
		if d.Importer == nil || d.Queue == nil {
			return noRecount()
		}
		return d.Importer.EnqueueRecount(ctx, d.Queue, id, recountMode(exact))
	}
}

func recountMode(exact bool) importer.Recount {
	if exact {
		return importer.RecountExact
	}
	return importer.RecountSampled
}

func noRecount() error {
	return fault.New(fault.Unsupported, "recount-not-offered", "This process makes no histograms; ask one that imports.")
}

func importing(im Importer) func(context.Context, slide.ID) (string, bool) {
	return func(ctx context.Context, id slide.ID) (string, bool) {
		if im == nil {
			return "", false
		}
		report, err := im.Report(ctx, id)
		if err != nil {
			return "", false
		}
		return string(report.State), true
	}
}

func collections(im Importer) func(context.Context, slide.ID) (pims.Collection, bool) {
	return func(ctx context.Context, id slide.ID) (pims.Collection, bool) {
		if im == nil {
			return pims.Collection{}, false
		}
		report, err := im.Report(ctx, id)
		if err != nil || report.State != importer.StateUnpacked || report.Archive == nil {
			return pims.Collection{}, false
		}
		out := pims.Collection{Path: report.Path, Name: report.Name, Size: report.SourceBytes, CreatedAt: report.CreatedAt}
		for _, m := range report.Archive.Members {
			if m.Error == nil {
				out.Members = append(out.Members, m.ID)
			}
		}
		return out, true
	}
}

// ServeHTTP routes one request. The base path is optional: clients of PIMS send
// some requests with and some without it (pims-api §9.2).
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header()["X-Content-Type-Options"] = s.nosniff
	if err := s.serve(w, r); err != nil {
		problem.Write(w, r, s.deps.Log, err)
	}
}

func (s *server) serve(w http.ResponseWriter, r *http.Request) error {
	if base := s.deps.BasePath; base != "" && r.URL.Path == base {
		http.Redirect(w, r, base+"/", http.StatusMovedPermanently)
		return nil
	}
	path := WithoutBase(r.URL.Path, s.deps.BasePath)
	if s.isDocs(path) {
		r.Pattern = "/docs"
		http.StripPrefix(strings.TrimSuffix(r.URL.Path, path), s.deps.Docs).ServeHTTP(w, r)
		return nil
	}
	match, err := s.routes.Find(r.Method, path)
	if err == nil {
		r.Pattern = match.Pattern // whoever logs the request sees it there
		if s.guard != nil {
			if r, err = s.guard.admit(r, match); err != nil {
				return refused(err)
			}
		}
		return refused(match.Handle(w, r, match.Vars))
	}
	if problem.Status(err) == http.StatusMethodNotAllowed && r.Method != http.MethodDelete && strings.HasPrefix(path, "/file/") {
		// DELETE takes every path below /file, which PIMS' routes do not: there
		// is nothing where another method finds nothing.
		err = problem.RouteNotFound()
	}
	if problem.Status(err) == http.StatusNotFound && (path == "/" && s.guard.adopt(w, r) || s.site.Serve(w, r, path)) {
		r.Pattern = "/"
		return nil
	}
	return err
}

// answerAtOnce goes the way of serve, where it is certain that nothing waits. What
// comes to an error is no answer of its own: the request comes again.
func (s *server) answerAtOnce(w http.ResponseWriter, r *http.Request) {
	match, err := s.routes.Find(r.Method, WithoutBase(r.URL.Path, s.deps.BasePath))
	if err != nil || !match.AtOnce || !reply.Plain(r) {
		return
	}
	w.Header()["X-Content-Type-Options"] = s.nosniff
	r.Pattern = match.Pattern
	if s.guard != nil {
		if r, err = s.guard.admit(r, match); err != nil {
			return
		}
	}
	_ = match.Handle(w, r, match.Vars)
}

// WithoutBase takes a base path off a path, which may be without it.
func WithoutBase(path, base string) string {
	if rest, ok := strings.CutPrefix(path, base); ok && strings.HasPrefix(rest, "/") {
		return rest
	}
	return path
}

func (s *server) isDocs(path string) bool {
	return s.deps.Docs != nil && (path == "/docs" || strings.HasPrefix(path, "/docs/") ||
		path == "/openapi.yaml" || path == "/openapi.json")
}

// withCORS answers as PIMS does: any origin, "*" on plain requests, the origin
// itself on preflights and when there is a cookie (pims-api §2.7). Where no cookie
// means anything to this service, credentials give nobody more; where one may be
// a grant, other sites' pages must not use it: they get no credentials.
func withCORS(next http.Handler, credentials bool) http.Handler {
	options := cors.Options{
		AllowedMethods: []string{"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"},
		AllowedHeaders: []string{"*"}, AllowCredentials: credentials, MaxAge: 600,
		ExposedHeaders:       []string{"ETag", "X-Image-Size-Limit", "X-Pims-Cache", "X-Request-Id", "Content-Disposition", "Server-Timing"},
		OptionsSuccessStatus: http.StatusOK,
	}
	options.AllowOriginFunc = func(string) bool { return true }
	options.OptionsPassthrough = true
	echo := cors.New(options).Handler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if preflight(r) {
			reply.Bytes(w, r, http.StatusOK, "text/plain; charset=utf-8", []byte("OK"))
			return
		}
		next.ServeHTTP(w, r)
	}))
	// Plain requests always get the same: no need to work it out each time.
	vary, anyone, yes := []string{"Origin"}, []string{"*"}, []string{"true"}
	exposed := []string{strings.Join(options.ExposedHeaders, ", ")}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if preflight(r) || r.Header["Cookie"] != nil && credentials {
			echo.ServeHTTP(w, r)
			return
		}
		h := w.Header()
		h["Vary"] = vary
		if r.Header["Origin"] != nil {
			h["Access-Control-Allow-Origin"] = anyone
			if credentials {
				h["Access-Control-Allow-Credentials"] = yes
			}
			h["Access-Control-Expose-Headers"] = exposed
		}
		next.ServeHTTP(w, r)
	})
}

func preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != ""
}
