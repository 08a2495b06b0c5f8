package cog_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/cog"
	"github.com/pims-cloud/pims/pixel"
)

// TestMemoryThatIsUsedAgainShowsNothingOfBefore: bands, strips and tiles take the
// memory of those before them while several workers are still at it. The sides
// are multiples of nothing, so that every edge has a rest.
func TestMemoryThatIsUsedAgainShowsNothingOfBefore(t *testing.T) {
	const width, height, rows = 701, 1603, 100
	regions := drawing(width, height, 3, pixel.Uint8, 1, 1, 1)
	want, err := regions.Region.ReadRegion(background, 0, formats.Plane{}, 0, 0, width, height)
	must(t, err)
	for name, s := range map[string]cog.Source{"regions": regions, "strips": inStrips(regions, want, rows)} {
		t.Run(name, func(t *testing.T) {
			one := convert(t, s, cog.Options{Workers: 1})
			if !bytes.Equal(want.Pix, one.pixels(t, 0, 0).Pix) {
				t.Error("level 0 is not the picture")
			}
			for level := 1; level < len(one.Levels()); level++ {
				if !bytes.Equal(pixel.Shrink2(one.pixels(t, level-1, 0)).Pix, one.pixels(t, level, 0).Pix) {
					t.Errorf("level %d is not the mean of level %d", level, level-1)
				}
			}
			for range 2 {
				if many := convert(t, s, cog.Options{Workers: 7}); !bytes.Equal(one.data, many.data) {
					t.Fatal("one worker and seven wrote different files")
				}
			}
		})
	}
}

// inStrips is a picture stored as uncompressed strips, the last one short.
func inStrips(of cog.Source, picture *pixel.Raster, rows int) cog.Source {
	d := *of.Description
	level := formats.Level{Width: d.Width, Height: d.Height, TileWidth: d.Width, TileHeight: rows, Strips: true}
	d.Levels = []formats.Level{level}
	return cog.Source{
		Description: &d,
		Encodings: []formats.Encoding{{
			Codec: formats.CodecNone, Photometric: formats.PhotometricRGB, Samples: picture.Samples, BitsPerSample: 8, PixelType: picture.Type,
		}},
		Locate: func(_ context.Context, _, _, first, count int) ([]formats.Extent, error) {
			var out []formats.Extent
			for n := first; n < first+count; n++ {
				_, high := level.StoredSize(n)
				out = append(out, formats.Extent{Offset: int64(n * rows * picture.Stride), Length: int64(high * picture.Stride)})
			}
			return out, nil
		},
		Read: func(_ context.Context, extents []formats.Extent) ([][]byte, error) {
			var out [][]byte
			for _, e := range extents {
				out = append(out, bytes.Clone(picture.Pix[e.Offset:e.Offset+e.Length]))
			}
			return out, nil
		},
	}
}
