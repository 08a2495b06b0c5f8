package svs_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/svs"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/slidegen"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/tiff"
)

// TestContract runs the suite of all formats on the project's own slides.
func TestContract(t *testing.T) {
	suite := formatstest.Suite{
		Format: svs.New(),
		Refused: append(
			formatstest.Folder(t, testfiles.Own(t, "pyrtiff")),
			formatstest.File{Name: "empty"},
			formatstest.File{Name: "text", Data: []byte("II is a numeral, Aperio a company")},
		),
		Hostile: formatstest.Folder(t, testfiles.Own(t, "hostile")),
	}
	for _, path := range ownSlides(t) {
		suite.Accepts = append(suite.Accepts, formatstest.Load(t, path))
	}
	formatstest.Run(t, suite)
}

// TestContractOnRealSlides runs it on slides of scanners.
func TestContractOnRealSlides(t *testing.T) {
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
			load("synthetic/generic-tiled-pyramid.tif"), load("synthetic/philips.tiff"), load("synthetic/hamamatsu.ndpi"),
			load("synthetic/source-A.png"), load("tiff/quad-tile.tif"),
		},
		Hostile: formatstest.Folder(t, testfiles.Shared(t, "hostile/tiff")),
	})
}

func TestRealScannerSlide(t *testing.T) {
	image, d := describe(t, testfiles.Shared(t, "svs/CMU-1-Small-Region.svs"))
	if d.AcquiredAt == nil || d.AcquiredAt.Format("2006-01-02 15:04:05") != "2009-12-29 09:59:15" {
		t.Errorf("AcquiredAt is %v, expected 2009-12-29 09:59:15", d.AcquiredAt)
	}
	if d.PhysicalSizeX == nil || *d.PhysicalSizeX != 0.499 || d.NominalMagnification == nil || *d.NominalMagnification != 20 {
		t.Errorf("MPP and AppMag are %v and %v, expected 0.499 and 20", d.PhysicalSizeX, d.NominalMagnification)
	}
	list, err := image.(formats.AssociatedImages).Associated(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	want := []formats.Associated{
		{Name: "thumb", Width: 574, Height: 768, Samples: 3},
		{Name: "label", Width: 387, Height: 463, Samples: 3}, // LZW with predictor
		{Name: "macro", Width: 1280, Height: 431, Samples: 3},
	}
	if len(list) != len(want) || list[0] != want[0] || list[1] != want[1] || list[2] != want[2] {
		t.Errorf("associated images are %+v, expected %+v", list, want)
	}
	encodings := image.(formats.TileLocator).Encodings()
	if len(encodings) != 1 || encodings[0].Codec != formats.CodecJPEG || encodings[0].Photometric != formats.PhotometricRGB || len(encodings[0].JPEGTables) != 289 {
		t.Errorf("tiles are %+v, expected JPEG of RGB with tables of 289 bytes", encodings)
	}
}

func TestJPEG2000IsNamed(t *testing.T) {
	for name, want := range map[string]formats.Photometric{
		"synthetic/aperio-j2k-33003-ycbcr.svs":     formats.PhotometricYCbCr,
		"synthetic/aperio-j2k-33005-rgb.svs":       formats.PhotometricRGB,
		"svs-jpeg2000/tcga-cr-7395-01a-01-ts1.svs": formats.PhotometricRGB,
	} {
		file := formatstest.Load(t, testfiles.Shared(t, name))
		candidate, err := formats.NewCandidate(context.Background(), formatstest.NewBundle(file))
		if err != nil {
			t.Fatal(err)
		}
		match, err := svs.New().Probe(context.Background(), candidate)
		if err != nil || !match.OK || !strings.Contains(match.Why, "JPEG 2000") {
			t.Errorf("%s: Probe = %+v, %v; expected a match that names JPEG 2000", name, match, err)
		}
		image, _ := describe(t, testfiles.Shared(t, name))
		encoding := image.(formats.TileLocator).Encodings()[0]
		if encoding.Codec != formats.CodecJPEG2000 || encoding.Photometric != want {
			t.Errorf("%s: tiles are %s of %s, expected jpeg2000 of %s", name, encoding.Codec, encoding.Photometric, want)
		}
	}
}

// TestTilesShowTheScene decodes tiles by what Locate and Encodings say and
// compares them with what was drawn.
func TestTilesShowTheScene(t *testing.T) {
	for name, made := range slidegen.SVSFixtures() {
		image, d := describe(t, testfiles.Own(t, "svs/"+name))
		locator := image.(formats.TileLocator)
		data, err := os.ReadFile(testfiles.Own(t, "svs/"+name))
		if err != nil {
			t.Fatal(err)
		}
		for level, l := range d.Levels {
			extents, err := locator.Locate(context.Background(), level, formats.Plane{}, 0, l.Tiles())
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			factor := 1 << (2 * level)
			for i, e := range extents {
				if e.Blank {
					continue
				}
				tile, err := codec.Decode(locator.Encodings()[l.Encoding], data[e.Offset:e.Offset+e.Length], l.TileWidth, l.TileHeight)
				if err != nil {
					t.Fatalf("%s: tile %d of level %d: %v", name, i, level, err)
				}
				x, y := i%l.TilesAcross()*l.TileWidth, i/l.TilesAcross()*l.TileHeight
				width, height := min(l.TileWidth, l.Width-x), min(l.TileHeight, l.Height-y)
				drawn := made.Region(factor, x, y, width, height)
				if difference := formatstest.MeanDifference(tile, drawn); difference > 8 {
					t.Errorf("%s: tile %d of level %d differs from the scene by %.1f of 255 on average", name, i, level, difference)
				}
			}
		}
	}
}

func TestBlankTilesAreBlank(t *testing.T) {
	image, d := describe(t, testfiles.Own(t, "svs/blank-tiles.svs"))
	extents, err := image.(formats.TileLocator).Locate(context.Background(), 0, formats.Plane{}, 0, d.Levels[0].Tiles())
	if err != nil {
		t.Fatal(err)
	}
	blank := 0
	for _, e := range extents {
		if e.Blank {
			blank++
		}
	}
	if blank == 0 || blank == len(extents) {
		t.Errorf("%d of %d tiles are blank, expected some", blank, len(extents))
	}
	if d.Background != [3]uint8{255, 255, 255} {
		t.Errorf("blank tiles show %v, expected white glass", d.Background)
	}
}

func TestICCProfileIsFound(t *testing.T) {
	image, _ := describe(t, testfiles.Own(t, "svs/rgb-240.svs"))
	profile, err := image.(formats.ColorProfile).ICCProfile(context.Background())
	if err != nil || len(profile) < 128 || string(profile[36:40]) != "acsp" {
		t.Errorf("ICCProfile gives %d bytes, %v; expected a profile", len(profile), err)
	}
}

// TestTruncatedSlideIsCorrupt: what is cut off is found without reading tiles.
func TestTruncatedSlideIsCorrupt(t *testing.T) {
	whole := formatstest.Load(t, testfiles.Shared(t, "synthetic/aperio-jpeg.svs"))
	for _, keep := range []int{len(whole.Data) / 2, len(whole.Data) - 100} {
		cut := formatstest.File{Name: "cut.svs", Data: whole.Data[:keep]}
		_, err := svs.New().Open(context.Background(), formatstest.NewBundle(cut))
		if fault.KindOf(err) != fault.Corrupt {
			t.Errorf("cut to %d bytes: Open gives %v, expected kind corrupt", keep, err)
		}
	}
	tiles := formatstest.Load(t, testfiles.Own(t, "hostile/truncated-tiles.svs"))
	image, err := svs.New().Open(context.Background(), formatstest.NewBundle(tiles))
	if err == nil {
		err = image.(formats.Checker).Check(context.Background())
	}
	if fault.KindOf(err) != fault.Corrupt {
		t.Errorf("%s: Open and Check give %v, expected kind corrupt", filepath.Base(tiles.Name), err)
	}
}

// TestOpenReadsStructureOnly: opening must not read what it does not need.
func TestOpenReadsStructureOnly(t *testing.T) {
	bundle := formatstest.NewBundle(formatstest.Load(t, testfiles.Shared(t, "svs/CMU-1-Small-Region.svs")))
	image, err := svs.New().Open(context.Background(), bundle)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := image.Describe(context.Background()); err != nil {
		t.Fatal(err)
	}
	if read := bundle.Bytes(); read > 512<<10 {
		t.Errorf("opening read %d bytes in %d reads of a slide of 1938955", read, len(bundle.Reads()))
	}
}

// FuzzSlide: whatever the bytes, errors are classified and nothing panics.
func FuzzSlide(f *testing.F) {
	for _, path := range []string{"hostile/ifd-loop.tif", "hostile/huge-count.tif"} {
		f.Add(formatstest.Load(f, testfiles.Own(f, path)).Data)
	}
	for _, o := range []tiff.WriteOptions{{}, {BigTIFF: true}, {BigEndian: true}} {
		f.Add(formatstest.TIFF(f, "seed.svs", o,
			page(40, 30, 16, head+"40x30|MPP = 0.5|AppMag = 20|Date = 12/29/09|Time = 09:59:15"),
			page(10, 8, 0, head), page(10, 8, 16, head), page(4, 4, 0, "Aperio \nlabel 4x4", subfile(1)), page(5, 3, 0, "", subfile(9))).Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		formatstest.Survives(t, svs.New(), formatstest.File{Name: "fuzz.svs", Data: data})
	})
}
