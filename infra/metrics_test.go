package infra_test

import (
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/pims-cloud/pims/internal/telemetry"
)

// TestAlarmsAndPanelsShowMetricsThatThereAre: a name that the program does not
// write gives an alarm that never rings, and an empty panel.
func TestAlarmsAndPanelsShowMetricsThatThereAre(t *testing.T) {
	defined := map[string]string{} // name → dimension besides Function
	for _, d := range telemetry.Instruments() {
		defined[d.CloudWatch] = d.Dimension
	}
	eachInstallation(t, func(t *testing.T, in installation) {
		namespace := telemetryNamespace(t)
		shown := 0
		check := func(where, name string, dimensions []string) {
			shown++
			dimension, ok := defined[name]
			if !ok {
				t.Errorf("%s shows %s, which the program does not write", where, name)
				return
			}
			want := []string{"Function"}
			if len(dimensions) > 1 {
				want = append(want, dimension)
			}
			if !slices.Equal(dimensions, want) {
				t.Errorf("%s shows %s by %v, want %v", where, name, dimensions, want)
			}
		}
		for _, alarm := range in.of(t, "aws_cloudwatch_metric_alarm") {
			var queries []struct {
				Metric []struct {
					Namespace  string            `json:"namespace"`
					Name       string            `json:"metric_name"`
					Dimensions map[string]string `json:"dimensions"`
				} `json:"metric"`
			}
			alarm.decode(t, "metric_query", &queries)
			for _, q := range queries {
				for _, m := range q.Metric {
					if m.Namespace == namespace {
						check(alarm.Address, m.Name, slices.Sorted(maps.Keys(m.Dimensions)))
					}
				}
			}
		}
		for _, panel := range panels(t, in) {
			for _, m := range panel.Metrics {
				if len(m) < 4 || m[0] != namespace {
					continue
				}
				var dimensions []string
				for i := 2; i+1 < len(m); i += 2 {
					if name, ok := m[i].(string); ok {
						dimensions = append(dimensions, name)
					}
				}
				name, _ := m[1].(string)
				check("panel "+panel.Title, name, dimensions)
			}
		}
		if shown < 15 {
			t.Errorf("only %d metrics of the program are shown", shown)
		}
	})
}

// telemetryNamespace is where the program's metrics are by default.
func telemetryNamespace(t *testing.T) string {
	t.Helper()
	c := checkEnvironment(t, "defaults", nil)
	return c.Metrics.Namespace
}

type panel struct {
	Title   string  `json:"title"`
	Metrics [][]any `json:"metrics"`
}

func panels(t *testing.T, in installation) []panel {
	t.Helper()
	var body struct {
		Widgets []struct {
			Properties panel `json:"properties"`
		} `json:"widgets"`
	}
	if err := json.Unmarshal([]byte(in.of(t, "aws_cloudwatch_dashboard")[0].text("dashboard_body")), &body); err != nil {
		t.Fatal(err)
	}
	var out []panel
	for _, w := range body.Widgets {
		out = append(out, w.Properties)
	}
	return out
}
