package bmp_test

import (
	"testing"

	"github.com/pims-cloud/pims/formats/bmp"
	"github.com/pims-cloud/pims/formats/plainimage/plaintest"
)

func TestRealFiles(t *testing.T) {
	plaintest.Run(t, bmp.New(), plaintest.Folder{
		Name: "bmp",
		Refused: map[string]string{
			"rgb24jpeg.bmp": "bmp-embedded", "rgb24png.bmp": "bmp-embedded",
			"issue982.bmp": "bmp-masks", // they are text
		},
		Unread: map[string]string{
			"QuPath-Fiji.bmp": "libvips (ImageMagick) takes the fourth byte for alpha, which the header does not say; Pillow does not",
			"rgba16-4444.bmp": "libvips (ImageMagick) shifts samples of 4 bits instead of scaling them: its white is 240",
		},
		Mean: 0.1, // of 5 and 6 bits, rounding up or down
	})
}

func TestHostileFiles(t *testing.T) { plaintest.Hostile(t, bmp.New(), "hostile/bmp") }
