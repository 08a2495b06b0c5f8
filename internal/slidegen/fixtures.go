package slidegen

import (
	"context"
	"io"
	"maps"

	"github.com/pims-cloud/pims/tiff"
)

// Fixture is one file of testdata/.
type Fixture struct {
	Path string // relative, with "/" as separator
	Data []byte
}

// SVSFixtures are the Aperio slides of testdata/svs by file name.
func SVSFixtures() map[string]SVS {
	return map[string]SVS{
		"rgb-240.svs": {
			Scene: Scene{Width: 2220, Height: 1667, Seed: 1, Labels: true}, TileSize: 240, Quality: 30,
		},
		"ycbcr-256.svs": {
			Scene: Scene{Width: 1200, Height: 900, Seed: 2, Labels: true}, TileSize: 256, Quality: 60, YCbCr: true,
		},
		"blank-tiles.svs": {
			Scene: Scene{Width: 800, Height: 600, Seed: 3, Labels: true}, TileSize: 240, Quality: 30, BlankTiles: true,
		},
		"bigtiff.svs": {
			Scene: Scene{Width: 700, Height: 520, Seed: 4, Labels: true}, TileSize: 240, Quality: 30, BigTIFF: true,
		},
	}
}

// PyramidFixtures are the TIFFs of testdata/pyrtiff by file name.
func PyramidFixtures() map[string]Pyramid {
	colour := Scene{Width: 1000, Height: 750, Seed: 11, Labels: true}
	lossless := Scene{Width: 300, Height: 220, Seed: 12, Labels: true}
	grey := Scene{Width: 200, Height: 150, Seed: 16, Labels: true}
	const none, lzw, deflate, jpeg = tiff.CompressionNone, tiff.CompressionLZW, tiff.CompressionAdobeDeflate, tiff.CompressionJPEG
	return map[string]Pyramid{
		"jpeg-ycbcr-pages.tif":         {Scene: colour, TileSize: 256, Compression: jpeg, Quality: 60},
		"jpeg-complete-subifd.tif":     {Scene: colour, TileSize: 256, Compression: jpeg, Quality: 60, Complete: true, SubIFDs: true},
		"jpeg-rgb-subifd-big.tif":      {Scene: colour, TileSize: 256, Compression: jpeg, Quality: 40, RGBJPEG: true, BigTIFF: true, SubIFDs: true},
		"jpeg-grey8-pages.tif":         {Scene: colour, TileSize: 256, Compression: jpeg, Quality: 60, Pixels: Grey8},
		"deflate-predictor-pages.tif":  {Scene: lossless, TileSize: 128, Compression: deflate, Predictor: true},
		"deflate-big-mm-subifd.tif":    {Scene: lossless, TileSize: 64, Compression: deflate, BigTIFF: true, BigEndian: true, SubIFDs: true},
		"lzw-predictor-pages.tif":      {Scene: lossless, TileSize: 128, Compression: lzw, Predictor: true},
		"lzw-mm-pages.tif":             {Scene: lossless, TileSize: 64, Compression: lzw, BigEndian: true},
		"none-pages.tif":               {Scene: Scene{Width: 200, Height: 150, Seed: 13, Labels: true}, TileSize: 64, Compression: none},
		"grey8-lzw-pages.tif":          {Scene: lossless, TileSize: 128, Compression: lzw, Pixels: Grey8},
		"grey16-deflate-predictor.tif": {Scene: grey, TileSize: 128, Compression: deflate, Predictor: true, Pixels: Grey16},
		"grey16-lzw-predictor-mm.tif":  {Scene: grey, TileSize: 128, Compression: lzw, Predictor: true, Pixels: Grey16, BigEndian: true},
		"grey16-none-mm-big.tif":       {Scene: Scene{Width: 150, Height: 110, Seed: 14}, TileSize: 64, Compression: none, Pixels: Grey16, BigEndian: true, BigTIFF: true},
	}
}

// PlanarFixtures are the untiled TIFFs of testdata/planartiff by file name.
func PlanarFixtures() map[string]Pyramid {
	small := Scene{Width: 160, Height: 120, Seed: 15, Labels: true}
	return map[string]Pyramid{
		"strips-lzw.tif":  {Scene: small, TileSize: 32, Compression: tiff.CompressionLZW, Strips: true},
		"strips-none.tif": {Scene: small, TileSize: 128, Compression: tiff.CompressionNone, Pixels: Grey8, Strips: true},
		"planes-deflate.tif": {
			Scene: small, TileSize: 32, Compression: tiff.CompressionAdobeDeflate, Predictor: true, Strips: true, Separate: true,
		},
	}
}

// StackFixtures are the stacks of testdata/ometiff and testdata/imagejtiff by
// path.
func StackFixtures() map[string]Stack {
	small := Scene{Width: 50, Height: 40, Seed: 100}
	return map[string]Stack{
		"ometiff/strips-xyzct.ome.tif": {
			Scene: small, Channels: 2, Depth: 3, Duration: 2, Order: "XYZCT", Pixels: Grey8, Compression: tiff.CompressionLZW,
		},
		"ometiff/tiles-xytcz-mm.ome.tif": {
			Scene: Scene{Width: 40, Height: 30, Seed: 110}, Channels: 2, Depth: 2, Duration: 2, Order: "XYTCZ", Pixels: Grey16, Compression: tiff.CompressionAdobeDeflate, TileSize: 32, BigEndian: true,
		},
		"pyrometiff/subifd-c2-16bit.ome.tif": {
			Scene: Scene{Width: 75, Height: 55, Seed: 120}, Channels: 2, Depth: 1, Duration: 1, Pixels: Grey16,
			Compression: tiff.CompressionAdobeDeflate, Predictor: true, TileSize: 32, Pyramid: true, BigTIFF: true,
		},
		"pyrometiff/subifd-rgb-z2.ome.tif": {
			Scene: Scene{Width: 70, Height: 50, Seed: 130}, Channels: 1, Depth: 2, Duration: 1, Pixels: RGB8,
			Compression: tiff.CompressionLZW, TileSize: 32, Pyramid: true,
		},
		"imagejtiff/contiguous-c2z3t2-mm.tif": {
			Scene: Scene{Width: 24, Height: 20, Seed: 140}, Channels: 2, Depth: 3, Duration: 2, Pixels: Grey16,
			Compression: tiff.CompressionNone, BigEndian: true, ImageJ: true, Contiguous: true,
		},
		"imagejtiff/pages-z4.tif": {
			Scene: small, Channels: 1, Depth: 4, Duration: 1, Pixels: Grey8, Compression: tiff.CompressionLZW, ImageJ: true,
		},
	}
}

// Fixtures makes every file of testdata/, in no particular order.
func Fixtures(ctx context.Context) ([]Fixture, error) {
	var out []Fixture
	add := func(path string, write func(io.WriteSeeker) error) error {
		var file memoryFile
		if err := write(&file); err != nil {
			return err
		}
		out = append(out, Fixture{path, file.bytes})
		return nil
	}
	for name, o := range SVSFixtures() {
		if err := add("svs/"+name, func(w io.WriteSeeker) error { return WriteSVS(ctx, w, o) }); err != nil {
			return nil, err
		}
	}
	tiffs := map[string]Pyramid{}
	for name, o := range PyramidFixtures() {
		tiffs["pyrtiff/"+name] = o
	}
	for name, o := range PlanarFixtures() {
		tiffs["planartiff/"+name] = o
	}
	for path, o := range tiffs {
		if err := add(path, func(w io.WriteSeeker) error { return WritePyramid(ctx, w, o) }); err != nil {
			return nil, err
		}
	}
	for path, o := range StackFixtures() {
		if err := add(path, func(w io.WriteSeeker) error { return WriteStack(ctx, w, o) }); err != nil {
			return nil, err
		}
	}
	hostile, err := Hostile(ctx)
	if err != nil {
		return nil, err
	}
	for name, data := range maps.All(hostile) {
		out = append(out, Fixture{"hostile/" + name, data})
	}
	return out, nil
}
