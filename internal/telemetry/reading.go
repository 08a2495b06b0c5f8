package telemetry

import (
	"context"
	"net/http"
	"time"
)

// Scraped is a Recorder whose measures are read over HTTP, and which can then
// also show what others count.
type Scraped interface {
	Recorder
	Handler() http.Handler
	// Show adds readings. It is called before the first scrape; two readings of
	// one name are a defect of the program.
	Show(readings ...Reading)
}

// Tracer follows requests and imports and shows their steps elsewhere; *otlp.Traces
// is one. It is safe for concurrent use.
type Tracer interface {
	// Handler follows what next answers. It stands behind Access.
	Handler(next http.Handler) http.Handler
	// Stage is told of a stage of an import that ended, well or not.
	Stage(name string, took time.Duration)
}

// Reading is a measure that somebody else keeps and that is read at each scrape.
type Reading struct {
	Name    string // of Prometheus
	Help    string
	Labels  []string
	Counter bool // it only grows; otherwise it is what is now
	// Read calls tell once for each combination of label values, in the order
	// of Labels. It must return when ctx ends. A value that can not be had is
	// left out.
	Read func(ctx context.Context, tell func(value float64, labels ...string))
}
