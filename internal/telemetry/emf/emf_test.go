package emf_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/internal/telemetry"
	"github.com/pims-cloud/pims/internal/telemetry/emf"
	"github.com/pims-cloud/pims/internal/telemetry/timing"
)

// directive is as the specification has it: unknown members are refused.
type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []struct{ Name, Unit string }
}

// parse reads the lines and holds each of them to the specification: "the root
// node", "metadata object", "MetricDirective object", "target members".
func parse(t *testing.T, out *bytes.Buffer) (lines []map[string]any, directives [][]directive) {
	t.Helper()
	for _, text := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		line := map[string]any{}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatalf("%v: %s", err, text)
		}
		var root struct {
			AWS struct {
				Timestamp         int64
				CloudWatchMetrics []directive
			} `json:"_aws"`
		}
		if err := json.Unmarshal([]byte(text), &root); err != nil {
			t.Fatal(err)
		}
		if root.AWS.Timestamp < 1e12 || len(root.AWS.CloudWatchMetrics) == 0 {
			t.Errorf("no timestamp in milliseconds or no directive: %s", text)
		}
		for _, d := range root.AWS.CloudWatchMetrics {
			if d.Namespace == "" || len(d.Metrics) == 0 || len(d.Metrics) > 100 {
				t.Errorf("directive %+v", d)
			}
			for _, set := range d.Dimensions {
				for _, name := range set {
					if _, ok := line[name].(string); !ok {
						t.Errorf("dimension %s has no string value: %s", name, text)
					}
				}
			}
			for _, m := range d.Metrics {
				values := []any{line[m.Name]}
				if list, ok := line[m.Name].([]any); ok {
					values = list
				}
				if len(values) == 0 || len(values) > 100 {
					t.Errorf("metric %s has %d values", m.Name, len(values))
				}
				for _, v := range values {
					if _, ok := v.(float64); !ok {
						t.Errorf("metric %s has the value %v", m.Name, v)
					}
				}
			}
		}
		lines, directives = append(lines, line), append(directives, root.AWS.CloudWatchMetrics)
	}
	return lines, directives
}

func newMetrics(t *testing.T) (*emf.Metrics, *bytes.Buffer) {
	t.Helper()
	t.Setenv("AWS_LAMBDA_FUNCTION_NAME", "tiles")
	var out bytes.Buffer
	return emf.New(telemetry.MetricsConfig{EMF: true, Namespace: "PIMS"}, &out), &out
}

func TestARequestIsOneLine(t *testing.T) {
	m, out := newMetrics(t)
	m.Request(telemetry.Served{Status: 200, Sent: 22_000, Reads: 2, Bytes: 64_000, Cache: "MISS",
		Class: timing.Passthrough, Duration: 12_345 * time.Microsecond})
	lines, directives := parse(t, out)
	if len(lines) != 1 {
		t.Fatalf("%d lines for one request: %s", len(lines), out)
	}
	delete(lines[0], "_aws")
	want := map[string]any{"Function": "tiles", "Class": "passthrough", "Requests": 1.0, "Failures": 0.0,
		"RequestTime": 12.345, "SentBytes": 22_000.0, "SourceReads": 2.0, "SourceBytes": 64_000.0, "CacheHits": 0.0}
	if diff := cmp.Diff(want, lines[0]); diff != "" {
		t.Errorf("the line (-want +got):\n%s", diff)
	}
	var sets []string
	for _, d := range directives[0] {
		sets = append(sets, fmt.Sprint(d.Dimensions, len(d.Metrics)))
	}
	if diff := cmp.Diff([]string{"[[Function]] 6", "[[Function] [Function Class]] 1"}, sets); diff != "" {
		t.Errorf("directives (-want +got):\n%s", diff)
	}
	m.Flush()
	if extra := strings.Count(out.String(), "\n"); extra != 1 {
		t.Errorf("%d lines after the flush, want 1", extra)
	}
}

func TestAnInvocationIsAggregated(t *testing.T) {
	m, out := newMetrics(t)
	for i := range 3 {
		m.Waited("import", time.Duration(i)*time.Second)
		m.Stage("probing", time.Second)
		m.Import("done", 2*time.Second)
	}
	m.Import("failed", time.Second)
	if out.Len() != 0 {
		t.Errorf("written before the end of the invocation: %s", out)
	}
	m.Flush()
	lines, _ := parse(t, out)
	got := map[string]any{}
	for _, line := range lines {
		for name, v := range line {
			if name == "_aws" || name == "Function" {
				continue
			}
			key := fmt.Sprint(name, line["State"])
			got[key] = v
		}
	}
	for name, want := range map[string]any{
		"QueueAge<nil>": []any{0.0, 1.0, 2.0}, "StageTime<nil>": []any{1.0, 1.0, 1.0}, "Importsdone": []any{1.0, 1.0, 1.0},
		"Importsfailed": 1.0, "ImportTime<nil>": []any{2.0, 2.0, 2.0, 1.0},
	} {
		if diff := cmp.Diff(want, got[name]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestManyValuesAreSeveralLines(t *testing.T) {
	m, out := newMetrics(t)
	for range 250 {
		m.Stage("probing", time.Second)
	}
	m.Flush()
	var lengths []int
	lines, _ := parse(t, out)
	for _, line := range lines {
		lengths = append(lengths, len(line["StageTime"].([]any)))
	}
	if !slices.Equal(lengths, []int{100, 100, 50}) {
		t.Errorf("lines of %v values, want 100, 100 and 50: the format allows 100", lengths)
	}
}

func TestEveryInstrumentIsWritten(t *testing.T) {
	m, out := newMetrics(t)
	m.Request(telemetry.Served{Status: 200, Cache: "HIT"})
	m.Import("done", 0)
	m.Stage("probing", 0)
	m.Waited("import", 0)
	m.Flush()
	units := map[string]string{}
	_, directives := parse(t, out)
	for _, line := range directives {
		for _, d := range line {
			for _, metric := range d.Metrics {
				units[metric.Name] = metric.Unit
			}
		}
	}
	for _, d := range telemetry.Instruments() {
		if units[d.CloudWatch] != string(d.Unit) {
			t.Errorf("%s has the unit %q, want %q", d.CloudWatch, units[d.CloudWatch], d.Unit)
		}
	}
}

func TestSwitchedOffNothingIsWritten(t *testing.T) {
	var out bytes.Buffer
	m := emf.New(telemetry.MetricsConfig{Namespace: "PIMS"}, &out)
	m.Request(telemetry.Served{Status: 200})
	m.Stage("probing", 0)
	m.Flush()
	if out.Len() != 0 {
		t.Errorf("written: %s", &out)
	}
}
