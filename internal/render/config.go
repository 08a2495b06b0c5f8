package render

import (
	"runtime"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/config/units"
)

// Config bounds what rendering may take.
type Config struct {
	// Concurrency is how many pictures are decoded and encoded at a time.
	Concurrency int `env:"RENDER_CONCURRENCY" envDefault:"0" desc:"Pictures decoded and encoded at a time; 0 means one a processor"`
	// Queue is how many pictures may wait for their turn.
	Queue int `env:"RENDER_QUEUE" envDefault:"0" desc:"Pictures that may wait to be decoded and encoded; beyond it the answer is 503 at once; 0 means 64 for each that is made at a time"`
	// MaxPixels is how many stored pixels one picture may need.
	MaxPixels int64 `env:"RENDER_MAX_PIXELS" envDefault:"268435456" desc:"Stored pixels that may be read for one picture"`
	// MaxMemory is how many bytes the decoded samples of one picture may take.
	MaxMemory units.Bytes `env:"RENDER_MAX_MEMORY" envDefault:"1GiB" desc:"Memory for the decoded samples of one picture"`
	// MaxTile is how many bytes one stored tile may have.
	MaxTile units.Bytes `env:"RENDER_MAX_TILE" envDefault:"64MiB" desc:"Greatest encoded size of one stored tile that is read"`
}

// Validate says which variable is wrong, what it holds and what is expected.
func (c Config) Validate() error {
	switch {
	case c.Concurrency < 0:
		return fault.New(fault.Invalid, "config", "RENDER_CONCURRENCY is %d, expected 0 or more.", c.Concurrency)
	case c.Queue < 0:
		return fault.New(fault.Invalid, "config", "RENDER_QUEUE is %d, expected 0 or more.", c.Queue)
	case c.MaxPixels < 1<<20:
		return fault.New(fault.Invalid, "config", "RENDER_MAX_PIXELS is %d, expected at least 1048576.", c.MaxPixels)
	case c.MaxMemory < 16<<20:
		return fault.New(fault.Invalid, "config", "RENDER_MAX_MEMORY is %d bytes, expected at least 16MiB.", int64(c.MaxMemory))
	case c.MaxTile < 1<<20:
		return fault.New(fault.Invalid, "config", "RENDER_MAX_TILE is %d bytes, expected at least 1MiB.", int64(c.MaxTile))
	}
	return nil
}

func (c Config) slots() int {
	if c.Concurrency > 0 {
		return c.Concurrency
	}
	return runtime.GOMAXPROCS(0)
}
