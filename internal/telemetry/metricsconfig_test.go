package telemetry

import (
	"strings"
	"testing"
)

func TestNamespacesThatCloudWatchTakes(t *testing.T) {
	for name, want := range map[string]bool{
		"PIMS": true, "Team/PIMS#2:a_b-c.d": true, strings.Repeat("a", 255): true, "/": true,
		"": false, ":PIMS": false, "AWS/PIMS": false, "P MS": false, "PIMS\n": false, "Pîms": false, strings.Repeat("a", 256): false,
	} {
		if err := (MetricsConfig{Namespace: name}).Validate(); (err == nil) != want {
			t.Errorf("%.20q (%d bytes): %v, want it taken: %t", name, len(name), err, want)
		}
	}
}
