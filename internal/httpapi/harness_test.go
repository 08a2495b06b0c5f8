package httpapi_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/all"
	"github.com/pims-cloud/pims/internal/cache"
	"github.com/pims-cloud/pims/internal/httpapi"
	"github.com/pims-cloud/pims/internal/httpapi/fastpath"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
	"github.com/pims-cloud/pims/internal/objectstore/recording"
	"github.com/pims-cloud/pims/internal/queue"
	"github.com/pims-cloud/pims/internal/queue/local"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// service is the whole handler over real sockets, memory stores that record
// what is read, the real importer and the real formats.
type service struct {
	t        testing.TB
	url      string
	slides   *recording.Driver
	uploads  *objectstore.Store
	importer *importer.Importer
	queue    queue.Queue
	catalog  *slide.Catalog
	handler  http.Handler
	atOnce   http.Handler // of requests that must not wait
	fast     *fastpath.Path
	renderer *render.Renderer
	deps     httpapi.Deps
}

func newService(t testing.TB, basePath string, configure ...func(*slide.Config)) *service {
	t.Helper()
	return newServiceRendering(t, basePath, render.Config{Concurrency: 2, MaxPixels: 1 << 28, MaxMemory: 1 << 28, MaxTile: 1 << 24}, configure...)
}

func newServiceRendering(t testing.TB, basePath string, rendering render.Config, configure ...func(*slide.Config)) *service {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s := &service{t: t, slides: recording.Wrap(memory.New())}
	slides := objectstore.New(objectstore.Standard(s.slides, objectstore.Config{Concurrency: 64}))
	s.uploads = objectstore.New(memory.New())
	tiles, err := cache.New(64 << 20)
	must(err)
	config := slide.Config{Open: 16, Recheck: 1 << 40}
	for _, change := range configure {
		change(&config)
	}
	s.catalog, err = slide.NewCatalog(slide.Stores{Slides: slides, Uploads: s.uploads}, tiles, config)
	must(err)
	registry := formats.NewRegistry(all.Formats(), formats.ResolutionOrder{})
	s.importer, err = importer.New(importer.Deps{
		Registry: registry, Slides: slides, Uploads: s.uploads, Catalog: s.catalog, Creator: "test",
	})
	must(err)
	jobs, err := local.Open(t.TempDir(), local.Config{})
	must(err)
	t.Cleanup(func() { _ = jobs.Close() })
	s.queue = jobs
	s.renderer = render.New(rendering)
	s.deps = httpapi.Deps{
		Config: httpapi.Config{
			OutputSizeLimit: 10000, SafetyMode: "SAFE_REJECT", AnnotationOrigin: "LEFT_TOP",
			CacheMaxAge: 86400, MaxUpload: 64 << 20, MaxBody: 1 << 20, Capacity: 1 << 40,
		},
		BasePath: basePath, Version: "9.9", Log: slog.New(slog.DiscardHandler),
		Catalog: s.catalog, Slides: slides, Uploads: s.uploads, Registry: registry,
		Renderer: s.renderer,
		Cache:    tiles, Importer: s.importer, Queue: s.queue,
		Settings: []httpapi.Setting{{Name: "root", Value: "memory:"}, {Name: "cache_url", Value: nil}},
	}
	s.handler, s.atOnce = httpapi.New(s.deps)
	server := httptest.NewUnstartedServer(s.handler)
	s.fast = fastpath.New(s.atOnce)
	server.Listener = s.fast.Listener(server.Config, server.Listener) // as the program listens
	server.Start()
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// add imports a file and gives its path in URLs.
func (s *service) add(file string) string {
	s.t.Helper()
	name := filepath.Base(file)
	body, err := os.Open(file)
	if err != nil {
		s.t.Fatal(err)
	}
	defer body.Close()
	object, err := s.uploads.Put(context.Background(), "in/"+name, body, -1, objectstore.PutOptions{})
	if err != nil {
		s.t.Fatal(err)
	}
	report, err := s.importer.Import(context.Background(), importer.NewJob(importer.Upload{
		Bucket: s.uploads.URL(), Key: object.Key, ETag: object.ETag, Size: object.Size,
	}, name, false))
	if err != nil {
		s.t.Fatalf("import of %s: %v", name, err)
	}
	s.slides.Reset()
	return report.Path
}

func (s *service) own(name string) string { return s.add(testfiles.Own(s.t, name)) }

// reply is an answer with its body read.
type reply struct {
	*http.Response
	body []byte // without blanks around it
	raw  []byte
}

// setHeaders sets what is written "Name: value".
func setHeaders(h http.Header, headers []string) {
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		h.Set(name, value)
	}
}

// send makes a request; headers are "Name: value".
func (s *service) send(method, path, body string, headers ...string) reply {
	s.t.Helper()
	request, err := http.NewRequest(method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	setHeaders(request.Header, headers)
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	got, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{response, bytes.TrimSpace(got), got}
}

func (s *service) get(path string, headers ...string) reply {
	s.t.Helper()
	return s.send(http.MethodGet, path, "", headers...)
}

func (r reply) want(t testing.TB, status int) reply {
	t.Helper()
	if r.StatusCode != status {
		t.Fatalf("%s %s: status %d, want %d: %.300s", r.Request.Method, r.Request.URL, r.StatusCode, status, r.body)
	}
	return r
}
