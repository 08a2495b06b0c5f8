// Package httpapi_test runs the HTTP API over a real S3 server.
package httpapi_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/all"
	"github.com/pims-cloud/pims/internal/cache"
	"github.com/pims-cloud/pims/internal/httpapi"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/test/s3gateway"
)

func TestMain(m *testing.M) { s3gateway.Main(m) }

// serve imports a file into buckets of a gateway and serves it; links is
// EXPORT_LINK.
func serve(t *testing.T, file string, links time.Duration) (url, path string) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	gw := s3gateway.Start(t)
	gw.Bucket(t, "slides")
	gw.Bucket(t, "uploads")
	slides, up := gw.Store(t, "slides", ""), gw.Store(t, "uploads", "")
	pages, err := cache.New(16 << 20)
	must(err)
	catalog, err := slide.NewCatalog(slide.Stores{Slides: slides, Uploads: up}, pages, slide.Config{Open: 16, Recheck: time.Hour})
	must(err)
	registry := formats.NewRegistry(all.Formats(), formats.ResolutionOrder{})
	im, err := importer.New(importer.Deps{Registry: registry, Slides: slides, Uploads: up, Catalog: catalog, Creator: "test"})
	must(err)
	body, err := os.ReadFile(file)
	must(err)
	object, err := up.Put(t.Context(), "in/slide.svs", bytes.NewReader(body), int64(len(body)), objectstore.PutOptions{})
	must(err)
	report, err := im.Import(context.Background(), importer.NewJob(importer.Upload{
		Bucket: up.URL(), Key: object.Key, ETag: object.ETag, Size: object.Size,
	}, "a slide.svs", false))
	must(err)
	all, _ := httpapi.New(httpapi.Deps{
		Config: httpapi.Config{
			OutputSizeLimit: 10000, SafetyMode: "SAFE_REJECT", AnnotationOrigin: "LEFT_TOP",
			MaxUpload: 1 << 20, MaxBody: 1 << 20, Capacity: 1 << 40, ExportLink: links,
		},
		Log: slog.New(slog.DiscardHandler), Catalog: catalog, Slides: slides, Uploads: up, Registry: registry,
		Renderer: render.New(render.Config{MaxPixels: 1 << 24, MaxMemory: 1 << 26, MaxTile: 1 << 24}), Cache: pages, Importer: im,
	})
	server := httptest.NewServer(all)
	t.Cleanup(server.Close)
	return server.URL, report.Path
}

// get makes a request and does not follow where the answer sends it.
func get(t *testing.T, url, bytesWanted string) (*http.Response, []byte) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bytesWanted != "" {
		request.Header.Set("Range", "bytes="+bytesWanted)
	}
	got, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = got.Body.Close() }()
	body, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return got, body
}

// An export is a redirect to the bucket, which sends the file as it would have
// been sent: its media type, its name, its parts.
func TestExportsComeStraightFromTheBucket(t *testing.T) {
	file := testfiles.Own(t, "svs/rgb-240.svs")
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	url, path := serve(t, file, time.Minute)
	for _, kind := range []string{"/image/", "/file/"} {
		answer, _ := get(t, url+kind+path+"/export", "")
		if answer.StatusCode != http.StatusSeeOther || answer.Header.Get("Cache-Control") != "private,no-store" {
			t.Fatalf("%s: status %d, Cache-Control %q", kind, answer.StatusCode, answer.Header.Get("Cache-Control"))
		}
		address := answer.Header.Get("Location")
		whole, body := get(t, address, "")
		if whole.StatusCode != http.StatusOK || !bytes.Equal(body, want) {
			t.Errorf("%s: the bucket answers %d with %d bytes, want the upload's %d", kind, whole.StatusCode, len(body), len(want))
		}
		if got := whole.Header.Get("Content-Disposition"); got != "attachment; filename*=utf-8''a%20slide.svs" {
			t.Errorf("%s: Content-Disposition is %q", kind, got)
		}
		if got := whole.Header.Get("Content-Type"); kind == "/file/" && got != "application/octet-stream" {
			t.Errorf("%s: Content-Type is %q", kind, got)
		}
		part, body := get(t, address, "10-19")
		if part.StatusCode != http.StatusPartialContent || !bytes.Equal(body, want[10:20]) {
			t.Errorf("%s: the bucket answers a range with %d and %d bytes", kind, part.StatusCode, len(body))
		}
	}
}

func TestExportsAreSentFromHereUnlessConfigured(t *testing.T) {
	file := testfiles.Own(t, "svs/rgb-240.svs")
	url, path := serve(t, file, 0)
	answer, body := get(t, url+"/image/"+path+"/export", "")
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != http.StatusOK || !bytes.Equal(body, want) {
		t.Errorf("status %d with %d bytes, want the upload's %d", answer.StatusCode, len(body), len(want))
	}
}
