package telemetry

import "github.com/prometheus/client_golang/prometheus"

// SharedCache is what a cache behind the memory counted since the start.
type SharedCache struct {
	Hits, Misses int64
	Failures     int64 // questions without an answer
	Written      int64
	Dropped      int64 // values that were not written
	Away         bool  // it does not answer now
}

// Shared shows the counters of a shared cache; read is asked at every scrape.
// It is called once at most.
func (m *Metrics) Shared(read func() SharedCache) {
	m.registry.MustRegister(sharedCollector{read})
}

// sharedCollector reads all counters at once, so that they agree.
type sharedCollector struct{ read func() SharedCache }

var (
	sharedEvents = prometheus.NewDesc("pims_shared_cache_total",
		"Questions to the shared cache and values for it, by outcome.", []string{"outcome"}, nil)
	sharedUp = prometheus.NewDesc("pims_shared_cache_up",
		"1 while the shared cache answers, 0 while the service goes on without it.", nil, nil)
)

// Describe implements prometheus.Collector.
func (c sharedCollector) Describe(to chan<- *prometheus.Desc) {
	to <- sharedEvents
	to <- sharedUp
}

// Collect implements prometheus.Collector.
func (c sharedCollector) Collect(to chan<- prometheus.Metric) {
	s := c.read()
	for outcome, n := range map[string]int64{
		"hit": s.Hits, "miss": s.Misses, "failed": s.Failures, "written": s.Written, "dropped": s.Dropped,
	} {
		to <- prometheus.MustNewConstMetric(sharedEvents, prometheus.CounterValue, float64(n), outcome)
	}
	up := 1.0
	if s.Away {
		up = 0
	}
	to <- prometheus.MustNewConstMetric(sharedUp, prometheus.GaugeValue, up)
}
