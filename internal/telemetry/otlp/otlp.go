// Package otlp sends traces of requests and imports to a collector, by
// OpenTelemetry's protocol over HTTP. Only servers and workers have it, and only
// when a collector is named: otherwise no line of it runs for a request.
//
// The steps of a request are those of its Server-Timing header; they are noted by
// package timing while it runs and become spans when it is over, so nothing else
// of the program knows of tracing.
package otlp

import (
	"context"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/telemetry"
	"github.com/pims-cloud/pims/internal/telemetry/timing"
)

// Traces follows requests and imports. It is safe for concurrent use.
type Traces struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

// The variables that name a collector (OpenTelemetry specification, "OTLP
// Exporter Configuration"). The SDK reads them, and all others of its own.
const (
	endpoint       = "OTEL_EXPORTER_OTLP_ENDPOINT"
	tracesEndpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
)

// Open makes the traces of a process whose environment names a collector, and
// nil for another. Nothing is sent before something was traced; a collector that
// does not answer costs what was to be sent, and nothing else.
func Open(ctx context.Context, version string, getenv func(string) string) (*Traces, error) {
	if getenv(endpoint) == "" && getenv(tracesEndpoint) == "" {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, fault.New(fault.Invalid, "trace-collector", "%s or another OTEL_ variable can not be used: %v.", endpoint, err).Because(err)
	}
	described, err := resource.New(ctx, resource.WithAttributes(
		attribute.String("service.name", "pims"), attribute.String("service.version", version)),
		resource.WithFromEnv(), resource.WithTelemetrySDK())
	if err != nil {
		return nil, fault.New(fault.Invalid, "trace-resource", "OTEL_RESOURCE_ATTRIBUTES can not be used: %v.", err).Because(err)
	}
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter), sdktrace.WithResource(described))
	return &Traces{provider: provider, tracer: provider.Tracer("github.com/pims-cloud/pims")}, nil
}

// Close sends what is left, for as long as ctx allows.
func (t *Traces) Close(ctx context.Context) error { return t.provider.Shutdown(ctx) }

// Handler follows the requests that next answers. A request with a traceparent
// header (W3C Trace Context) belongs to its client's trace. It stands behind
// telemetry.Access, whose account of the steps it reads.
func (t *Traces) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := t.tracer.Start(ctx, r.Method, trace.WithSpanKind(trace.SpanKindServer))
		steps := timing.Of(ctx)
		if !span.IsRecording() || steps == nil {
			next.ServeHTTP(w, r)
			return
		}
		followed, out := steps.Follow(), &answer{ResponseWriter: w}
		request := r.WithContext(ctx)
		defer func() {
			r.Pattern = request.Pattern // whoever logs the request sees it there
			t.ended(ctx, span, request, out, steps.Class(), followed)
		}()
		next.ServeHTTP(out, request)
	})
}

// ended makes the spans of a request.
func (t *Traces) ended(ctx context.Context, span trace.Span, r *http.Request, out *answer, class timing.Class, followed *timing.Trace) {
	ran, more := followed.Ran()
	for _, step := range ran {
		_, child := t.tracer.Start(ctx, step.Step.String(), trace.WithTimestamp(step.Start))
		child.End(trace.WithTimestamp(step.Start.Add(step.Took)))
	}
	if r.Pattern != "" {
		span.SetName(r.Method + " " + r.Pattern)
	}
	// Names of the semantic conventions for HTTP; the query may hold signatures.
	span.SetAttributes(
		attribute.String("http.request.method", r.Method), attribute.String("http.route", r.Pattern),
		attribute.String("url.path", telemetry.WithoutSecrets(r.URL.Path)), attribute.Int("http.response.status_code", out.status),
		attribute.String("pims.request", telemetry.RequestID(ctx)), attribute.String("pims.class", class.String()))
	if more > 0 {
		span.SetAttributes(attribute.Int("pims.steps_left_out", more))
	}
	if out.status >= http.StatusInternalServerError {
		span.SetStatus(codes.Error, http.StatusText(out.status))
	}
	span.End()
}

// Stage makes the span of a stage of an import that has ended.
func (t *Traces) Stage(name string, took time.Duration) {
	end := time.Now()
	_, span := t.tracer.Start(context.Background(), "import "+name, trace.WithTimestamp(end.Add(-took)))
	span.End(trace.WithTimestamp(end))
}

// answer remembers the status.
type answer struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	if a.status == 0 && status >= http.StatusOK {
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if a.status == 0 {
		a.status = http.StatusOK
	}
	return a.ResponseWriter.Write(p)
}

// Unwrap lets http.ResponseController reach deadlines and flushing.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }
