package importer

import (
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/cog"
)

// When slides are converted.
const (
	ConvertAuto   = "auto"   // when views would be slow or impossible without
	ConvertAlways = "always" // whenever this build can
	ConvertNever  = "never"
)

// Config bounds imports and the work on their queues.
type Config struct {
	// Workers is how many imports one process runs at the same time.
	Workers int `env:"IMPORT_WORKERS" envDefault:"2" desc:"How many imports one process runs at the same time."`
	// MaxAttempts is how often an import is tried before it is given up.
	MaxAttempts int `env:"IMPORT_MAX_ATTEMPTS" envDefault:"5" desc:"How often an import or a conversion is tried, when stores or workers fail, before it is given up with the reason."`
	// Lease is how long a worker that went silent keeps its import.
	Lease time.Duration `env:"IMPORT_LEASE" envDefault:"1m" desc:"How long an import stays with a worker that no longer answers; then another one takes it over."`
	// ReportEvery is how often progress is written to import.json at most.
	ReportEvery time.Duration `env:"IMPORT_REPORT_EVERY" envDefault:"1s" desc:"How often the progress of an import is written to its report at most."`

	// ArchiveGiB bounds archives.
	ArchiveGiB int `env:"ARCHIVE_MAX_GIB" envDefault:"1024" desc:"What one archive may unpack to, in GiB. It may unpack to 200 times its size at most in any case."`

	// Convert is ConvertAuto, ConvertAlways or ConvertNever.
	Convert string `env:"CONVERT" envDefault:"auto" desc:"When imports rewrite slides as pyramidal TIFF (COG): auto (a view would need more than the tiles that are seen), always, or never."`
	// ConvertQuality is JPEG's.
	ConvertQuality int `env:"CONVERT_QUALITY" envDefault:"90" desc:"Quality of JPEG tiles that conversions make, 1 to 100."`
	// ConvertCompression is a cog.Compression.
	ConvertCompression string `env:"CONVERT_COMPRESSION" envDefault:"auto" desc:"How conversions store pixels that they cannot copy: auto (JPEG when the source was lossy, else deflate), jpeg, or deflate (without loss)."`
	// ConvertTile is the side of made tiles in pixels.
	ConvertTile int `env:"CONVERT_TILE" envDefault:"256" desc:"Side of the tiles that conversions make where the source has none to keep: 256 or 512 pixels."`
	// ConvertWorkers is how many conversions one process runs at the same time.
	ConvertWorkers int `env:"CONVERT_WORKERS" envDefault:"1" desc:"How many conversions one process runs at the same time; each uses all cores."`
	// ConvertLongest is the longest conversion that this process begins.
	ConvertLongest time.Duration `env:"CONVERT_LONGEST" envDefault:"0" desc:"Conversions that are estimated to take longer on one core are left to another worker of the convert queue; 0 leaves none. For functions, whose time is bounded."`
}

// DefaultConfig is what no configuration at all gives.
func DefaultConfig() Config {
	return Config{
		Workers: 2, MaxAttempts: 5, Lease: time.Minute, ReportEvery: time.Second, ArchiveGiB: 1024,
		Convert: ConvertAuto, ConvertQuality: 90, ConvertCompression: string(cog.Auto), ConvertTile: 256, ConvertWorkers: 1,
	}
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
	if c.ArchiveGiB < 1 || c.ArchiveGiB > 1<<20 {
		return fault.New(fault.Invalid, "config-value", "ARCHIVE_MAX_GIB is %d: expected 1 to 1048576", c.ArchiveGiB)
	}
	return c.validateConvert()
}

func (c Config) validateConvert() error {
	switch c.Convert {
	case ConvertAuto, ConvertAlways, ConvertNever:
	default:
		return fault.New(fault.Invalid, "config-value", "CONVERT is %q: expected auto, always or never", c.Convert)
	}
	switch cog.Compression(c.ConvertCompression) {
	case cog.Auto, cog.JPEG, cog.Deflate:
	default:
		return fault.New(fault.Invalid, "config-value", "CONVERT_COMPRESSION is %q: expected auto, jpeg or deflate", c.ConvertCompression)
	}
	switch {
	case c.ConvertQuality < 1 || c.ConvertQuality > 100:
		return fault.New(fault.Invalid, "config-value", "CONVERT_QUALITY is %d: expected 1 to 100", c.ConvertQuality)
	case c.ConvertTile != 256 && c.ConvertTile != 512:
		return fault.New(fault.Invalid, "config-value", "CONVERT_TILE is %d: expected 256 or 512", c.ConvertTile)
	case c.ConvertWorkers < 1 || c.ConvertWorkers > 64:
		return fault.New(fault.Invalid, "config-value", "CONVERT_WORKERS is %d: expected 1 to 64", c.ConvertWorkers)
	case c.ConvertLongest < 0:
		return fault.New(fault.Invalid, "config-value", "CONVERT_LONGEST is %s: expected 0s or more", c.ConvertLongest)
	}
	return nil
}
