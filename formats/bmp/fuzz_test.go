package bmp_test

import (
	"testing"

	"github.com/pims-cloud/pims/formats/bmp"
	"github.com/pims-cloud/pims/formats/plainimage/plaintest"
)

func FuzzFile(f *testing.F) { plaintest.Fuzz(f, bmp.New(), nil, "bmp", "hostile/bmp") }
