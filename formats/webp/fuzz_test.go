package webp_test

import (
	"testing"

	"github.com/pims-cloud/pims/formats/plainimage/plaintest"
	"github.com/pims-cloud/pims/formats/webp"
)

func FuzzFile(f *testing.F) { plaintest.Fuzz(f, webp.New(), nil, "webp", "hostile/webp") }
