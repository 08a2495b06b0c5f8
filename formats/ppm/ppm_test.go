package ppm_test

import (
	"testing"

	"github.com/pims-cloud/pims/formats/plainimage/plaintest"
	"github.com/pims-cloud/pims/formats/ppm"
)

func TestRealFiles(t *testing.T) {
	plaintest.Run(t, ppm.New(), plaintest.Folder{
		Name: "pnm",
		// Plain (P1 to P3) and arbitrary (P7) maps are not accepted (pims-api §5.2).
		NotThis: []string{"colors.ppm", "feep.pgm", "feep16.pgm", "hopper_1bit_plain.pbm", "j.pbm", "rgba.pam", "snail2.pam"},
	})
}
