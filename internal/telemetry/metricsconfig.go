package telemetry

import (
	"regexp"
	"strings"

	"github.com/pims-cloud/pims/fault"
)

// MetricsConfig is how functions write their metrics.
type MetricsConfig struct {
	EMF       bool   `env:"METRICS_EMF" envDefault:"true" desc:"Functions write their metrics as lines from which CloudWatch makes metrics (embedded metric format); false for none, which saves their price."`
	Namespace string `env:"METRICS_NAMESPACE" envDefault:"PIMS" desc:"CloudWatch namespace of the metrics of functions."`
}

// CloudWatch API Reference, PutMetricData: 1 to 255 of these, not beginning with
// a colon. The length is not in the expression: it would take a millisecond to
// compile, of ten that a function takes to start.
var namespace = regexp.MustCompile(`^[0-9A-Za-z._/#-][0-9A-Za-z._/#:-]*$`)

const namespaceBytes = 255

// Validate says which variable is wrong, what it holds and what is expected.
func (c MetricsConfig) Validate() error {
	if len(c.Namespace) > namespaceBytes || !namespace.MatchString(c.Namespace) || strings.HasPrefix(c.Namespace, "AWS/") {
		return fault.New(fault.Invalid, "config-value",
			"METRICS_NAMESPACE is %q: expected at most 255 of the characters 0-9 A-Z a-z . _ - / # :, not beginning with AWS/", c.Namespace)
	}
	return nil
}
