// Package prom keeps the program's measures for Prometheus, which reads them from
// /metrics. It is apart from package telemetry because functions, which nobody
// can scrape, do without it and its code.
package prom

import (
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/pims-cloud/pims/internal/telemetry"
	"github.com/pims-cloud/pims/internal/telemetry/timing"
)

// Metrics are the instruments in a registry of their own. They are safe for
// concurrent use.
type Metrics struct {
	registry *prometheus.Registry

	requests, sent, cache, imports *prometheus.CounterVec
	requestTime, stageTime, age    *prometheus.HistogramVec
	failures, reads, bytes         prometheus.Counter
	hits, misses                   prometheus.Counter
	importTime                     prometheus.Observer

	mu     sync.RWMutex          // guards series
	series map[seriesKey]*series // looking labels up costs more than counting
}

type seriesKey struct {
	route, method string
	status        int
	class         timing.Class
}

// series are the instruments of one route, method, status and class.
type series struct {
	requests, sent prometheus.Counter
	seconds        prometheus.Observer
}

var _ telemetry.Scraped = (*Metrics)(nil)

// New registers all instruments, and those of the Go runtime and the process.
func New() *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), series: map[seriesKey]*series{}}
	m.requests, m.sent = m.counters(telemetry.Requests), m.counters(telemetry.SentBytes)
	m.cache, m.imports = m.counters(telemetry.CacheHits), m.counters(telemetry.Imports)
	m.requestTime, m.stageTime = m.times(telemetry.RequestTime), m.times(telemetry.StageTime)
	m.age = m.times(telemetry.QueueAge)
	m.failures = m.counters(telemetry.Failures).WithLabelValues()
	m.reads = m.counters(telemetry.SourceReads).WithLabelValues()
	m.bytes = m.counters(telemetry.SourceBytes).WithLabelValues()
	m.hits, m.misses = m.cache.WithLabelValues("HIT"), m.cache.WithLabelValues("MISS")
	m.importTime = m.times(telemetry.ImportTime).WithLabelValues()
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *Metrics) counters(i telemetry.Instrument) *prometheus.CounterVec {
	d := i.Definition()
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: d.Prometheus, Help: d.Help}, d.Labels)
	m.registry.MustRegister(v)
	return v
}

func (m *Metrics) times(i telemetry.Instrument) *prometheus.HistogramVec {
	d := i.Definition()
	v := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: d.Prometheus, Help: d.Help, Buckets: d.Buckets}, d.Labels)
	m.registry.MustRegister(v)
	return v
}

// Request implements telemetry.Recorder. Nothing is allocated for a route,
// method, status and class that were there before.
func (m *Metrics) Request(s telemetry.Served) {
	route := s.Route
	if route == "" {
		route = "unmatched"
	}
	to := m.seriesOf(seriesKey{route, method(s.Method), s.Status, s.Class})
	to.requests.Inc()
	to.seconds.Observe(s.Duration.Seconds())
	to.sent.Add(float64(s.Sent))
	if s.Failed() {
		m.failures.Inc()
	}
	if s.Reads != 0 || s.Bytes != 0 {
		m.reads.Add(float64(s.Reads))
		m.bytes.Add(float64(s.Bytes))
	}
	switch s.Cache {
	case "HIT":
		m.hits.Inc()
	case "MISS":
		m.misses.Inc()
	}
}

// seriesOf finds or makes the instruments. Routes, methods, statuses and classes
// are few.
func (m *Metrics) seriesOf(key seriesKey) *series {
	m.mu.RLock()
	have := m.series[key]
	m.mu.RUnlock()
	if have != nil {
		return have
	}
	made := &series{
		requests: m.requests.WithLabelValues(key.route, key.method, strconv.Itoa(key.status)),
		seconds:  m.requestTime.WithLabelValues(key.route, key.class.String()),
		sent:     m.sent.WithLabelValues(key.route),
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.series[key] = made // another's are the same instruments
	return made
}

// Import implements telemetry.Recorder.
func (m *Metrics) Import(state string, took time.Duration) {
	m.imports.WithLabelValues(state).Inc()
	m.importTime.Observe(took.Seconds())
}

// Stage implements telemetry.Recorder.
func (m *Metrics) Stage(name string, took time.Duration) {
	m.stageTime.WithLabelValues(name).Observe(took.Seconds())
}

// Waited implements telemetry.Recorder.
func (m *Metrics) Waited(queue string, age time.Duration) {
	m.age.WithLabelValues(queue).Observe(age.Seconds())
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

// Handler answers in Prometheus' text format.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}
