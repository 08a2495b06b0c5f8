package importer

import (
	"time"

	"github.com/pims-cloud/pims/fault"
)

// Config bounds imports and the work on their queue.
type Config struct {
	// Workers is how many imports one process runs at the same time.
	Workers int `env:"IMPORT_WORKERS" envDefault:"2" desc:"How many imports one process runs at the same time."`
	// MaxAttempts is how often an import is tried before it is given up.
	MaxAttempts int `env:"IMPORT_MAX_ATTEMPTS" envDefault:"5" desc:"How often an import is tried, when stores or workers fail, before it is given up with the reason."`
	// Lease is how long a worker that went silent keeps its import.
	Lease time.Duration `env:"IMPORT_LEASE" envDefault:"1m" desc:"How long an import stays with a worker that no longer answers; then another one takes it over."`
	// ReportEvery is how often progress is written to import.json at most.
	ReportEvery time.Duration `env:"IMPORT_REPORT_EVERY" envDefault:"1s" desc:"How often the progress of an import is written to its report at most."`
}

// DefaultConfig is what no configuration at all gives.
func DefaultConfig() Config {
	return Config{Workers: 2, MaxAttempts: 5, Lease: time.Minute, ReportEvery: time.Second}
}

// Validate says which variable is wrong, what it holds and what is expected.
func (c Config) Validate() error {
	if c.Workers < 1 || c.Workers > 256 {
		return fault.New(fault.Invalid, "config-value", "IMPORT_WORKERS is %d: expected 1 to 256", c.Workers)
	}
	if c.MaxAttempts < 1 {
		return fault.New(fault.Invalid, "config-value", "IMPORT_MAX_ATTEMPTS is %d: expected at least 1", c.MaxAttempts)
	}
	if c.Lease < 5*time.Second || c.Lease > time.Hour {
		return fault.New(fault.Invalid, "config-value", "IMPORT_LEASE is %s: expected 5s to 1h", c.Lease)
	}
	if c.ReportEvery < 0 || c.ReportEvery > c.Lease {
		return fault.New(fault.Invalid, "config-value", "IMPORT_REPORT_EVERY is %s: expected 0s to IMPORT_LEASE (%s)", c.ReportEvery, c.Lease)
	}
	return nil
}
