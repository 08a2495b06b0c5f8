package prom_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/telemetry"
	"github.com/pims-cloud/pims/internal/telemetry/prom"
	"github.com/pims-cloud/pims/internal/telemetry/timing"
)

func scrape(m *prom.Metrics) string {
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return recorder.Body.String()
}

func TestMetricsCount(t *testing.T) {
	m := prom.New()
	m.Request(telemetry.Served{Method: "GET", Route: "GET /tile", Status: 200, Sent: 10, Reads: 2, Bytes: 30,
		Cache: "MISS", Class: timing.Passthrough, Duration: 3 * time.Millisecond})
	m.Request(telemetry.Served{Method: "BREW", Status: 500, Class: timing.Refused})
	m.Import("done", 2*time.Second)
	m.Stage("probing", time.Second)
	m.Waited("import", 20*time.Second)
	m.Show(telemetry.Reading{Name: "pims_test_messages", Help: "x", Labels: []string{"queue"},
		Read: func(ctx context.Context, tell func(float64, ...string)) {
			if _, bounded := ctx.Deadline(); !bounded {
				t.Error("a reading may take forever")
			}
			tell(7, "import")
		}})
	got := scrape(m)
	for _, want := range []string{
		`pims_http_requests_total{method="GET",route="GET /tile",status="200"} 1`,
		`pims_http_requests_total{method="other",route="unmatched",status="500"} 1`,
		"pims_http_failures_total 1",
		`pims_http_request_seconds_bucket{class="passthrough",route="GET /tile",le="0.0025"} 0`,
		`pims_http_request_seconds_bucket{class="passthrough",route="GET /tile",le="0.005"} 1`,
		`pims_http_sent_bytes_total{route="GET /tile"} 10`, "pims_source_reads_total 2", "pims_source_read_bytes_total 30",
		`pims_cache_replies_total{outcome="MISS"} 1`, `pims_imports_total{state="done"} 1`, "pims_import_seconds_sum 2",
		`pims_import_stage_seconds_sum{stage="probing"} 1`, `pims_queue_age_seconds_sum{queue="import"} 20`,
		`pims_test_messages{queue="import"} 7`, "# TYPE pims_test_messages gauge", "go_goroutines",
	} {
		if !strings.Contains(got, want+"\n") && !strings.Contains(got, want+" ") {
			t.Errorf("/metrics does not have %s", want)
		}
	}
}

func TestEveryInstrumentIsExported(t *testing.T) {
	m := prom.New()
	m.Request(telemetry.Served{Status: 200})
	m.Import("done", 0)
	m.Stage("probing", 0)
	m.Waited("import", 0)
	got := scrape(m)
	for _, d := range telemetry.Instruments() {
		if !strings.Contains(got, "# HELP "+d.Prometheus+" "+d.Help+"\n") {
			t.Errorf("/metrics does not have %s", d.Prometheus)
		}
	}
}

func TestCountingARequestAllocatesNothing(t *testing.T) {
	m := prom.New()
	s := telemetry.Served{Method: "GET", Route: "GET /tile", Status: 200, Sent: 10, Reads: 2, Bytes: 30, Cache: "HIT", Class: timing.Hit}
	if n := testing.AllocsPerRun(100, func() { m.Request(s) }); n > 0 {
		t.Errorf("counting a request makes %.0f allocations, want none", n)
	}
}

func BenchmarkRequest(b *testing.B) {
	m := prom.New()
	s := telemetry.Served{Method: "GET", Route: "GET /tile", Status: 200, Sent: 10, Cache: "HIT", Class: timing.Hit}
	b.ReportAllocs()
	for b.Loop() {
		m.Request(s)
	}
}
