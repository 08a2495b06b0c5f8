package pyrtiff_test

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/pyrtiff"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/slidegen"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/tiff"
)

// TestContract runs the suite of all formats on the project's own files.
func TestContract(t *testing.T) {
	formatstest.Run(t, formatstest.Suite{
		Format:  pyrtiff.New(),
		Accepts: formatstest.Folder(t, testfiles.Own(t, "pyrtiff")),
		Refused: append(
			append(formatstest.Folder(t, testfiles.Own(t, "svs")), formatstest.Folder(t, testfiles.Own(t, "planartiff"))...),
			formatstest.File{Name: "empty"},
			formatstest.File{Name: "text", Data: []byte("MM is a millimetre")},
		),
		Hostile: formatstest.Folder(t, testfiles.Own(t, "hostile")),
	})
}

// TestContractOnRealFiles runs it on files of other programs.
func TestContractOnRealFiles(t *testing.T) {
	load := func(name string) formatstest.File { return formatstest.Load(t, testfiles.Shared(t, name)) }
	suite := formatstest.Suite{
		Format: pyrtiff.New(),
		Accepts: []formatstest.File{
			load("synthetic/generic-tiled-pyramid.tif"), load("generic-tiff/boxes.tiff"), load("generic-tiff/small_HE_levels.tiff"),
			load("generic-tiff/test_orient0.tif"), load("generic-tiff/test_orient6.tif"),
			load("generic-tiff/tif-rgb-3res-64x56x16-tiled-uncompressed.tif"),
			load("cog/big_cog.tiff"), load("cog/B01.tif"), load("cog/cog_with_nan.tif"), load("cog/rgba8_cog.tiff"), load("cog/rgba8_tiled.tiff"),
			load("bigtiff/sparse.tiff"),
		},
		Hostile: formatstest.Folder(t, testfiles.Shared(t, "hostile/tiff")),
	}
	accepted := map[string]bool{}
	for _, file := range suite.Accepts {
		accepted[file.Name] = true
	}
	// Everything else of these folders is of a vendor's flavour, not
	// tiled, or no pyramid (pims-api §5.2).
	for _, folder := range []string{"cog", "bigtiff", "tiff", "ome-tiff", "imagej-tiff", "qptiff", "ndpi", "svs"} {
		for _, file := range formatstest.Folder(t, testfiles.Shared(t, folder)) {
			if !accepted[file.Name] {
				suite.Refused = append(suite.Refused, file)
			}
		}
	}
	suite.Refused = append(suite.Refused,
		load("synthetic/philips.tiff"), load("synthetic/leica-2010-10-01.scn"), load("synthetic/ventana-overlap.bif"), load("synthetic/ventana-plain.tif"),
		load("synthetic/ome-pyramid-subifd-2c2z-u16.ome.tif"), load("generic-tiff/grey10kx5k.tif"),
	)
	formatstest.Run(t, suite)
}

// open opens one of the project's own pyramids.
func open(t *testing.T, name string) (formatstest.File, formats.Image, *formats.Description) {
	t.Helper()
	file := formatstest.Load(t, testfiles.Own(t, "pyrtiff/"+name))
	image, err := pyrtiff.New().Open(context.Background(), formatstest.NewBundle(file))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	d, err := image.Describe(context.Background())
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return file, image, d
}

// TestTilesShowTheScene decodes every tile of every file by what Locate and
// Encodings say, and compares with what was drawn: exactly when the codec is
// lossless.
func TestTilesShowTheScene(t *testing.T) {
	for name, made := range slidegen.PyramidFixtures() {
		t.Run(name, func(t *testing.T) {
			file, image, d := open(t, name)
			locator := image.(formats.TileLocator)
			for level, l := range d.Levels {
				extents, err := locator.Locate(context.Background(), level, formats.Plane{}, 0, l.Tiles())
				if err != nil {
					t.Fatal(err)
				}
				for i, e := range extents {
					tile, err := codec.Decode(locator.Encodings()[l.Encoding], file.Data[e.Offset:e.Offset+e.Length], l.TileWidth, l.TileHeight)
					if err != nil {
						t.Fatalf("tile %d of level %d: %v", i, level, err)
					}
					x, y := i%l.TilesAcross()*l.TileWidth, i/l.TilesAcross()*l.TileHeight
					width, height := min(l.TileWidth, l.Width-x), min(l.TileHeight, l.Height-y)
					compare(t, made, tile, 1<<level, x, y, width, height)
				}
			}
		})
	}
}

// compare fails when the top left width × height pixels of a tile are not the
// rectangle of the scene.
func compare(t *testing.T, made slidegen.Pyramid, tile *pixel.Raster, factor, x, y, width, height int) {
	t.Helper()
	var drawn *pixel.Raster
	switch made.Pixels {
	case slidegen.RGB8:
		drawn = made.Region(factor, x, y, width, height)
	case slidegen.Grey8:
		drawn = made.Grey(factor, x, y, width, height, pixel.Uint8)
	case slidegen.Grey16:
		drawn = made.Grey(factor, x, y, width, height, pixel.Uint16)
	}
	if made.Compression == tiff.CompressionJPEG {
		if difference := formatstest.MeanDifference(tile, drawn); difference > 8 {
			t.Errorf("factor %d at %d,%d differs from the scene by %.1f of 255 on average", factor, x, y, difference)
		}
		return
	}
	cut := pixel.Crop(tile, 0, 0, width, height)
	for row := range height {
		if !bytes.Equal(cut.Row(row), drawn.Row(row)) {
			t.Fatalf("factor %d at %d,%d: row %d differs from the scene", factor, x, y, row)
		}
	}
}

func TestTypesAndLevelsOfOwnFiles(t *testing.T) {
	for name, made := range slidegen.PyramidFixtures() {
		_, _, d := open(t, name)
		samples, pixelType := 3, pixel.Uint8
		if made.Pixels != slidegen.RGB8 {
			samples = 1
		}
		if made.Pixels == slidegen.Grey16 {
			pixelType = pixel.Uint16
		}
		if d.Width != made.Width || d.Height != made.Height || d.Samples != samples || d.PixelType != pixelType || d.SignificantBits != 8*pixelType.Bytes() {
			t.Errorf("%s is %d × %d × %d of %s (%d bits), expected %d × %d × %d of %s",
				name, d.Width, d.Height, d.Samples, d.PixelType, d.SignificantBits, made.Width, made.Height, samples, pixelType)
		}
		for level, l := range d.Levels {
			if width, height := made.Size(1 << level); l.Width != width || l.Height != height {
				t.Errorf("%s: level %d is %d × %d, expected %d × %d", name, level, l.Width, l.Height, width, height)
			}
		}
		if last := d.Levels[len(d.Levels)-1]; last.Tiles() != 1 {
			t.Errorf("%s: the last level has %d tiles, expected a pyramid down to one", name, last.Tiles())
		}
	}
}

// TestSeparatePlanesArePutTogether: the samples of a pixel lie in three places,
// so no tile can be served in place, but every region can be read.
func TestSeparatePlanesArePutTogether(t *testing.T) {
	type page = formatstest.TIFFPage
	formatstest.Run(t, formatstest.Suite{Format: pyrtiff.New(), Accepts: []formatstest.File{
		formatstest.TIFF(t, "planes.tif", tiff.WriteOptions{},
			page{Width: 200, Height: 100, Tile: 64, Samples: 3, Planes: true}, page{Width: 100, Height: 50, Tile: 64, Samples: 3, Planes: true}),
	}})
}

// TestUnknownSampleTypeIsRefused: such files are recognised, and the refusal
// says what they have.
func TestUnknownSampleTypeIsRefused(t *testing.T) {
	type page = formatstest.TIFFPage
	bundle := formatstest.NewBundle(formatstest.TIFF(t, "made.tif", tiff.WriteOptions{BigTIFF: true},
		page{Width: 200, Height: 100, Tile: 64, Bits: 64}, page{Width: 100, Height: 50, Tile: 64, Bits: 64}))
	candidate, err := formats.NewCandidate(context.Background(), bundle)
	if err != nil {
		t.Fatal(err)
	}
	match, err := pyrtiff.New().Probe(context.Background(), candidate)
	if err != nil || !match.OK {
		t.Errorf("Probe = %+v, %v; expected a match", match, err)
	}
	_, err = pyrtiff.New().Open(context.Background(), bundle)
	if fault.KindOf(err) != fault.Unsupported || fault.CodeOf(err) != "tiff-sample-type" || !strings.Contains(fault.Sentence(err), "64 bits") {
		t.Errorf("Open gives %v, expected tiff-sample-type that names the 64 bits", err)
	}
}

// TestAlphaIsNotCounted: four samples of which one is alpha are three.
func TestAlphaIsNotCounted(t *testing.T) {
	alpha := []tiff.Field{tiff.NumberField(tiff.ExtraSamples, tiff.Short, 2)}
	file := formatstest.TIFF(t, "made.tif", tiff.WriteOptions{},
		formatstest.TIFFPage{Width: 200, Height: 100, Tile: 64, Samples: 4, Fields: alpha},
		formatstest.TIFFPage{Width: 100, Height: 50, Tile: 64, Samples: 4, Fields: alpha})
	image, err := pyrtiff.New().Open(context.Background(), formatstest.NewBundle(file))
	if err != nil {
		t.Fatal(err)
	}
	d, err := image.Describe(context.Background())
	encoding := image.(formats.TileLocator).Encodings()[0]
	if err != nil || d.Samples != 3 || encoding.Samples != 4 || !encoding.Alpha {
		t.Errorf("%d samples shown, %d stored, alpha %v, %v; expected 3, 4, true", d.Samples, encoding.Samples, encoding.Alpha, err)
	}
}

// TestRefusalsSayWhy: the sentence of Detect is what a user reads.
func TestRefusalsSayWhy(t *testing.T) {
	registry := formats.NewRegistry([]formats.Format{pyrtiff.New()}, formats.ResolutionOrder{})
	for path, want := range map[string]string{
		"planartiff/strips-lzw.tif": "stored in strips",
		"hostile/ifd-loop.tif":      "broken",
		"hostile/empty.tif":         "an empty file",
	} {
		bundle := formatstest.NewBundle(formatstest.Load(t, testfiles.Own(t, filepath.FromSlash(path))))
		candidate, err := formats.NewCandidate(context.Background(), bundle)
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = registry.Detect(context.Background(), candidate)
		if fault.CodeOf(err) != "no-matching-format" || !strings.Contains(fault.Sentence(err), want) {
			t.Errorf("%s: Detect gives %v, expected no-matching-format with %q", path, err, want)
		}
	}
}

// FuzzPyramid: whatever the bytes, errors are classified and nothing panics.
func FuzzPyramid(f *testing.F) {
	for _, path := range []string{"hostile/ifd-loop.tif", "hostile/subifd-self.tif", "hostile/one-pixel-tiles.tif"} {
		f.Add(formatstest.Load(f, testfiles.Own(f, path)).Data)
	}
	for _, o := range []tiff.WriteOptions{{}, {BigTIFF: true}, {BigEndian: true}} {
		half := formatstest.TIFFPage{Width: 20, Height: 15, Tile: 16, Samples: 3}
		f.Add(formatstest.TIFF(f, "seed.tif", o, formatstest.TIFFPage{Width: 40, Height: 30, Tile: 16, Samples: 3}, half).Data)
		f.Add(formatstest.TIFF(f, "seed.tif", o, formatstest.TIFFPage{Width: 40, Height: 30, Tile: 16, Samples: 3, SubIFDs: []formatstest.TIFFPage{half}}).Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		formatstest.Survives(t, pyrtiff.New(), formatstest.File{Name: "fuzz.tif", Data: data})
	})
}
