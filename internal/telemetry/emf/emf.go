// Package emf writes the program's measures as lines of the CloudWatch Embedded
// Metric Format: JSON objects among the log lines of a function, from which
// CloudWatch makes metrics. No request is sent and no permission is needed
// besides that of logging.
//
// The format is that of the CloudWatch User Guide, "Specification: Embedded
// metric format": a member _aws with a timestamp and the directives (namespace,
// sets of dimensions, metrics with units), and one member for each dimension
// and metric. Values of several measurements are one array of at most 100.
//
// Every metric has the dimension Function, and those of
// telemetry.Definition.Dimension a second set with that one. CloudWatch bills
// each metric in each combination of dimensions, so there are few.
package emf

import (
	"encoding/json"
	"io"
	"os"
	"sync"
	"time"

	"github.com/pims-cloud/pims/internal/telemetry"
)

// maxValues is how many values a member may hold.
const maxValues = 100

// Metrics collects what one invocation measured. A request is written when it
// is told of, because one is all that an invocation has; everything else waits
// for Flush. It is safe for concurrent use.
type Metrics struct {
	namespace, function string
	now                 func() time.Time

	mu      sync.Mutex // guards what follows
	out     io.Writer
	pending []*group // in the order in which they began
}

// group is what is written as one line: all its metrics have the same value of
// their dimension.
type group struct {
	dimension, value string // empty for metrics without one
	values           [][]float64
	order            []telemetry.Instrument
}

var _ telemetry.Recorder = (*Metrics)(nil)

// New writes to out, where nothing else may write within a line. The name of the
// function is the platform's.
func New(c telemetry.MetricsConfig, out io.Writer) *Metrics {
	if !c.EMF {
		out = io.Discard
	}
	function := os.Getenv("AWS_LAMBDA_FUNCTION_NAME")
	if function == "" {
		function = "local"
	}
	return &Metrics{namespace: c.Namespace, function: function, now: time.Now, out: out}
}

// Request implements telemetry.Recorder.
func (m *Metrics) Request(s telemetry.Served) {
	m.mu.Lock()
	defer m.mu.Unlock()
	g := m.group(telemetry.RequestTime.Definition().Dimension, s.Class.String())
	add := func(i telemetry.Instrument, v float64) { m.add(g, i, v) }
	add(telemetry.Requests, 1)
	add(telemetry.Failures, one(s.Failed()))
	add(telemetry.RequestTime, telemetry.Milliseconds.In(s.Duration))
	add(telemetry.SentBytes, float64(s.Sent))
	add(telemetry.SourceReads, float64(s.Reads))
	add(telemetry.SourceBytes, float64(s.Bytes))
	if s.Cache != "" {
		add(telemetry.CacheHits, one(s.Cache == "HIT"))
	}
	m.write(g)
}

func one(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// Import implements telemetry.Recorder.
func (m *Metrics) Import(state string, took time.Duration) {
	m.one(telemetry.Imports, state, 1)
	m.one(telemetry.ImportTime, "", telemetry.Seconds.In(took))
}

// Stage implements telemetry.Recorder.
func (m *Metrics) Stage(name string, took time.Duration) {
	m.one(telemetry.StageTime, name, telemetry.Seconds.In(took))
}

// Waited implements telemetry.Recorder.
func (m *Metrics) Waited(queue string, age time.Duration) {
	m.one(telemetry.QueueAge, queue, telemetry.Seconds.In(age))
}

// Flush writes what is pending: at the end of each invocation, after which the
// process may never run again.
func (m *Metrics) Flush() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for len(m.pending) > 0 {
		m.write(m.pending[0])
	}
}

// one notes one value of an instrument.
func (m *Metrics) one(i telemetry.Instrument, value string, v float64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.add(m.group(i.Definition().Dimension, value), i, v)
}

// group finds or begins the line for a value of a dimension.
func (m *Metrics) group(dimension, value string) *group {
	for _, g := range m.pending {
		if g.dimension == dimension && g.value == value {
			return g
		}
	}
	g := &group{dimension: dimension, value: value, values: make([][]float64, len(telemetry.Instruments()))}
	m.pending = append(m.pending, g)
	return g
}

// add notes a value, and begins a new line when the present one holds enough.
func (m *Metrics) add(g *group, i telemetry.Instrument, v float64) {
	if len(g.values[i]) == 0 {
		g.order = append(g.order, i)
	}
	g.values[i] = append(g.values[i], v)
	if len(g.values[i]) == maxValues {
		m.write(g)
	}
}

// directive and metric are members of the specification.
type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []metric
}

type metric struct {
	Name string
	Unit telemetry.Unit
}

// write sends the line of a group and forgets it.
func (m *Metrics) write(g *group) {
	for at, other := range m.pending {
		if other == g {
			m.pending = append(m.pending[:at], m.pending[at+1:]...)
			break
		}
	}
	definitions := telemetry.Instruments()
	plain := directive{Namespace: m.namespace, Dimensions: [][]string{{"Function"}}}
	split := directive{Namespace: m.namespace, Dimensions: [][]string{{"Function"}, {"Function", g.dimension}}}
	line := map[string]any{"Function": m.function}
	for _, i := range g.order {
		d := definitions[i]
		if len(g.values[i]) == 1 {
			line[d.CloudWatch] = g.values[i][0]
		} else {
			line[d.CloudWatch] = g.values[i]
		}
		to := &plain
		if d.Dimension != "" && d.Dimension == g.dimension {
			to, line[g.dimension] = &split, g.value
		}
		to.Metrics = append(to.Metrics, metric{d.CloudWatch, d.Unit})
	}
	directives := make([]directive, 0, 2)
	for _, d := range []directive{plain, split} {
		if len(d.Metrics) > 0 {
			directives = append(directives, d)
		}
	}
	line["_aws"] = map[string]any{"Timestamp": m.now().UnixMilli(), "CloudWatchMetrics": directives}
	text, err := json.Marshal(line) // numbers and strings always have a JSON form
	if err != nil {
		return
	}
	// A log that can not be written has nobody to be told.
	_, _ = m.out.Write(append(text, '\n'))
}
