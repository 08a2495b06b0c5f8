package jpeg2000_test

import (
	"testing"

	"github.com/pims-cloud/pims/formats/jpeg2000"
	"github.com/pims-cloud/pims/formats/plainimage/plaintest"
)

func FuzzFile(f *testing.F) { plaintest.Fuzz(f, jpeg2000.New(), nil, "jp2", "hostile/jp2") }
