package pyrtiff_test

import (
	"testing"

	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/pyrtiff"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// TestContract runs the suite of all formats on real and synthetic pyramids.
func TestContract(t *testing.T) {
	load := func(name string) formatstest.File { return formatstest.Load(t, testfiles.Shared(t, name)) }
	formatstest.Run(t, formatstest.Suite{
		Format: pyrtiff.New(),
		Accepts: []formatstest.File{
			load("synthetic/generic-tiled-pyramid.tif"),
			load("generic-tiff/boxes.tiff"),
			load("generic-tiff/small_HE_levels.tiff"),
			load("generic-tiff/tif-rgb-3res-64x56x16-tiled-uncompressed.tif"),
		},
		Refused: []formatstest.File{
			load("synthetic/philips.tiff"),
			load("synthetic/hamamatsu.ndpi"),
			load("synthetic/aperio-jpeg.svs"),
			load("synthetic/source-A.png"),
			load("synthetic/ome-pyramid-subifd-2c2z-u16.ome.tif"),
			load("tiff/quad-tile.tif"),
			load("bigtiff/BigTIFF.tif"),
		},
		Hostile: formatstest.Folder(t, testfiles.Shared(t, "hostile/tiff")),
	})
}
