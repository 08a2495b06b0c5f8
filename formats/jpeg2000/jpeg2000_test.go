package jpeg2000_test

import (
	"testing"

	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/jpeg2000"
	"github.com/pims-cloud/pims/formats/plainimage/plaintest"
	"github.com/pims-cloud/pims/internal/codec/vips"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
)

func TestRealFiles(t *testing.T) {
	plaintest.Run(t, jpeg2000.New(), plaintest.Folder{
		Name:    "jp2",
		NotThis: []string{"byte.jph"}, // its brand is not one of pims-api §5.2
		Refused: map[string]string{
			"00r1_graya_la.jp2": "jpeg2000-sampling", "a4_colr.j2c": "jpeg2000-sampling", "a6_mono_colr.j2c": "jpeg2000-sampling",
			"p0_10.j2k": "jpeg2000-sampling", "subsampling_2.jp2": "jpeg2000-sampling",
			"Bretagne2_4.j2k": "jpeg2000-offset", "b1_mono.j2c": "jpeg2000-offset", "b3_mono.j2c": "jpeg2000-offset", "e1_colr.j2c": "jpeg2000-offset",
			"b2_mono.j2c": "jpeg2000-offset", "p1_01.j2k": "jpeg2000-offset", "p1_07.j2k": "jpeg2000-offset",
			"p0_13.j2k": "jpeg2000-components", // 257
		},
	})
}

func TestHostileFiles(t *testing.T) { plaintest.Hostile(t, jpeg2000.New(), "hostile/jp2") }

// TestLevelsAreResolutions decodes every level of one stream and compares it
// with the finest one, shrunk.
func TestLevelsAreResolutions(t *testing.T) {
	if !vips.Available {
		t.Skip("this build has no libvips")
	}
	file := formatstest.Load(t, testfiles.Shared(t, "jp2/test-card-lossless.jp2"))
	_, d, finest, err := plaintest.Decode(jpeg2000.New(), file)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Levels) != 6 || d.Levels[5].Width != 20 || d.Levels[5].Height != 15 {
		t.Fatalf("levels are %+v, expected 6 from 640 × 480 to 20 × 15", d.Levels)
	}
	for level := range d.Levels {
		_, _, got, err := plaintest.DecodeLevel(jpeg2000.New(), file, level)
		if err != nil {
			t.Fatalf("level %d: %v", level, err)
		}
		// The wavelet's average is sharper than a block's: what is coarser than
		// this card's bars has other greys.
		if diff := formatstest.MeanDifference(got, pixel.Shrink(finest, 1<<level, 1<<level)); level <= 2 && diff > 16 {
			t.Errorf("level %d differs from level 0 by %.1f in the mean", level, diff)
		}
	}
}
