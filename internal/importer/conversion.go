package importer

import (
	"time"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/cog"
	"github.com/pims-cloud/pims/internal/slide"
)

// ConversionState is how far a conversion is.
type ConversionState string

// The states of a conversion, in order. Done and Failed are final.
const (
	ConversionQueued  ConversionState = "queued"
	ConversionRunning ConversionState = "running"
	ConversionDone    ConversionState = "done"
	ConversionFailed  ConversionState = "failed"
)

// Conversion is what import.json tells of a conversion. Fields are never
// renamed.
type Conversion struct {
	State    ConversionState `json:"state"`
	Why      string          `json:"why"`                // the slide is converted
	Way      cog.Way         `json:"way,omitempty"`      // copy or transcode
	WayWhy   string          `json:"wayWhy,omitempty"`   // that way
	Progress float64         `json:"progress,omitempty"` // 0 to 1
	Attempt  int             `json:"attempt,omitempty"`

	StartedAt  *time.Time    `json:"startedAt,omitempty"` // of this attempt
	Seconds    float64       `json:"seconds,omitempty"`   // this attempt took so long, so far
	BytesIn    int64         `json:"bytesIn,omitempty"`   // read of the upload
	BytesOut   int64         `json:"bytesOut,omitempty"`  // of the COG
	Codec      formats.Codec `json:"codec,omitempty"`     // of level 0
	Levels     int           `json:"levels,omitempty"`
	LevelsMade int           `json:"levelsMade,omitempty"` // of them made from finer ones
	// PixelsIdentical is "yes" when level 0 decodes to the upload's own pixels.
	PixelsIdentical string  `json:"pixelsIdentical,omitempty"`
	Error           *Reason `json:"error,omitempty"`

	// Result is the COG, once it is stored whole.
	Result *slide.SourceObject `json:"result,omitempty"`
}

// waits tells whether there is something left to do.
func (c *Conversion) waits() bool {
	return c != nil && (c.State == ConversionQueued || c.State == ConversionRunning)
}

// spatialFormat is what PIMS calls the result (pims-api §5.3).
func spatialFormat(d *formats.Description) string {
	if d.Planes() > 1 {
		return "PYROMETIFF"
	}
	return "PYRTIFF"
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
