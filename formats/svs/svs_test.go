package svs_test

import (
	"testing"

	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/svs"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// TestContract runs the suite of all formats on real and synthetic slides.
func TestContract(t *testing.T) {
	load := func(name string) formatstest.File { return formatstest.Load(t, testfiles.Shared(t, name)) }
	formatstest.Run(t, formatstest.Suite{
		Format: svs.New(),
		Accepts: []formatstest.File{
			load("svs/CMU-1-Small-Region.svs"),
			load("svs-jpeg2000/tcga-cr-7395-01a-01-ts1.svs"),
			load("synthetic/aperio-jpeg.svs"),
			load("synthetic/aperio-j2k-33003-ycbcr.svs"),
			load("synthetic/aperio-j2k-33005-rgb.svs"),
		},
		Refused: []formatstest.File{
			load("synthetic/generic-tiled-pyramid.tif"),
			load("synthetic/philips.tiff"),
			load("synthetic/hamamatsu.ndpi"),
			load("synthetic/source-A.png"),
			load("tiff/quad-tile.tif"),
		},
		Hostile: formatstest.Folder(t, testfiles.Shared(t, "hostile/tiff")),
	})
}
