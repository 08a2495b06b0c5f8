package formatstest

import (
	"context"
	"reflect"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

func checkDescription(t *testing.T, format formats.Format, d *formats.Description) {
	t.Helper()
	if d.Format != format.Info().ID {
		t.Errorf("Description.Format is %q, expected %q", d.Format, format.Info().ID)
	}
	if d.Width < 1 || d.Height < 1 || d.Depth < 1 || d.Duration < 1 || d.ConcreteChannels < 1 || d.Samples < 1 {
		t.Errorf("a size is not positive: %d × %d, depth %d, duration %d, channels %d × %d",
			d.Width, d.Height, d.Depth, d.Duration, d.ConcreteChannels, d.Samples)
	}
	if len(d.Channels) != d.ConcreteChannels*d.Samples {
		t.Errorf("there are %d channels, expected %d × %d", len(d.Channels), d.ConcreteChannels, d.Samples)
	}
	if d.PixelType > pixel.Float64 || d.SignificantBits < 1 || d.SignificantBits > 8*d.PixelType.Bytes() {
		t.Errorf("%d significant bits do not fit in pixel type %d", d.SignificantBits, d.PixelType)
	}
	for name, size := range map[string]*float64{
		"PhysicalSizeX": d.PhysicalSizeX, "PhysicalSizeY": d.PhysicalSizeY, "PhysicalSizeZ": d.PhysicalSizeZ,
		"FrameRate": d.FrameRate, "NominalMagnification": d.NominalMagnification, "CalibratedMagnification": d.CalibratedMagnification,
	} {
		if size != nil && !(*size > 0) {
			t.Errorf("%s is %v, expected a positive number or none", name, *size)
		}
	}
	checkLevels(t, d)
}

func checkLevels(t *testing.T, d *formats.Description) {
	t.Helper()
	if len(d.Levels) == 0 {
		t.Fatal("there is no level")
	}
	if first := d.Levels[0]; first.Width != d.Width || first.Height != d.Height {
		t.Errorf("level 0 has %d × %d pixels, the slide %d × %d", first.Width, first.Height, d.Width, d.Height)
	}
	for i, l := range d.Levels {
		if l.Width < 1 || l.Height < 1 || l.TileWidth < 1 || l.TileHeight < 1 {
			t.Errorf("level %d has a size that is not positive: %+v", i, l)
		}
		if i == 0 {
			continue
		}
		above := d.Levels[i-1]
		if l.Width > above.Width || l.Height > above.Height || l.Width == above.Width && l.Height == above.Height {
			t.Errorf("level %d (%d × %d) is not smaller than level %d (%d × %d)", i, l.Width, l.Height, i-1, above.Width, above.Height)
		}
	}
}

// checkOwnership: what one caller does to a description must not be seen by
// the next.
func checkOwnership(t *testing.T, image formats.Image) {
	t.Helper()
	ctx := context.Background()
	first, err := image.Describe(ctx)
	if err != nil {
		t.Fatalf("Describe: %v", err)
	}
	width, channel := first.Levels[0].Width, first.Channels[0]
	first.Levels[0].Width, first.Channels[0].Name = -1, "changed by the caller"
	second, err := image.Describe(ctx)
	if err != nil {
		t.Fatalf("Describe: %v", err)
	}
	if second.Levels[0].Width != width || !reflect.DeepEqual(second.Channels[0], channel) {
		t.Error("a caller's change of a description is seen in the next one")
	}
}

func checkAssociated(t *testing.T, image formats.Image) {
	t.Helper()
	ctx := context.Background()
	holder, ok := image.(formats.AssociatedImages)
	if !ok {
		return
	}
	list, err := holder.Associated(ctx)
	if err != nil {
		t.Fatalf("Associated: %v", err)
	}
	order := map[string]int{formats.AssociatedThumb: 1, formats.AssociatedLabel: 2, formats.AssociatedMacro: 3}
	last := 0
	for _, a := range list {
		if order[a.Name] <= last {
			t.Errorf("associated images are %v, expected some of thumb, label, macro in this order", list)
		}
		last = order[a.Name]
		picture, err := holder.ReadAssociated(ctx, a.Name)
		if err != nil {
			t.Errorf("ReadAssociated(%q): %v", a.Name, err)
			continue
		}
		if picture.Width != a.Width || picture.Height != a.Height || picture.Samples != a.Samples || picture.Type != pixel.Uint8 {
			t.Errorf("%s is %d × %d × %d of %s, listed as %d × %d × %d of uint8",
				a.Name, picture.Width, picture.Height, picture.Samples, picture.Type, a.Width, a.Height, a.Samples)
		}
	}
	if _, err := holder.ReadAssociated(ctx, "no such image"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("reading an associated image that is not listed gives %v, expected kind not-found", err)
	}
}
