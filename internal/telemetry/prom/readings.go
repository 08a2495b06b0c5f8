package prom

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pims-cloud/pims/internal/telemetry"
)

// patience is how long all readings of one scrape may take together with what
// they ask: a scraper gives up after ten seconds.
const patience = 3 * time.Second

// Show implements telemetry.Scraped.
func (m *Metrics) Show(readings ...telemetry.Reading) {
	for _, r := range readings {
		m.registry.MustRegister(reading{r, prometheus.NewDesc(r.Name, r.Help, r.Labels, nil)})
	}
}

// reading is a telemetry.Reading as a collector; the registry collects them side
// by side.
type reading struct {
	telemetry.Reading
	desc *prometheus.Desc
}

// Describe implements prometheus.Collector.
func (r reading) Describe(to chan<- *prometheus.Desc) { to <- r.desc }

// Collect implements prometheus.Collector.
func (r reading) Collect(to chan<- prometheus.Metric) {
	kind := prometheus.GaugeValue
	if r.Counter {
		kind = prometheus.CounterValue
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r.Read(ctx, func(value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(r.desc, kind, value, labels...)
	})
}
