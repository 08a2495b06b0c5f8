package codectest

import (
	"context"
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

// Level gives all pixels of a plane of a level of an image whose one source is
// data: by its tiles, or as a region when it has none. Blank tiles stay zero.
func Level(t testing.TB, image formats.Image, data []byte, level int, plane formats.Plane, decode func(formats.Encoding, []byte, int, int) (*pixel.Raster, error)) *pixel.Raster {
	t.Helper()
	ctx := context.Background()
	d, err := image.Describe(ctx)
	if err != nil {
		t.Fatal(err)
	}
	l := d.Levels[level]
	if reader, ok := image.(formats.RegionReader); ok {
		r, err := reader.ReadRegion(ctx, level, plane, 0, 0, l.Width, l.Height)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	locator := image.(formats.TileLocator)
	extents, err := locator.Locate(ctx, level, plane, 0, l.Tiles())
	if err != nil {
		t.Fatal(err)
	}
	out := pixel.New(l.Width, l.Height, d.Samples, d.PixelType)
	for i, e := range extents {
		if e.Blank {
			continue
		}
		width, height := l.StoredSize(i)
		tile, err := decode(locator.Encodings()[l.Encoding], data[e.Offset:e.Offset+e.Length], width, height)
		if err != nil {
			t.Fatalf("tile %d of level %d, %+v: %v", i, level, plane, err)
		}
		if err := pixel.Paste(out, tile, i%l.TilesAcross()*l.TileWidth, i/l.TilesAcross()*l.TileHeight); err != nil {
			t.Fatal(err)
		}
	}
	return out
}
