// Package webtest runs the whole server as `pims serve` does, on a free port
// over folders of the test's own, and tests the web page in a real browser
// against it. It is imported by tests only.
package webtest

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/pims-cloud/pims/internal/app"
	"github.com/pims-cloud/pims/internal/config"
	"github.com/pims-cloud/pims/internal/importer"
)

// Server is a running server.
type Server struct {
	App  *app.App
	Base string // its address below the base path, with a slash at its end
}

// Serve starts a server with nothing stored; environ has "NAME=value" settings.
// It stops, and must stop without an error, when the test ends.
func Serve(t testing.TB, environ ...string) *Server {
	t.Helper()
	folder := t.TempDir()
	settings := append([]string{
		"HOST=127.0.0.1", "PORT=0", "GRACEFUL_TIMEOUT=5",
		"STORE_URL=file://" + filepath.Join(folder, "slides"),
		"UPLOADS_URL=file://" + filepath.Join(folder, "uploads"),
		"QUEUE_URL=local:" + filepath.Join(folder, "queue"),
	}, environ...)
	cfg, err := config.LoadIn(folder, settings)
	if err != nil {
		t.Fatalf("the settings %v are refused: %v", settings, err)
	}
	logged := new(lockedBuffer)
	ctx, stop := context.WithCancel(context.Background())
	a, err := app.New(ctx, cfg, app.Options{Version: "test", LogTo: logged, Queue: true})
	if err != nil {
		stop()
		t.Fatalf("the server can not be made: %v", err)
	}
	listener, err := app.Listen(cfg.Server)
	if err != nil {
		stop()
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- a.Serve(ctx, listener) }()
	t.Cleanup(func() {
		stop()
		if err := <-stopped; err != nil {
			t.Errorf("the server stopped with %v", err)
		}
		if err := a.Close(); err != nil {
			t.Errorf("closing the server: %v", err)
		}
		if t.Failed() {
			t.Logf("the server's log:\n%s", logged)
		}
	})
	port := listener.Addr().(*net.TCPAddr).Port
	return &Server{App: a, Base: fmt.Sprintf("http://127.0.0.1:%d%s/", port, strings.TrimSuffix(cfg.Server.BasePath, "/"))}
}

// ImportFile imports a file as `pims import` does and returns the slide's id
// and path.
func (s *Server) ImportFile(t testing.TB, file string) (id, path string) {
	t.Helper()
	job, err := s.App.FileJob(t.Context(), file, false)
	if err != nil {
		t.Fatal(err)
	}
	report, err := s.App.Importer.Import(t.Context(), job)
	if err != nil {
		t.Fatalf("importing %s: %v", file, err)
	}
	if report.State != importer.StateDone {
		t.Fatalf("importing %s ended as %s: %v", file, report.State, report.Err())
	}
	return string(report.ID), report.Path
}

// lockedBuffer is a buffer that many goroutines write to.
type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

// Write appends.
func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

// String is what was written so far.
func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
