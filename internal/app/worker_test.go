package app_test

import (
	"context"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/app"
	"github.com/pims-cloud/pims/internal/config"
	"github.com/pims-cloud/pims/internal/queue"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// TestAWorkerAnswersOperatorsAndNobodyElse while it works on its queues.
func TestAWorkerAnswersOperatorsAndNobodyElse(t *testing.T) {
	folder := t.TempDir()
	slide, err := os.ReadFile(testfiles.Own(t, "svs/blank-tiles.svs"))
	if err != nil {
		t.Fatal(err)
	}
	uploads := filepath.Join(folder, "uploads")
	if err := os.MkdirAll(uploads, 0o755); err != nil {
		t.Fatal(err)
	}
	s := startAs(t, folder, app.ListenWorker, func(a *app.App, ctx context.Context, l net.Listener) error { return a.ServeWorker(ctx, l) },
		"WORKER_LISTEN=127.0.0.1:0", "API_BASE_PATH=/ims", "DEMO_SLIDE=false")
	for path, want := range map[string]string{"/ping": `{"ping":"pong"}`, "/ims/ping": `{"ping":"pong"}`, "/ready": `{"ready":true}`, "/ims/ready": `{"ready":true}`} {
		if status, body := s.get(path); status != http.StatusOK || string(body) != want {
			t.Errorf("%s: %d %.200s, want %s", path, status, body, want)
		}
	}
	for _, path := range []string{"/", "/slides", "/ims/slides", "/info", "/docs", "/uploads"} {
		if status, body := s.get(path); status != http.StatusNotFound {
			t.Errorf("%s: %d %.200s, want 404", path, status, body)
		}
	}
	if err := os.WriteFile(filepath.Join(uploads, "a.svs"), slide, 0o644); err != nil {
		t.Fatal(err)
	}
	s.wait("an import to be counted", func() bool {
		_, page := s.get("/metrics")
		return strings.Contains(string(page), `pims_imports_total{state="done"} 1`)
	})
	if _, page := s.get("/metrics"); !strings.Contains(string(page), `pims_queue_messages{queue="convert",state="waiting"} 0`) ||
		!strings.Contains(string(page), `pims_http_requests_total{method="GET",route="/ready",status="200"}`) {
		t.Errorf("the metrics are not those of a worker:\n%.3000s", page)
	}
}

// TestAWorkerIsReadyWhenItsOwnQueueIs: of queues that it does not work on it has
// perhaps no rights.
func TestAWorkerIsReadyWhenItsOwnQueueIs(t *testing.T) {
	environ := []string{"WORKER_LISTEN=127.0.0.1:0", "QUEUE_URL=http://127.0.0.1:1/0/imports", "QUEUE_CONVERT_URL=http://127.0.0.1:1/0/conversions",
		"AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_REGION=eu-west-1"}
	for _, line := range environ[3:] {
		name, value, _ := strings.Cut(line, "=")
		t.Setenv(name, value)
	}
	s := startAs(t, t.TempDir(), app.ListenWorker, func(a *app.App, ctx context.Context, l net.Listener) error {
		a.Convert = emptyQueue{a.Convert}
		return a.ServeWorker(ctx, l, app.QueueConvert)
	}, environ[:3]...)
	if status, body := s.get("/ready"); status != http.StatusOK {
		t.Errorf("the queue of imports, which nobody works on here, makes it not ready: %d %.300s", status, body)
	}
}

// emptyQueue is a queue that answers and holds nothing.
type emptyQueue struct{ queue.Queue }

func (emptyQueue) Depth(context.Context) (waiting, working int, err error) { return 0, 0, nil }

func (emptyQueue) Receive(ctx context.Context, _ int) ([]queue.Message, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

func TestAWorkerListensNowhereUnlessTold(t *testing.T) {
	cfg, err := config.LoadIn(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if l, err := app.ListenWorker(cfg.Server); l != nil || err != nil {
		t.Errorf("without WORKER_LISTEN: %v, %v", l, err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	cfg.Server.Worker = taken.Addr().String()
	if _, err := app.ListenWorker(cfg.Server); err == nil || !strings.Contains(err.Error(), "WORKER_LISTEN") {
		t.Errorf("at a taken address: %v, want one that names WORKER_LISTEN", err)
	}
}
