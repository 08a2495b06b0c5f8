package ppm_test

import (
	"testing"

	"github.com/pims-cloud/pims/formats/plainimage/plaintest"
	"github.com/pims-cloud/pims/formats/ppm"
)

func FuzzFile(f *testing.F) {
	plaintest.Fuzz(f, ppm.New(), [][]byte{
		[]byte("P4 9 2\n\x80\x00\x00\x80"), []byte("P5\n# a comment\n2 2 4095\n\x0f\xff\x00\x01\x00\x02\x00\x03"), []byte("P6 1 1 255 abc"),
	}, "pnm")
}
