package formatstest

import (
	"context"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

// regionSide is how large the regions are that the suite reads.
const regionSide = 64

// checkRegions reads corners of every level of the first and last plane: each
// has the shape of the description, and parts agree with the whole.
func checkRegions(t *testing.T, reader formats.RegionReader, d *formats.Description) {
	t.Helper()
	last := formats.Plane{C: d.ConcreteChannels - 1, Z: d.Depth - 1, T: d.Duration - 1}
	for level, l := range d.Levels {
		for _, plane := range []formats.Plane{{}, last} {
			width, height := min(regionSide, l.Width), min(regionSide, l.Height)
			for _, at := range [][2]int{{0, 0}, {l.Width - width, 0}, {0, l.Height - height}, {l.Width - width, l.Height - height}} {
				region := readRegion(t, reader, d, level, plane, at[0], at[1], width, height)
				part := readRegion(t, reader, d, level, plane, at[0]+width/2, at[1]+height/2, width-width/2, height-height/2)
				if region == nil || part == nil {
					continue
				}
				if cut := pixel.Crop(region, width/2, height/2, part.Width, part.Height); string(cut.Pix) != string(part.Pix) {
					t.Errorf("level %d, plane %+v: a region at %v differs from its own part", level, plane, at)
				}
			}
		}
	}
	ctx := context.Background()
	for name, err := range map[string]error{
		"level past last":    regionError(reader.ReadRegion(ctx, len(d.Levels), formats.Plane{}, 0, 0, 1, 1)),
		"plane past last":    regionError(reader.ReadRegion(ctx, 0, formats.Plane{Z: d.Depth}, 0, 0, 1, 1)),
		"column past last":   regionError(reader.ReadRegion(ctx, 0, formats.Plane{}, d.Width, 0, 1, 1)),
		"row past last":      regionError(reader.ReadRegion(ctx, 0, formats.Plane{}, 0, 0, 1, d.Height+1)),
		"a region of nought": regionError(reader.ReadRegion(ctx, 0, formats.Plane{}, 0, 0, 0, 1)),
		"a negative corner":  regionError(reader.ReadRegion(ctx, 0, formats.Plane{}, -1, 0, 1, 1)),
	} {
		if fault.KindOf(err) != fault.Invalid {
			t.Errorf("reading %s gives %v, expected kind invalid", name, err)
		}
	}
}

func regionError(_ *pixel.Raster, err error) error { return err }

func readRegion(t *testing.T, reader formats.RegionReader, d *formats.Description, level int, plane formats.Plane, x, y, width, height int) *pixel.Raster {
	t.Helper()
	r, err := reader.ReadRegion(context.Background(), level, plane, x, y, width, height)
	if err != nil {
		t.Errorf("ReadRegion(level %d, %+v, %d, %d, %d × %d): %v", level, plane, x, y, width, height, err)
		return nil
	}
	if r.Width != width || r.Height != height || r.Samples != d.Samples || r.Type != d.PixelType {
		t.Errorf("a region is %d × %d × %d of %s, expected %d × %d × %d of %s", r.Width, r.Height, r.Samples, r.Type, width, height, d.Samples, d.PixelType)
		return nil
	}
	return r
}
