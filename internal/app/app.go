// Package app puts the program together: one constructor reads the
// configuration and wires stores, caches, formats, importer, queue and HTTP
// handler, the same for the laptop, the worker and the functions.
package app

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/cache"
	"github.com/pims-cloud/pims/internal/config"
	"github.com/pims-cloud/pims/internal/httpapi/fastpath"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/queue"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/internal/slidegen"
	"github.com/pims-cloud/pims/internal/telemetry"
)

// Options is what the caller decides rather than the configuration.
type Options struct {
	// Version of the program, for /info, reports and logs.
	Version string
	// LogTo is where log lines go; standard error when nil.
	LogTo io.Writer
	// Quiet keeps lines below warnings out of the log, and those about imports
	// that fail: for commands that talk to a person, and tell why themselves.
	// With DEBUG set all is logged.
	Quiet bool
	// Queue opens the import queue: for processes that take uploads or import
	// what others put there.
	Queue bool
	// Metrics is told what happens; nobody when nil. One that is read over HTTP
	// (telemetry.Scraped) gets the path /metrics.
	Metrics telemetry.Recorder
	// Trace follows requests and imports; nobody when nil.
	Trace telemetry.Tracer
	// Demo draws the demonstration slide, slidegen.Demo when nil.
	Demo func(ctx context.Context, w io.WriteSeeker) error
}

// App is the wired program. Its parts are safe for concurrent use.
type App struct {
	Config   *config.Config
	Version  string
	Logs     *telemetry.Loggers
	Metrics  telemetry.Recorder
	Registry *formats.Registry
	Slides   *objectstore.Store
	Uploads  *objectstore.Store
	Catalog  *slide.Catalog
	Importer *importer.Importer
	Queue    queue.Queue // nil unless Options.Queue
	Convert  queue.Queue // of conversions; nil when whoever imports converts

	larger  queue.Queue // of conversions that are beyond this process, or nil
	demo    func(ctx context.Context, w io.WriteSeeker) error
	machine *objectstore.Store // the file system, for files named on the command line
	memory  *cache.Cache
	shared  *cache.Redis // nil without CACHE_URL
	trace   telemetry.Tracer
	handler http.Handler
	fast    *fastpath.Path // to what can be answered at once; nil while requests are traced
	closers []func() error
}

// New wires the program. Nothing is read or started that a request does not
// need; Close releases what New opened.
func New(ctx context.Context, cfg *config.Config, o Options) (*App, error) {
	a := &App{Config: cfg, Version: o.Version, trace: o.Trace, demo: o.Demo}
	if a.demo == nil {
		a.demo = slidegen.Demo
	}
	for _, step := range []func(context.Context, Options) error{
		a.openTelemetry, a.openStores, a.openSlides, a.openQueue, a.openImporter, a.openHandler,
	} {
		if err := step(ctx, o); err != nil {
			return nil, errors.Join(err, a.Close())
		}
	}
	return a, nil
}

// Handler answers HTTP requests, below the configured base path.
func (a *App) Handler() http.Handler { return a.handler }

// Close releases what New opened, the last first.
func (a *App) Close() error {
	var failed []error
	for i := len(a.closers) - 1; i >= 0; i-- {
		failed = append(failed, a.closers[i]())
	}
	a.closers = nil
	return errors.Join(failed...)
}

func (a *App) openTelemetry(_ context.Context, o Options) (err error) {
	logTo := o.LogTo
	if logTo == nil {
		logTo = os.Stderr
	}
	logs := a.Config.Log
	if o.Quiet && !logs.Debug {
		logs.Level = telemetry.Level(slog.LevelWarn)
	}
	if a.Logs, err = telemetry.NewLoggers(logs, logTo); err != nil {
		return err
	}
	if a.Metrics = o.Metrics; a.Metrics == nil {
		a.Metrics = telemetry.Nothing{}
	}
	return nil
}

func (a *App) openSlides(context.Context, Options) (err error) {
	if a.Registry, err = Registry(a.Config); err != nil {
		return err
	}
	if err = a.openCache(); err != nil {
		return err
	}
	a.Catalog, err = slide.NewCatalog(slide.Stores{Slides: a.Slides, Uploads: a.Uploads, File: a.file}, a.memory, a.Config.Slides)
	return err
}

// openCache makes the memory cache, with Redis behind it when one is configured.
// Whether that answers is found out later, and nothing depends on it.
func (a *App) openCache() (err error) {
	c := a.Config.Cache
	// What the collector needs beside the cache is part of its memory.
	room := int64(c.Memory) - min(int64(c.Memory)/8, minHeadroomBytes)
	if c.URL == "" {
		a.memory, err = cache.New(room)
		return err
	}
	shared, err := cache.OpenRedis(c, a.Logs.For("cache"), time.Now)
	if err != nil {
		return err
	}
	a.closers = append(a.closers, shared.Close)
	a.shared = shared
	a.memory, err = cache.NewTiered(room, shared)
	return err
}

func (a *App) tookStage(stage importer.State, took time.Duration) {
	a.Metrics.Stage(string(stage), took)
	if a.trace != nil {
		a.trace.Stage(string(stage), took)
	}
}

func (a *App) openImporter(_ context.Context, o Options) (err error) {
	a.Importer, err = importer.New(importer.Deps{
		Registry: a.Registry, Slides: a.Slides, Uploads: a.Uploads, Files: a.file, Catalog: a.Catalog,
		Events:  a.listeners(o),
		Took:    a.tookStage,
		Convert: a.Convert, Larger: a.larger, Imports: a.Queue, Log: a.Logs.For("import"), Creator: "pims " + a.Version, Config: a.Config.Import,
	})
	return err
}

// FileJob makes the job that imports a file of this machine, in place or
// copied beside its sidecar. Links in the path are followed here, once: the job
// names the file itself, which is the same slide by whatever path it is given.
func (a *App) FileJob(ctx context.Context, path string, inPlace bool) (importer.Job, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return importer.Job{}, fault.New(fault.Invalid, "import-path", "%s is no path of a file.", path).Because(err)
	}
	if absolute, err = filepath.EvalSymlinks(absolute); err != nil {
		return importer.Job{}, fault.New(fault.NotFound, "import-path", "%s can not be read: name a file that exists.", path).Because(err)
	}
	store, key, err := a.file(absolute)
	if err != nil {
		return importer.Job{}, err
	}
	o, err := store.Stat(ctx, key)
	if err != nil {
		return importer.Job{}, err
	}
	upload := importer.Upload{Bucket: importer.BucketFile, Key: absolute, ETag: o.ETag, Size: o.Size}
	return importer.NewJob(upload, filepath.Base(path), inPlace), nil
}

// LogStart writes the lines that tell an operator what runs.
func (a *App) LogStart(ctx context.Context) {
	log := a.Logs.For("app")
	var ids, plugins []string
	for _, f := range a.Registry.Formats() {
		info := f.Info()
		ids = append(ids, info.ID)
		if info.Plugin != "pims" && !strings.HasPrefix(info.Plugin, "pims.") {
			plugins = append(plugins, info.Plugin)
		}
	}
	queueName := "none"
	if a.Queue != nil {
		queueName = a.Queue.Describe()
	}
	log.InfoContext(ctx, "pims starts", "version", a.Version,
		"formats", strings.Join(ids, ","), "plugins", strings.Join(plugins, ","),
		"store", a.Slides.URL(), "uploads", a.Uploads.URL(),
		"cache", describeCache(a.Config.Cache), "queue", queueName, "auth", a.Config.Access.Auth)
	if len(a.Config.Ignored) > 0 {
		log.WarnContext(ctx, "settings of PIMS that have no meaning here are ignored", "names", strings.Join(a.Config.Ignored, ","))
	}
}

// WarnIfOpen tells the operator of a server that asks nobody who they are, unless
// only this machine reaches it.
func (a *App) WarnIfOpen(ctx context.Context) {
	if host := net.ParseIP(a.Config.Server.Host); a.Config.Access.Open() && (host == nil || !host.IsLoopback()) && a.Config.Server.Host != "localhost" {
		a.Logs.For("app").WarnContext(ctx, "everybody who reaches this address may see, upload and delete slides: set AUTH, or let something in front of it decide", "host", a.Config.Server.Host)
	}
}

func describeCache(c cache.Config) string {
	text := "memory:" + c.Memory.String()
	if c.URL != "" {
		text += ", " + cache.SafeURL(c.URL)
	}
	return text
}
