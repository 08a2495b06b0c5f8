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
	})
}

func TestHostileFiles(t *testing.T) { plaintest.Hostile(t, bmp.New(), "hostile/bmp") }
