package pims

import (
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/slide"
)

// Information is of the file, pixels are of what is shown of it.
func TestInfoCountsTheSamplesOfTheFile(t *testing.T) {
	m := slide.Manifest{Description: formats.Description{ConcreteChannels: 1, Depth: 1, Duration: 1, Samples: 3}}
	if got := imageOf(&m); got.NSamples != 3 || got.NChannels != 3 {
		t.Errorf("RGB has %d samples and %d channels, want 3 and 3", got.NSamples, got.NChannels)
	}
	m.Description.FileSamples = 4
	if got := imageOf(&m); got.NSamples != 4 || got.NChannels != 4 || !got.AreRGBPlanes {
		t.Errorf("CMYK has %d samples and %d channels, want 4 and 4", got.NSamples, got.NChannels)
	}
}
