package app_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/internal/app"
	"github.com/pims-cloud/pims/internal/config"
	"github.com/pims-cloud/pims/internal/telemetry"
	"github.com/pims-cloud/pims/internal/telemetry/prom"
	"github.com/pims-cloud/pims/internal/testfiles"
)

var update = flag.Bool("update", false, "write the table of metrics in docs/operations.md")

// shown notes the readings that the program shows.
type shown struct {
	*prom.Metrics
	readings []telemetry.Reading
}

func (s *shown) Show(readings ...telemetry.Reading) {
	s.readings = append(s.readings, readings...)
	s.Metrics.Show(readings...)
}

const (
	tableBegins = "<!-- metrics: go test ./internal/app -run TestMetricsPage -update -->\n"
	tableEnds   = "<!-- end of metrics -->\n"
)

// metricsTable is the table of the operations page.
func metricsTable(readings []telemetry.Reading) string {
	var b strings.Builder
	b.WriteString("\n| Server (Prometheus) | Labels | Functions (CloudWatch) | Unit, dimensions | What |\n|---|---|---|---|---|\n")
	list := func(names []string) string {
		if len(names) == 0 {
			return "–"
		}
		return "`" + strings.Join(names, "`, `") + "`"
	}
	for _, d := range telemetry.Instruments() {
		dimensions := []string{"Function"}
		if d.Dimension != "" {
			dimensions = append(dimensions, d.Dimension)
		}
		fmt.Fprintf(&b, "| `%s` | %s | `%s` | %s; %s | %s |\n", d.Prometheus, list(d.Labels), d.CloudWatch, d.Unit, list(dimensions), d.Help)
	}
	for _, r := range readings {
		fmt.Fprintf(&b, "| `%s` | %s | – | – | %s |\n", r.Name, list(r.Labels), r.Help)
	}
	b.WriteString("\n")
	return b.String()
}

func TestMetricsPage(t *testing.T) {
	folder := t.TempDir()
	cfg, err := config.LoadIn(folder, []string{"STORE_URL=memory:", "UPLOADS_URL=memory:", "QUEUE_URL=local:" + filepath.Join(folder, "queue")})
	if err != nil {
		t.Fatal(err)
	}
	metrics := &shown{Metrics: prom.New()}
	a, err := app.New(context.Background(), cfg, app.Options{LogTo: &bytes.Buffer{}, Metrics: metrics, Queue: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	path := filepath.Join(testfiles.Root(t), "docs", "operations.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(page), tableBegins)
	table, after, ended := strings.Cut(rest, tableEnds)
	if !found || !ended {
		t.Fatalf("docs/operations.md does not have %q and %q", tableBegins, tableEnds)
	}
	want := metricsTable(metrics.readings)
	if *update {
		if err := os.WriteFile(path, []byte(before+tableBegins+want+tableEnds+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, table); diff != "" {
		t.Errorf("the table of metrics is not what the code says; run go test ./internal/app -run TestMetricsPage -update\n%s", diff)
	}
}

func TestAServerShowsWhatItHolds(t *testing.T) {
	s := start(t, t.TempDir())
	s.get("/ping")
	_, page := s.get("/metrics")
	for _, want := range []string{
		`pims_http_requests_total{method="GET",route="/ping",status="200"} 1`,
		`pims_queue_messages{queue="import",state="waiting"} 0`, `pims_queue_messages{queue="convert",state="working"} 0`,
		`pims_store_operations_total{operation="read",store="slides"}`, "pims_cache_memory_bytes ",
	} {
		if !strings.Contains(string(page), want) {
			t.Errorf("/metrics does not have %s", want)
		}
	}
}

// TestATileFromMemoryIsAnsweredOnItsConnection asks the program for one tile again
// and again.
func TestATileFromMemoryIsAnsweredOnItsConnection(t *testing.T) {
	s := start(t, t.TempDir(), "DEMO_SLIDE=true")
	path := s.until("the demonstration is imported", finished(1)).Items[0].Path
	tile := "/image/" + path + "/normalized-tile/level/0/ti/0.jpg"
	status, first := s.get(tile)
	s.wait("answers on the connection", func() bool {
		if again, body := s.get(tile); again != status || status != http.StatusOK || !bytes.Equal(body, first) {
			t.Fatalf("status %d, then %d, the same bytes: %t", status, again, bytes.Equal(body, first))
		}
		_, page := s.get("/metrics")
		_, count, _ := strings.Cut(string(page), "\npims_http_at_once_total ")
		return count != "" && count[0] != '0'
	})
}
