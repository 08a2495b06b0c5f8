package app_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"io/fs"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/app"
	"github.com/pims-cloud/pims/internal/config"
	"github.com/pims-cloud/pims/internal/slidegen"
	"github.com/pims-cloud/pims/internal/telemetry/prom"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// service is a whole server on a loopback port.
type service struct {
	t      *testing.T
	base   string
	folder string
	log    *syncBuffer
	stop   context.CancelFunc
	ended  chan error
}

// syncBuffer may be written by the server while the test reads it.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func start(t *testing.T, folder string, environ ...string) *service {
	t.Helper()
	return startAs(t, folder, app.Listen, (*app.App).Serve, environ...)
}

// startAs starts what listens and serves so.
func startAs(t *testing.T, folder string, listen func(config.Server) (net.Listener, error),
	serve func(*app.App, context.Context, net.Listener) error, environ ...string) *service {
	t.Helper()
	cfg, err := config.LoadIn(folder, append([]string{
		"STORE_URL=file://" + filepath.Join(folder, "slides"), "UPLOADS_URL=file://" + filepath.Join(folder, "uploads"),
		"QUEUE_URL=local:" + filepath.Join(folder, "queue"), "WATCH_SETTLE=100ms", "WATCH_RESCAN=1s", "GRACEFUL_TIMEOUT=10", "PORT=0",
	}, environ...))
	if err != nil {
		t.Fatal(err)
	}
	s := &service{t: t, folder: folder, log: &syncBuffer{}, ended: make(chan error, 1)}
	a, err := app.New(context.Background(), cfg, app.Options{Version: "test", LogTo: s.log, Queue: true, Demo: smallDemo, Metrics: prom.New()})
	if err != nil {
		t.Fatal(err)
	}
	listener, err := listen(cfg.Server)
	if err != nil {
		t.Fatal(err)
	}
	s.base = "http://" + listener.Addr().(*net.TCPAddr).String()
	ctx, cancel := context.WithCancel(context.Background())
	s.stop = cancel
	a.LogStart(ctx)
	go func() {
		err := serve(a, ctx, listener)
		if closed := a.Close(); err == nil {
			err = closed
		}
		s.ended <- err
	}()
	t.Cleanup(s.shutdown)
	return s
}

// shutdown stops the server and waits for it; it may be called twice.
func (s *service) shutdown() {
	s.stop()
	if err, first := <-s.ended; first {
		close(s.ended)
		if err != nil {
			s.t.Errorf("the server ended with %v", err)
		}
	}
}

func (s *service) get(path string) (status int, body []byte) {
	s.t.Helper()
	reply, err := http.Get(s.base + path)
	if err != nil {
		s.t.Fatal(err)
	}
	defer reply.Body.Close()
	body, err = io.ReadAll(reply.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply.StatusCode, body
}

// smallDemo stands for the demonstration slide, which takes seconds to draw.
func smallDemo(ctx context.Context, w io.WriteSeeker) error {
	return slidegen.WriteSVS(ctx, w, slidegen.SVS{Scene: slidegen.Scene{Width: 600, Height: 400, Seed: 1}, TileSize: 256, Quality: 70})
}

type listed struct {
	Items []struct {
		ID, Path, Name, State string
	}
}

// until polls the list of slides until it is as wanted.
func (s *service) until(what string, ok func(listed) bool) listed {
	s.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		status, body := s.get("/slides")
		var l listed
		if err := json.Unmarshal(body, &l); status != http.StatusOK || err != nil {
			s.t.Fatalf("/slides: %d %v %s", status, err, body)
		}
		if ok(l) {
			return l
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("not within 30 s: %s; the list is %s\n%s", what, body, s.log)
		}
		time.Sleep(20 * time.Millisecond) // polling a server, with a deadline
	}
}

// wait polls until done.
func (s *service) wait(what string, done func() bool) {
	s.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); {
		if time.Now().After(deadline) {
			s.t.Fatalf("not within 30 s: %s\n%s", what, s.log)
		}
		time.Sleep(20 * time.Millisecond) // polling a server, with a deadline
	}
}

func finished(n int) func(listed) bool {
	return func(l listed) bool {
		final := 0
		for _, i := range l.Items {
			if i.State == "done" || i.State == "failed" {
				final++
			}
		}
		return final == n
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	body, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, body, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestFileCopiedIntoTheUploadsFolderIsSeen(t *testing.T) {
	folder := t.TempDir()
	s := start(t, folder)
	copyFile(t, testfiles.Own(t, "svs/rgb-240.svs"), filepath.Join(folder, "uploads", "case 7", "a slide.svs"))
	copyFile(t, testfiles.Own(t, "hostile/ifd-loop.tif"), filepath.Join(folder, "uploads", "loop.tif"))
	l := s.until("both files are dealt with", finished(2))
	for _, item := range l.Items {
		switch item.State {
		case "done":
			if item.Name != "a slide.svs" || item.Path != item.ID+"/a-slide.svs" {
				t.Errorf("the slide is called %q with path %q, want its own name and a sanitised path", item.Name, item.Path)
			}
			if status, body := s.get("/image/" + item.Path + "/tile/level/0/ti/0.jpg"); status != http.StatusOK || !bytes.HasPrefix(body, []byte{0xff, 0xd8}) {
				t.Errorf("its first tile: %d %.80s", status, body)
			}
		case "failed":
			_, body := s.get("/imports/" + item.ID)
			if !strings.Contains(string(body), `"detail"`) {
				t.Errorf("the failed import gives no reason: %s", body)
			}
		}
	}
	s.shutdown() // the upload is removed after the import is told to be done
	if _, err := os.Stat(filepath.Join(folder, "uploads", "loop.tif")); err != nil {
		t.Errorf("the upload that failed was touched: %v", err)
	}
	if _, err := os.Stat(filepath.Join(folder, "uploads", "case 7", "a slide.svs")); err == nil {
		t.Error("the upload that was imported still lies in the uploads folder")
	}
}

func (s *service) upload(path string) (status int, body string) {
	s.t.Helper()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("files[]", filepath.Base(path))
	if err != nil {
		s.t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := part.Write(content); err != nil {
		s.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		s.t.Fatal(err)
	}
	reply, err := http.Post(s.base+"/upload?sync=true", w.FormDataContentType(), &form)
	if err != nil {
		s.t.Fatal(err)
	}
	defer reply.Body.Close()
	answer, err := io.ReadAll(reply.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply.StatusCode, string(answer)
}

// TestHostileFilesOverHTTP uploads every broken file that there is: each gets a
// clear error (or proves harmless), and the server lives.
func TestHostileFilesOverHTTP(t *testing.T) {
	s := start(t, t.TempDir())
	var files []string
	for _, root := range []string{testfiles.Own(t, "hostile"), sharedHostile()} {
		if root == "" {
			t.Log("the real hostile files of ../shared/testdata are not here; own ones only")
			continue
		}
		err := filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() {
				files = append(files, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if testing.Short() {
		files = files[:min(30, len(files))]
	}
	for _, file := range files {
		status, body := s.upload(file)
		switch {
		case status == http.StatusOK:
		case status >= 400 && status < 500 && strings.Contains(body, `"error":"`) && !strings.Contains(body, `"error":""`):
		default:
			t.Errorf("%s: status %d, %.300s", filepath.Base(file), status, body)
		}
	}
	if status, body := s.get("/ping"); status != http.StatusOK || string(body) != `{"ping":"pong"}` {
		t.Errorf("after %d hostile files: %d %s", len(files), status, body)
	}
	for line := range strings.Lines(s.log.String()) {
		if strings.Contains(line, "level=ERROR") {
			t.Error(line)
		}
	}
}

func sharedHostile() string {
	path := filepath.Join("..", "..", "..", "shared", "testdata", "hostile")
	if base := os.Getenv("SHARED_TESTDATA"); base != "" {
		path = filepath.Join(base, "hostile")
	}
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

func TestStopLetsAnUploadThatHasBegunFinish(t *testing.T) {
	folder := t.TempDir()
	s := start(t, folder)
	body, writer := io.Pipe()
	form := multipart.NewWriter(writer)
	type result struct {
		status int
		err    error
	}
	answered := make(chan result, 1)
	go func() {
		// The client sends the body once the handler asks for it: from then on
		// the request has begun.
		client := http.Client{Transport: &http.Transport{ExpectContinueTimeout: time.Minute}}
		request, err := http.NewRequest(http.MethodPost, s.base+"/upload", body)
		if err != nil {
			answered <- result{err: err}
			return
		}
		request.Header.Set("Content-Type", form.FormDataContentType())
		request.Header.Set("Expect", "100-continue")
		reply, err := client.Do(request)
		if err != nil {
			answered <- result{err: err}
			return
		}
		_ = reply.Body.Close()
		answered <- result{status: reply.StatusCode}
	}()
	part, err := form.CreateFormFile("files[]", "slide.svs")
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(testfiles.Own(t, "svs/rgb-240.svs"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(content[:len(content)/2]); err != nil {
		t.Fatal(err)
	}
	s.stop()
	for !strings.Contains(s.log.String(), "pims stops") {
		time.Sleep(10 * time.Millisecond) // polling the log; the test's own time limit is the deadline
	}
	if _, err := part.Write(content[len(content)/2:]); err != nil {
		t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	if got := <-answered; got.err != nil || got.status != http.StatusOK {
		t.Fatalf("an upload that had begun was answered %d, %v\n%s", got.status, got.err, s.log)
	}
	s.shutdown()

	again := start(t, folder)
	l := again.until("what was queued before the stop is imported after the start", finished(1))
	if l.Items[0].State != "done" {
		t.Errorf("it ended as %+v", l.Items[0])
	}
}

func TestStartIsTold(t *testing.T) {
	s := start(t, t.TempDir(), "VIPS_CACHE_MAX_ITEMS=3", "CACHE_MEMORY=1MiB")
	for _, want := range []string{"version=test", "SVS", "store=file://", "uploads=file://", "cache=", "queue=local:", "VIPS_CACHE_MAX_ITEMS"} {
		if !strings.Contains(s.log.String(), want) {
			t.Errorf("the start log does not say %q:\n%s", want, s.log)
		}
	}
}

func TestDemonstrationSlideIsImportedIntoAnEmptyStoreOnly(t *testing.T) {
	folder := t.TempDir()
	s := start(t, folder, "DEMO_SLIDE=true")
	l := s.until("the demonstration is imported", finished(1))
	if l.Items[0].State != "done" || l.Items[0].Name != "demonstration.svs" {
		t.Errorf("got %+v", l.Items)
	}
	s.shutdown()
	again := start(t, folder, "DEMO_SLIDE=true")
	if l := again.until("the list has it", finished(1)); len(l.Items) != 1 {
		t.Errorf("a second start made %+v", l.Items)
	}
}

func TestMetricsAndProfiles(t *testing.T) {
	s := start(t, t.TempDir())
	s.get("/ping")
	if status, body := s.get("/metrics"); status != http.StatusOK || !strings.Contains(string(body), "pims_http_requests_total") {
		t.Errorf("/metrics: %d %.200s", status, body)
	}
	if status, _ := s.get("/debug/pprof/"); status != http.StatusNotFound {
		t.Errorf("profiles are served without DEBUG: %d", status)
	}
	if status, _ := start(t, t.TempDir(), "DEBUG=true").get("/debug/pprof/"); status != http.StatusOK {
		t.Errorf("profiles are not served with DEBUG: %d", status)
	}
}

func TestFileBehindALinkIsImported(t *testing.T) {
	folder := t.TempDir()
	link := filepath.Join(folder, "link.svs")
	if err := os.Symlink(testfiles.Own(t, "svs/rgb-240.svs"), link); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.LoadIn(folder, []string{"STORE_URL=file://" + folder + "/slides", "UPLOADS_URL=file://" + folder + "/uploads"})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	a, err := app.New(ctx, cfg, app.Options{LogTo: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = a.Close() })
	job, err := a.FileJob(ctx, link, false)
	if err != nil {
		t.Fatal(err)
	}
	if report, err := a.Importer.Import(ctx, job); err != nil || report.Name != "link.svs" {
		t.Errorf("got %+v, %v", report, err)
	}
}
