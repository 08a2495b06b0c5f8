package telemetry

import "time"

// Instrument is one thing that is measured. Each is declared once, in
// Instruments, and exported two ways: by package prom for a server that is
// scraped, by package emf for functions, which nobody can scrape.
type Instrument uint8

// The instruments. Instruments says what each of them is.
const (
	Requests Instrument = iota
	Failures
	RequestTime
	SentBytes
	SourceReads
	SourceBytes
	CacheHits
	Imports
	ImportTime
	StageTime
	QueueAge
	instruments
)

// Unit is what a value counts, in the words of CloudWatch.
type Unit string

// The units. Times are seconds in Prometheus, as its conventions want, and
// milliseconds in CloudWatch when the unit says so.
const (
	Count        Unit = "Count"
	Bytes        Unit = "Bytes"
	Milliseconds Unit = "Milliseconds"
	Seconds      Unit = "Seconds"
)

// In gives a time as CloudWatch wants it.
func (u Unit) In(d time.Duration) float64 {
	if u == Milliseconds {
		return float64(d.Microseconds()) / 1000
	}
	return d.Seconds()
}

// Definition says what an instrument is and what its exports are called.
type Definition struct {
	Prometheus string    // name on /metrics
	Labels     []string  // of Prometheus; each has few values
	Buckets    []float64 // upper bounds in seconds; nil for a counter
	CloudWatch string    // name of the metric that functions write
	Unit       Unit      // of CloudWatch
	Dimension  string    // of CloudWatch besides Function; empty for none
	Help       string
}

// Timed tells whether an instrument measures times.
func (d Definition) Timed() bool { return d.Buckets != nil }

// Definition gives the declaration of an instrument.
func (i Instrument) Definition() Definition { return Instruments()[i] }

// Instruments is the whole list, in order. docs/operations.md has it as a table,
// which a test compares.
func Instruments() []Definition {
	requests := []float64{.0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	jobs := []float64{.1, .5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600}
	list := [instruments]Definition{
		Requests: {Prometheus: "pims_http_requests_total", Labels: []string{"route", "method", "status"},
			CloudWatch: "Requests", Unit: Count, Help: "Requests answered."},
		Failures: {Prometheus: "pims_http_failures_total",
			CloudWatch: "Failures", Unit: Count, Help: "Requests answered with a status of 500 or more."},
		RequestTime: {Prometheus: "pims_http_request_seconds", Labels: []string{"route", "class"}, Buckets: requests,
			CloudWatch: "RequestTime", Unit: Milliseconds, Dimension: "Class",
			Help: "Time from the first line of a request to the end of its reply."},
		SentBytes: {Prometheus: "pims_http_sent_bytes_total", Labels: []string{"route"},
			CloudWatch: "SentBytes", Unit: Bytes, Help: "Bytes of reply bodies."},
		SourceReads: {Prometheus: "pims_source_reads_total",
			CloudWatch: "SourceReads", Unit: Count, Help: "Reads of the object store made to answer requests."},
		SourceBytes: {Prometheus: "pims_source_read_bytes_total",
			CloudWatch: "SourceBytes", Unit: Bytes, Help: "Bytes read from the object store to answer requests."},
		CacheHits: {Prometheus: "pims_cache_replies_total", Labels: []string{"outcome"},
			CloudWatch: "CacheHits", Unit: Count,
			Help: "Replies that a cache could have given. In CloudWatch 1 for a hit and 0 for a miss: the average is the hit rate."},
		Imports: {Prometheus: "pims_imports_total", Labels: []string{"state"},
			CloudWatch: "Imports", Unit: Count, Dimension: "State", Help: "Imports that reached a final state: done, unpacked, failed."},
		ImportTime: {Prometheus: "pims_import_seconds", Buckets: jobs,
			CloudWatch: "ImportTime", Unit: Seconds, Help: "Time from taking an import to its final state."},
		StageTime: {Prometheus: "pims_import_stage_seconds", Labels: []string{"stage"}, Buckets: jobs,
			CloudWatch: "StageTime", Unit: Seconds, Dimension: "Stage",
			Help: "Time of one stage of an import: probing, checking, registering, converting."},
		QueueAge: {Prometheus: "pims_queue_age_seconds", Labels: []string{"queue"}, Buckets: jobs,
			CloudWatch: "QueueAge", Unit: Seconds, Dimension: "Queue",
			Help: "How long a message had waited when work on it began: import, convert."},
	}
	return list[:]
}

// Recorder is told what happens. What it does must be cheap: requests wait for
// it. It is safe for concurrent use.
type Recorder interface {
	// Request is told of each request when its reply is sent.
	Request(s Served)
	// Import is told of an import that reached a final state.
	Import(state string, took time.Duration)
	// Stage is told of a stage of an import that ended, well or not.
	Stage(name string, took time.Duration)
	// Waited is told how old a message was when work on it began.
	Waited(queue string, age time.Duration)
}

// Nothing is the Recorder of programs whose measures nobody reads, such as a
// command that imports one file.
type Nothing struct{}

// Request implements Recorder.
func (Nothing) Request(Served) {}

// Import implements Recorder.
func (Nothing) Import(string, time.Duration) {}

// Stage implements Recorder.
func (Nothing) Stage(string, time.Duration) {}

// Waited implements Recorder.
func (Nothing) Waited(string, time.Duration) {}
