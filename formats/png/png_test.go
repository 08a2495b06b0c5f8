package png_test

import (
	"testing"

	"github.com/pims-cloud/pims/formats/plainimage/plaintest"
	"github.com/pims-cloud/pims/formats/png"
)

func TestRealFiles(t *testing.T) {
	plaintest.Run(t, png.New(), plaintest.Folder{Name: "png", LeftOut: []string{"PNG.Palette", "PNG.Transparency"}})
}

func TestHostileFiles(t *testing.T) { plaintest.Hostile(t, png.New(), "hostile/png") }
