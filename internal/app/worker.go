package app

import (
	"net/http"
	"slices"
	"strings"

	"github.com/pims-cloud/pims/internal/httpapi"
	"github.com/pims-cloud/pims/internal/httpapi/health"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/queue"
	"github.com/pims-cloud/pims/internal/telemetry"
)

// workerHandler answers what operators ask a worker, and 404 to all else. It is
// ready when the store and the queues that it works on are, which need not be
// those of a server.
func (a *App) workerHandler(names []string) http.Handler {
	log := a.Logs.For("http")
	ready := route.New(health.New(a.Slides, a.worked(names)...).Routes()...)
	others := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		match, err := ready.Find(r.Method, httpapi.WithoutBase(r.URL.Path, a.Config.Server.BasePath))
		if err == nil {
			r.Pattern = match.Pattern // for the access log
			err = match.Handle(w, r, match.Vars)
		}
		if err != nil {
			problem.Write(w, r, log, err)
		}
	})
	logged := telemetry.Access(others, a.Logs.For("access"), a.Metrics.Request)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := httpapi.WithoutBase(r.URL.Path, a.Config.Server.BasePath)
		if path == "/ping" || r.URL.Path == "/metrics" || strings.HasPrefix(r.URL.Path, "/debug/pprof/") {
			a.handler.ServeHTTP(w, r)
			return
		}
		logged.ServeHTTP(w, r)
	})
}

// worked are the queues that Work works on when it is given these names.
func (a *App) worked(names []string) (queues []queue.Queue) {
	for name, q := range map[string]queue.Queue{QueueImport: a.Queue, QueueConvert: a.Convert} {
		if q != nil && (len(names) == 0 || slices.Contains(names, name)) {
			queues = append(queues, q)
		}
	}
	return queues
}
