package jpeg_test

import (
	"testing"

	"github.com/pims-cloud/pims/formats/jpeg"
	"github.com/pims-cloud/pims/formats/plainimage/plaintest"
)

func FuzzFile(f *testing.F) { plaintest.Fuzz(f, jpeg.New(), nil, "jpeg", "hostile/jpeg") }
