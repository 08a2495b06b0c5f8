// Package all is the explicit list of built-in formats. There is no other
// registration: a format that is not in this list does not exist.
package all

import (
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/bmp"
	"github.com/pims-cloud/pims/formats/dicom"
	"github.com/pims-cloud/pims/formats/imagejtiff"
	"github.com/pims-cloud/pims/formats/jpeg"
	"github.com/pims-cloud/pims/formats/jpeg2000"
	"github.com/pims-cloud/pims/formats/ometiff"
	"github.com/pims-cloud/pims/formats/planartiff"
	"github.com/pims-cloud/pims/formats/png"
	"github.com/pims-cloud/pims/formats/ppm"
	"github.com/pims-cloud/pims/formats/pyrtiff"
	"github.com/pims-cloud/pims/formats/sis"
	"github.com/pims-cloud/pims/formats/svs"
	"github.com/pims-cloud/pims/formats/webp"
)

// Formats are the built-in formats. The slice belongs to the caller.
func Formats() []formats.Format {
	return []formats.Format{
		imagejtiff.New(),
		bmp.New(),
		dicom.New(),
		jpeg.New(),
		jpeg2000.New(),
		ometiff.New(),
		ometiff.NewPyramidal(),
		planartiff.New(),
		png.New(),
		ppm.New(),
		pyrtiff.New(),
		sis.New(),
		svs.New(),
		webp.New(),
	}
}
