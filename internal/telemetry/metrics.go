package telemetry

import (
	"net/http"
	"net/http/pprof"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the program's counters, in a registry of their own. They are safe
// for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	sent     *prometheus.CounterVec
	reads    prometheus.Counter
	bytes    prometheus.Counter
	cache    *prometheus.CounterVec
	imports  *prometheus.CounterVec
	imported prometheus.Histogram

	mu     sync.RWMutex          // guards series
	series map[seriesKey]*series // looking labels up costs more than counting
}

type seriesKey struct {
	route, method string
	status        int
}

// series are the counters of one route, method and status.
type series struct {
	requests prometheus.Counter
	seconds  prometheus.Observer
	sent     prometheus.Counter
}

// NewMetrics registers the counters, and those of the Go runtime and the
// process, in registry.
func NewMetrics(registry *prometheus.Registry) (*Metrics, error) {
	m := &Metrics{
		registry: registry,
		series:   map[seriesKey]*series{},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pims_http_requests_total",
			Help: "Requests answered, by route, method and status."}, []string{"route", "method", "status"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "pims_http_request_seconds",
			Help:    "Time from the request's first line to the end of its reply.",
			Buckets: []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"route"}),
		sent: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pims_http_sent_bytes_total",
			Help: "Bytes of reply bodies sent."}, []string{"route"}),
		reads: prometheus.NewCounter(prometheus.CounterOpts{Name: "pims_source_reads_total",
			Help: "Requests to the object store made while answering HTTP requests."}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{Name: "pims_source_read_bytes_total",
			Help: "Bytes read from the object store while answering HTTP requests."}),
		cache: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pims_cache_replies_total",
			Help: "Replies that a cache could have given, by outcome."}, []string{"outcome"}),
		imports: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "pims_imports_total",
			Help: "Imports that reached a final state, by state."}, []string{"state"}),
		imported: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "pims_import_seconds",
			Help:    "Time from taking an import to its final state.",
			Buckets: []float64{.1, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600}}),
	}
	for _, c := range []prometheus.Collector{
		m.requests, m.seconds, m.sent, m.reads, m.bytes, m.cache, m.imports, m.imported,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// Request counts one request; it is an observer of Access.
func (m *Metrics) Request(s Served) {
	route := s.Route
	if route == "" {
		route = "unmatched"
	}
	to := m.seriesOf(seriesKey{route, method(s.Method), s.Status})
	to.requests.Inc()
	to.seconds.Observe(s.Duration.Seconds())
	to.sent.Add(float64(s.Sent))
	if s.Reads != 0 || s.Bytes != 0 {
		m.reads.Add(float64(s.Reads))
		m.bytes.Add(float64(s.Bytes))
	}
	if s.Cache == "HIT" || s.Cache == "MISS" {
		m.cache.WithLabelValues(s.Cache).Inc()
	}
}

// seriesOf finds or makes the counters. Routes, methods and statuses are few.
func (m *Metrics) seriesOf(key seriesKey) *series {
	m.mu.RLock()
	have := m.series[key]
	m.mu.RUnlock()
	if have != nil {
		return have
	}
	made := &series{
		requests: m.requests.WithLabelValues(key.route, key.method, strconv.Itoa(key.status)),
		seconds:  m.seconds.WithLabelValues(key.route),
		sent:     m.sent.WithLabelValues(key.route),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.series[key] = made // another's are the same counters
	return made
}

// Import counts one import that reached its final state ("done", "failed").
func (m *Metrics) Import(state string, took time.Duration) {
	m.imports.WithLabelValues(state).Inc()
	m.imported.Observe(took.Seconds())
}

// method bounds the label: a client may invent methods.
func method(name string) string {
	switch name {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, http.MethodPatch:
		return name
	default:
		return "other"
	}
}

// Handler answers with the counters in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Profiles serves Go's profiles below /debug/pprof/.
func Profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}
