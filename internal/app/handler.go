package app

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"github.com/pims-cloud/pims/internal/access"
	"github.com/pims-cloud/pims/internal/httpapi"
	"github.com/pims-cloud/pims/internal/httpapi/docs"
	"github.com/pims-cloud/pims/internal/httpapi/fastpath"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/telemetry"
	"github.com/pims-cloud/pims/web"
)

// openHandler puts the access log around the API, with the metrics beside it
// and, when DEBUG is set, the profiler.
func (a *App) openHandler(context.Context, Options) error {
	checker, err := access.New(a.Config.Access)
	if err != nil {
		return err
	}
	_, local := a.Config.Queue.Local()
	d := httpapi.Deps{
		Config: a.Config.HTTP, BasePath: a.Config.Server.BasePath, Version: a.Version, Log: a.Logs.For("http"), Access: checker,
		Catalog: a.Catalog, Slides: a.Slides, Uploads: a.Uploads, Registry: a.Registry,
		Renderer: render.New(a.Config.Render), Cache: a.memory,
		Importer: a.Importer, Queue: a.Queue, Events: !local,
		Web: web.Files(), Docs: docs.Handler(web.Files()), Settings: a.settings(),
	}
	api, atOnce := httpapi.New(d)
	inner := a.besides(api, checker)
	if a.trace != nil {
		inner = a.trace.Handler(inner)
	} else { // a request that is followed goes one way, so that it is followed once
		a.fast = fastpath.New(telemetry.Access(atOnce, a.Logs.For("access"), a.Metrics.Request))
	}
	a.handler = telemetry.Access(inner, a.Logs.For("access"), a.Metrics.Request)
	return nil
}

// besides puts what operators look at beside the API. It is no ServeMux: that
// would redirect the API's paths with "//" in them, which are slides' paths and
// must be answered 404.
func (a *App) besides(api http.Handler, checker *access.Checker) http.Handler {
	log := a.Logs.For("http")
	profiles := httpapi.ForOperators(checker, log, telemetry.Profiles())
	var metrics http.Handler
	if scraped, ok := a.Metrics.(telemetry.Scraped); ok {
		scraped.Show(a.readings()...)
		metrics = httpapi.ForOperators(checker, log, scraped.Handler())
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case metrics != nil && r.URL.Path == "/metrics" && r.Method == http.MethodGet:
			r.Pattern = "/metrics"
			metrics.ServeHTTP(w, r)
		case a.Config.Log.Debug && strings.HasPrefix(r.URL.Path, "/debug/pprof/"):
			r.Pattern = "/debug/pprof/"
			profiles.ServeHTTP(w, r)
		default:
			api.ServeHTTP(w, r)
		}
	})
}

// settings is the table of settings as /info shows it: names in lower case, as
// PIMS has them, numbers and booleans as such.
func (a *App) settings() []httpapi.Setting {
	var out []httpapi.Setting
	for _, s := range a.Config.Table() {
		var value any = s.Value
		var scalar any
		if json.Unmarshal([]byte(s.Value), &scalar) == nil {
			switch scalar.(type) {
			case float64, bool:
				value = scalar
			}
		}
		out = append(out, httpapi.Setting{Name: strings.ToLower(s.Name), Value: value})
	}
	return out
}

// importCounter counts finished imports.
type importCounter struct{ metrics telemetry.Recorder }

// Notify counts reports that are final.
func (c importCounter) Notify(_ context.Context, e importer.Event) {
	if e.Report.State.Final() {
		c.metrics.Import(string(e.Report.State), time.Duration(e.Report.Seconds*float64(time.Second)))
	}
}
