package cost

import (
	"io"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/telemetry"
)

// Front is what stands between viewers and functions.
type Front string

// The fronts.
const (
	FunctionURL Front = "url" // nothing but the function's own address
	APIGateway  Front = "api" // an HTTP API
	CDN         Front = "cdn" // CloudFront before a function URL
)

// Deployment is what the counters of a server are translated to: what the same
// requests would come to in functions.
type Deployment struct {
	Front Front
	// CDNHits is the share of requests that the CDN answers itself, from 0 to
	// below 1. The server saw the others.
	CDNHits float64
	// MemoryMB is what a function has.
	MemoryMB float64
	// LogBytes is what is logged for one invocation: the line of the request,
	// that of the metrics, and the platform's three.
	LogBytes float64
}

// Validate says what is wrong.
func (d Deployment) Validate() error {
	switch {
	case d.Front != FunctionURL && d.Front != APIGateway && d.Front != CDN:
		return fault.New(fault.Invalid, "cost-deployment", "The front is %q: expected url, api or cdn.", d.Front)
	case d.CDNHits < 0 || d.CDNHits >= 1:
		return fault.New(fault.Invalid, "cost-deployment", "The share that the CDN answers is %g: expected 0 or more and less than 1.", d.CDNHits)
	case d.CDNHits > 0 && d.Front != CDN:
		return fault.New(fault.Invalid, "cost-deployment", "There is a share that the CDN answers, but the front is %q: expected cdn.", d.Front)
	case !amount(d.MemoryMB) || d.MemoryMB == 0 || !amount(d.LogBytes):
		return fault.New(fault.Invalid, "cost-deployment", "A function has %g MB and logs %g bytes: expected more than 0, and 0 or more.", d.MemoryMB, d.LogBytes)
	}
	return nil
}

// Units of the providers.
const (
	gb = 1e9 // of transfer and logs
)

// Scrape reads what a server has counted since it started, in Prometheus' text
// format, and translates it to a deployment in functions.
//
// Tiles are the answers 200 and 304 to routes of tiles. Times are those of the
// server: a slower function needs more of them.
func Scrape(r io.Reader, d Deployment) (Counters, error) {
	if err := d.Validate(); err != nil {
		return Counters{}, err
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(r)
	if err != nil {
		return Counters{}, fault.New(fault.Invalid, "cost-metrics", "What was read is no page of metrics in Prometheus' text format.").Because(err)
	}
	instruments := telemetry.Instruments()
	requests := families[instruments[telemetry.Requests].Prometheus]
	if requests == nil {
		return Counters{}, fault.New(fault.Invalid, "cost-metrics",
			"The page of metrics does not have %s: expected /metrics of a pims server that has answered requests.", instruments[telemetry.Requests].Prometheus)
	}
	answered := sum(requests, served)
	tiles := sum(requests, tile)
	seconds := sum(families[instruments[telemetry.RequestTime].Prometheus], served)
	sent := sum(families[instruments[telemetry.SentBytes].Prometheus], served)
	operations := families["pims_store_operations_total"]
	gets := sum(operations, of("operation", "read")) + sum(operations, of("operation", "stat"))
	puts := sum(operations, of("operation", "write")) + sum(operations, of("operation", "list"))

	seen := 1 / (1 - d.CDNHits) // requests of viewers for each that reaches a function
	c := Counters{Tiles: tiles * seen, Items: map[string]float64{
		"function_requests":   answered,
		"function_gb_seconds": seconds * d.MemoryMB / 1024,
		"s3_gets":             gets,
		"s3_puts":             puts,
		"log_gb":              answered * d.LogBytes / gb,
	}}
	switch d.Front {
	case CDN:
		c.Items["cdn_requests"], c.Items["cdn_gb"] = answered*seen, sent*seen/gb
	case APIGateway:
		c.Items["api_requests"], c.Items["transfer_gb"] = answered, sent/gb
	case FunctionURL:
		c.Items["transfer_gb"] = sent / gb
	}
	return c, nil
}

// sum adds the values of a counter, or the times of a histogram, whose labels fit.
func sum(f *dto.MetricFamily, fits func(map[string]string) bool) (total float64) {
	for _, m := range f.GetMetric() {
		labels := map[string]string{}
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = l.GetValue()
		}
		if fits(labels) {
			total += m.GetCounter().GetValue() + m.GetHistogram().GetSampleSum()
		}
	}
	return total
}

func of(name, value string) func(map[string]string) bool {
	return func(labels map[string]string) bool { return labels[name] == value }
}

// served leaves out what operators ask for.
func served(labels map[string]string) bool {
	switch labels["route"] {
	case "/metrics", "/ping", "/ready", "/debug/pprof/":
		return false
	}
	return true
}

// tile is an answer with a tile, or that the viewer has it.
func tile(labels map[string]string) bool {
	route := labels["route"]
	return (strings.Contains(route, "tile") || strings.Contains(route, "_files/")) &&
		(labels["status"] == "200" || labels["status"] == "304")
}
