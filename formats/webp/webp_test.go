package webp_test

import (
	"testing"

	"github.com/pims-cloud/pims/formats/plainimage/plaintest"
	"github.com/pims-cloud/pims/formats/webp"
	"github.com/pims-cloud/pims/internal/codec/vips"
)

func TestRealFiles(t *testing.T) {
	if !vips.Available {
		t.Skip("builds without libvips do not smooth colours and know no animations; package codec compares the two")
	}
	plaintest.Run(t, webp.New(), plaintest.Folder{
		Name:    "webp",
		LeftOut: []string{"RIFF.Duration"}, // of all frames
		// exiftool reads the three fields of RFC 9649 §2.7.1.2 from the wrong end.
		Mistaken: []string{"RIFF.AlphaPreprocessing", "RIFF.AlphaFiltering", "RIFF.AlphaCompression"},
	})
}

func TestHostileFiles(t *testing.T) { plaintest.Hostile(t, webp.New(), "hostile/webp") }
