package png_test

import (
	"testing"

	"github.com/pims-cloud/pims/formats/plainimage/plaintest"
	"github.com/pims-cloud/pims/formats/png"
)

func FuzzFile(f *testing.F) { plaintest.Fuzz(f, png.New(), nil, "png", "hostile/png") }
