package otlp_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/pims-cloud/pims/internal/telemetry"
	"github.com/pims-cloud/pims/internal/telemetry/otlp"
	"github.com/pims-cloud/pims/internal/telemetry/timing"
)

// receiver is a collector that keeps the spans it gets.
type receiver struct {
	mu    sync.Mutex
	spans map[string]*tracepb.Span // by name
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{spans: map[string]*tracepb.Span{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		var in collector.ExportTraceServiceRequest
		if err != nil || q.URL.Path != "/v1/traces" || proto.Unmarshal(body, &in) != nil {
			t.Errorf("%s is no request of the protocol", q.URL.Path)
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for _, resource := range in.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					r.spans[span.Name] = span
				}
			}
		}
	}))
	t.Cleanup(server.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.URL)
	return r
}

func open(t *testing.T) *otlp.Traces {
	t.Helper()
	traces, err := otlp.Open(t.Context(), "test", os.Getenv)
	if err != nil || traces == nil {
		t.Fatalf("%v, %v", traces, err)
	}
	return traces
}

func attributes(span *tracepb.Span) map[string]any {
	out := map[string]any{}
	for _, a := range span.GetAttributes() {
		out[a.Key] = a.Value.GetStringValue()
		if n := a.Value.GetIntValue(); n != 0 {
			out[a.Key] = n
		}
	}
	return out
}

func TestARequestBecomesASpanWithItsSteps(t *testing.T) {
	r := newReceiver(t)
	traces := open(t)
	var seen telemetry.Served
	handler := telemetry.Access(traces.Handler(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		q.Pattern = "/tile/{n}"
		reading := timing.Start(q.Context(), timing.Read)
		reading.Stop()
		timing.Classify(q.Context(), timing.Passthrough)
		w.WriteHeader(http.StatusAccepted)
	})), slog.New(slog.DiscardHandler), func(s telemetry.Served) { seen = s })
	request := httptest.NewRequest(http.MethodGet, "/tile/7?signature=secret", nil)
	request.Header.Set("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
	request.Header.Set("X-Request-Id", "id-7")
	handler.ServeHTTP(httptest.NewRecorder(), request)
	traces.Stage("probing", time.Second)
	if err := traces.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if seen.Route != "/tile/{n}" || seen.Status != http.StatusAccepted || seen.Class != timing.Passthrough {
		t.Errorf("tracing hides from the access line: %+v", seen)
	}
	whole, step, stage := r.spans["GET /tile/{n}"], r.spans["read"], r.spans["import probing"]
	if whole == nil || step == nil || stage == nil {
		t.Fatalf("spans %v", r.spans)
	}
	if string(step.ParentSpanId) != string(whole.SpanId) || string(step.TraceId) != string(whole.TraceId) ||
		step.StartTimeUnixNano < whole.StartTimeUnixNano || step.EndTimeUnixNano > whole.EndTimeUnixNano {
		t.Errorf("the step is not within its request: %v of %v", step, whole)
	}
	if got := whole.TraceId[0]; got != 0x0a || whole.ParentSpanId[0] != 0xb7 {
		t.Errorf("the request does not belong to its client's trace: %v", whole)
	}
	got := attributes(whole)
	for name, want := range map[string]any{"http.response.status_code": int64(202), "url.path": "/tile/7",
		"pims.request": "id-7", "pims.class": "passthrough", "http.route": "/tile/{n}"} {
		if got[name] != want {
			t.Errorf("%s is %v, want %v", name, got[name], want)
		}
	}
	if stage.EndTimeUnixNano-stage.StartTimeUnixNano != uint64(time.Second) {
		t.Errorf("the stage took %d ns, want a second", stage.EndTimeUnixNano-stage.StartTimeUnixNano)
	}
}

func TestWithoutACollectorThereAreNoTraces(t *testing.T) {
	traces, err := otlp.Open(t.Context(), "test", func(string) string { return "" })
	if traces != nil || err != nil {
		t.Errorf("%v, %v", traces, err)
	}
}

func TestWhatIsNotSampledIsNotFollowed(t *testing.T) {
	r := newReceiver(t)
	t.Setenv("OTEL_TRACES_SAMPLER", "always_off")
	traces := open(t)
	handler := telemetry.Access(traces.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusOK)
	})), slog.New(slog.DiscardHandler))
	handler.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	if err := traces.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(r.spans) != 0 {
		t.Errorf("spans %v", r.spans)
	}
}

func TestACollectorThatIsDownFailsNoRequest(t *testing.T) {
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1")
	t.Setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "100")
	traces := open(t)
	handler := telemetry.Access(traces.Handler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("a tile"))
	})), slog.New(slog.DiscardHandler))
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	_ = traces.Close(t.Context()) // says that nothing could be sent
	if w.Code != http.StatusOK || w.Body.String() != "a tile" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}
