package ometiff_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/ometiff"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/codec/codectest"
	"github.com/pims-cloud/pims/internal/slidegen"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/tiff"
)

// TestContract runs the suite of all formats on the project's own files.
func TestContract(t *testing.T) {
	planar, pyramids := formatstest.Folder(t, testfiles.Own(t, "ometiff")), formatstest.Folder(t, testfiles.Own(t, "pyrometiff"))
	others := append(formatstest.Folder(t, testfiles.Own(t, "planartiff")), formatstest.Folder(t, testfiles.Own(t, "imagejtiff"))...)
	hostile := formatstest.Folder(t, testfiles.Own(t, "hostile"))
	for _, text := range hostileXML() {
		hostile = append(hostile, withXML(t, text))
	}
	t.Run("planar", func(t *testing.T) {
		formatstest.Run(t, formatstest.Suite{Format: ometiff.New(), Accepts: planar, Refused: append(pyramids, others...), Hostile: hostile})
	})
	t.Run("pyramidal", func(t *testing.T) {
		formatstest.Run(t, formatstest.Suite{Format: ometiff.NewPyramidal(), Accepts: pyramids, Refused: append(planar, others...), Hostile: hostile})
	})
}

// TestContractOnRealFiles runs it on files of other programs.
func TestContractOnRealFiles(t *testing.T) {
	load := func(name string) formatstest.File { return formatstest.Load(t, testfiles.Shared(t, name)) }
	pyramid := load("synthetic/ome-pyramid-subifd-2c2z-u16.ome.tif")
	planar := []formatstest.File{
		load("ome-tiff/cells.ome.tif"), load("ome-tiff/cells-2c.ome.tif"), load("ome-tiff/multi-channel-z-series.ome.tif"), load("ome-tiff/res.ome.tiff"),
		load("ome-tiff/viv-multi-channel.ome.tif"), load("ome-tiff/FOV7_HV110_P0500510000.ome.tiff"),
	}
	formatstest.Run(t, formatstest.Suite{Format: ometiff.New(), Accepts: planar, Refused: []formatstest.File{pyramid}})
	formatstest.Run(t, formatstest.Suite{Format: ometiff.NewPyramidal(), Accepts: []formatstest.File{pyramid}, Refused: planar})
}

func open(t *testing.T, file formatstest.File) (formats.Image, *formats.Description) {
	t.Helper()
	image, err := ometiff.New().Open(context.Background(), formatstest.NewBundle(file))
	if err != nil {
		t.Fatalf("%s: %v", file.Name, err)
	}
	d, err := image.Describe(context.Background())
	if err != nil {
		t.Fatalf("%s: %v", file.Name, err)
	}
	return image, d
}

// TestPlanesAreThoseOfTheScene: whatever the order of planes, tiles or strips,
// every level of every plane shows what was drawn.
func TestPlanesAreThoseOfTheScene(t *testing.T) {
	for path, made := range slidegen.StackFixtures() {
		if made.ImageJ {
			continue
		}
		file := formatstest.Load(t, testfiles.Own(t, path))
		image, d := open(t, file)
		if d.ConcreteChannels != made.Channels || d.Depth != made.Depth || d.Duration != made.Duration {
			t.Fatalf("%s has %d × %d × %d planes, expected %d × %d × %d", path, d.ConcreteChannels, d.Depth, d.Duration, made.Channels, made.Depth, made.Duration)
		}
		if made.Pyramid != (len(d.Levels) == 3) {
			t.Errorf("%s has %d levels", path, len(d.Levels))
		}
		for n := range d.Planes() {
			plane := formats.Plane{C: n % d.ConcreteChannels, Z: n / d.ConcreteChannels % d.Depth, T: n / d.ConcreteChannels / d.Depth}
			for level := range d.Levels {
				got := codectest.Level(t, image, file.Data, level, plane, codec.Decode)
				if want := drawn(made, plane, 1<<level); !bytes.Equal(got.Pix, want.Pix) {
					t.Errorf("%s: level %d of plane %+v is not the one that was drawn", path, level, plane)
				}
			}
		}
	}
}

func drawn(made slidegen.Stack, plane formats.Plane, factor int) *pixel.Raster {
	scene := made.Plane(plane.C, plane.Z, plane.T)
	width, height := scene.Size(factor)
	switch made.Pixels {
	case slidegen.Grey8:
		return scene.Grey(factor, 0, 0, width, height, pixel.Uint8)
	case slidegen.Grey16:
		return scene.Grey(factor, 0, 0, width, height, pixel.Uint16)
	}
	return scene.Region(factor, 0, 0, width, height)
}

func TestDescriptionIsOfTheXML(t *testing.T) {
	_, d := open(t, formatstest.Load(t, testfiles.Own(t, "ometiff/strips-xyzct.ome.tif")))
	at := time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)
	number := func(v float64) *float64 { return &v }
	text := func(v string) *string { return &v }
	want := formats.Description{
		Format: "OMETIFF", Width: 50, Height: 40, Depth: 3, Duration: 2, ConcreteChannels: 2, Samples: 1, PixelType: pixel.Uint8, SignificantBits: 8,
		Channels: []formats.Channel{
			{Name: "Stain 1", Color: "#0f0", EmissionNm: number(500)},
			{Name: "Stain 2", Color: "#f0f", EmissionNm: number(550)},
		},
		PhysicalSizeX: number(0.5), PhysicalSizeY: number(0.25), PhysicalSizeZ: number(2), FrameRate: number(4), AcquiredAt: &at, Text: text("drawn"),
		MicroscopeModel: text("slidegen"), NominalMagnification: number(20), CalibratedMagnification: number(20.3),
		Levels: []formats.Level{{Width: 50, Height: 40, TileWidth: 50, TileHeight: 32, Strips: true}},
	}
	if diff := cmp.Diff(&want, d, cmp.Comparer(func(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 })); diff != "" {
		t.Errorf("description (-want +got):\n%s", diff)
	}
}

// pages are n pages of which the first has OME-XML.
func pages(text string, n int) []formatstest.TIFFPage {
	out := make([]formatstest.TIFFPage, n)
	for i := range out {
		out[i] = formatstest.TIFFPage{Width: 20, Height: 10, Data: bytes.Repeat([]byte{byte(i)}, 200)}
	}
	out[0].Fields = []tiff.Field{tiff.TextField(tiff.ImageDescription, text)}
	return out
}

func withXML(t testing.TB, text string) formatstest.File {
	return formatstest.TIFF(t, "made.ome.tif", tiff.WriteOptions{}, pages(text, 4)...)
}

// ome is a document with one image of 20 × 10 pixels.
func ome(root, pixels, inside string) string {
	return fmt.Sprintf(`<?xml version="1.0"?><OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06" %s><Image ID="Image:0" Name="made"><Pixels ID="Pixels:0" Type="uint8" SizeX="20" SizeY="10" %s>%s</Pixels></Image></OME>`, root, pixels, inside)
}

const axes = `DimensionOrder="XYCZT" SizeC="2" SizeZ="2" SizeT="1"`

// TestTiffData: which directory holds which plane. Expected are the directories
// of the planes (c=0,z=0), (c=1,z=0), (c=0,z=1), (c=1,z=1); -1 is none.
func TestTiffData(t *testing.T) {
	for name, c := range map[string]struct {
		pixels, inside string
		want           [4]int
	}{
		"none":                   {axes, ``, [4]int{0, 1, 2, 3}},
		"without attributes":     {axes, `<TiffData/>`, [4]int{0, 1, 2, 3}},
		"all at once":            {axes, `<TiffData IFD="0" PlaneCount="4"/>`, [4]int{0, 1, 2, 3}},
		"another order":          {strings.Replace(axes, "XYCZT", "XYZCT", 1), `<TiffData IFD="0" PlaneCount="4"/>`, [4]int{0, 2, 1, 3}},
		"one by one":             {axes, `<TiffData IFD="3"/><TiffData IFD="2" FirstC="1"/><TiffData IFD="1" FirstZ="1"/><TiffData IFD="0" FirstC="1" FirstZ="1"/>`, [4]int{3, 2, 1, 0}},
		"two by two":             {axes, `<TiffData IFD="2" PlaneCount="2"/><TiffData IFD="0" PlaneCount="2" FirstZ="1"/>`, [4]int{2, 3, 0, 1}},
		"interrupted":            {axes, `<TiffData IFD="0" PlaneCount="3"/>`, [4]int{0, 1, 2, -1}},
		"more than there can be": {axes, `<TiffData IFD="1" PlaneCount="3" FirstZ="1"/>`, [4]int{-1, -1, 1, 2}},
	} {
		file := withXML(t, ome("", c.pixels, c.inside))
		image, _ := open(t, file)
		for n, want := range c.want {
			plane := formats.Plane{C: n % 2, Z: n / 2}
			got := codectest.Level(t, image, file.Data, 0, plane, codec.Decode).Pix[0]
			if want < 0 {
				want = 0 // blank
			}
			if int(got) != want {
				t.Errorf("%s: plane %+v is that of directory %d, expected %d", name, plane, got, want)
			}
		}
	}
}

// TestRefusals: documents whose planes cannot be had, or that contradict the file.
func TestRefusals(t *testing.T) {
	elsewhere := `<TiffData IFD="0"><UUID FileName="plate_B.ome.tif">urn:uuid:2</UUID></TiffData>`
	for name, c := range map[string]struct {
		text, code string
		kind       fault.Kind
		says       string
	}{
		"planes elsewhere":   {ome(`UUID="urn:uuid:1"`, axes, elsewhere), "ome-multi-file", fault.Unsupported, "plate_B.ome.tif"},
		"several files":      {ome("", axes, strings.Replace(elsewhere, "_B", "_A", 1)+elsewhere), "ome-multi-file", fault.Unsupported, "several files"},
		"metadata elsewhere": {`<OME><BinaryOnly MetadataFile="plate.companion.ome" UUID="urn:uuid:1"/></OME>`, "ome-binary-only", fault.Unsupported, "plate.companion.ome"},
		"no image":           {`<OME></OME>`, "ome-no-image", fault.Corrupt, ""},
		"other root":         {`<X><OME></OME></X><!--OME>`, "ome-xml", fault.Corrupt, ""},
		"other size":         {strings.Replace(ome("", axes, ""), `SizeX="20"`, `SizeX="21"`, 1), "ome-size", fault.Corrupt, "21 × 10"},
		"no size":            {strings.Replace(ome("", axes, ""), `SizeX="20"`, ``, 1), "ome-size", fault.Corrupt, "SizeX"},
		"no order":           {ome("", `DimensionOrder="XYCC" SizeC="2" SizeZ="2" SizeT="1"`, ""), "ome-dimension-order", fault.Corrupt, "XYCC"},
		"beyond directories": {ome("", axes, `<TiffData IFD="4"/>`), "ome-no-plane", fault.Corrupt, ""},
		"beyond an axis":     {ome("", axes, `<TiffData IFD="0" FirstZ="2"/>`), "ome-tiff-data", fault.Corrupt, "Z=2"},
		"mixed samples":      {ome("", axes, `<Channel SamplesPerPixel="1"/><Channel SamplesPerPixel="3"/>`), "ome-mixed-samples", fault.Unsupported, "1 and 3"},
		"too many planes":    {ome("", `DimensionOrder="XYCZT" SizeC="2" SizeZ="2" SizeT="2000000000"`, ""), "tiff-axes", fault.Corrupt, ""},
		"mostly missing":     {ome("", `DimensionOrder="XYCZT" SizeC="1" SizeZ="100000" SizeT="1"`, ""), "ome-planes", fault.Corrupt, "100000"},
	} {
		_, err := ometiff.New().Open(context.Background(), formatstest.NewBundle(withXML(t, c.text)))
		if fault.CodeOf(err) != c.code || fault.KindOf(err) != c.kind || !strings.Contains(fault.Sentence(err), c.says) {
			t.Errorf("%s: Open gives %v, expected %s that names %q", name, err, c.code, c.says)
		}
	}
}

// TestRenamedFilesAreRead: a plane is here by its UUID, whatever the file is
// called by now; without identifiers one name stands for this file.
func TestRenamedFilesAreRead(t *testing.T) {
	for _, text := range []string{
		ome(`UUID="urn:uuid:1"`, axes, `<TiffData IFD="0" PlaneCount="4"><UUID FileName="old name.ome.tif">urn:uuid:1</UUID></TiffData>`),
		ome("", axes, `<TiffData IFD="0" PlaneCount="2"><UUID FileName="old.ome.tif"/></TiffData><TiffData IFD="2" FirstZ="1" PlaneCount="2"><UUID FileName="old.ome.tif"/></TiffData>`),
	} {
		if _, d := open(t, withXML(t, text)); d.Planes() != 4 {
			t.Errorf("there are %d planes, expected 4", d.Planes())
		}
	}
}

// hostileXML are documents that try to do more than describe an image.
func hostileXML() []string {
	return []string{
		`<!DOCTYPE OME [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><OME>&b;</OME>`,
		`<!DOCTYPE OME SYSTEM "file:///etc/passwd"><OME><Image Name="&xxe;"/></OME>`,
		strings.Repeat("<A>", 100_000) + "<OME>",
		"<OME>" + strings.Repeat("<A>", 70) + strings.Repeat("</A>", 70) + "</OME>",
		ome("", `DimensionOrder="XYCZT" SizeC="-1" SizeZ="1e9" SizeT="99999999999999999999"`, ""),
		ome("", axes, `<TiffData IFD="-1"/><TiffData PlaneCount="99999999999"/>`),
		"<OME><Image></OME>",
	}
}

// TestEntitiesAreRefused: nothing but the text itself is ever read.
func TestEntitiesAreRefused(t *testing.T) {
	for _, text := range hostileXML()[:2] {
		candidate, err := formats.NewCandidate(context.Background(), formatstest.NewBundle(withXML(t, text)))
		if err != nil {
			t.Fatal(err)
		}
		match, err := ometiff.New().Probe(context.Background(), candidate)
		if err != nil || match.OK || !strings.Contains(match.Why, "broken") {
			t.Errorf("Probe = %+v, %v; expected a no because the XML is broken", match, err)
		}
	}
}

func TestUnits(t *testing.T) {
	for unit, want := range map[string]float64{"m": 1e6, "cm": 1e4, "nm": 1e-3, "pm": 1e-6, "µm": 1, "in": 25_400, "Å": 1e-4, "pixel": 0, "reference frame": 0, "cubit": 0} {
		_, d := open(t, withXML(t, ome("", axes+fmt.Sprintf(` PhysicalSizeX="2" PhysicalSizeXUnit="%s"`, unit), "")))
		got := 0.0
		if d.PhysicalSizeX != nil {
			got = *d.PhysicalSizeX
		}
		if difference := got - 2*want; difference > 1e-9*want || difference < -1e-9*want {
			t.Errorf("2 %s are %v µm, expected %v", unit, got, 2*want)
		}
	}
}

// TestAssociatedImages: other images of the document by their names.
func TestAssociatedImages(t *testing.T) {
	text := `<OME><Image ID="Image:0" Name="slide"><Pixels DimensionOrder="XYCZT" Type="uint8" SizeX="20" SizeY="10" SizeC="1" SizeZ="1" SizeT="1"><TiffData IFD="0"/></Pixels></Image>` +
		`<Image ID="Image:1" Name="Macro"><Pixels DimensionOrder="XYCZT" Type="uint8" SizeX="9" SizeY="7" SizeC="3" SizeZ="1" SizeT="1"><Channel SamplesPerPixel="3"/><TiffData IFD="1"/></Pixels></Image>` +
		`<Image ID="Image:2" Name="Thumbnail"><Pixels DimensionOrder="XYCZT" Type="uint8" SizeX="5" SizeY="4" SizeC="1" SizeZ="1" SizeT="1"><TiffData IFD="2"/></Pixels></Image>` +
		`<Image ID="Image:3" Name="label"><Pixels DimensionOrder="XYCZT" Type="uint8" SizeX="5" SizeY="4" SizeC="1" SizeZ="1" SizeT="1"><TiffData IFD="77"/></Pixels></Image></OME>`
	file := formatstest.TIFF(t, "made.ome.tif", tiff.WriteOptions{}, formatstest.TIFFPage{Width: 20, Height: 10, Fields: []tiff.Field{tiff.TextField(tiff.ImageDescription, text)}},
		formatstest.TIFFPage{Width: 9, Height: 7, Samples: 3}, formatstest.TIFFPage{Width: 5, Height: 4})
	formatstest.Run(t, formatstest.Suite{Format: ometiff.New(), Accepts: []formatstest.File{file}})
	image, _ := open(t, file)
	list, err := image.(formats.AssociatedImages).Associated(context.Background())
	want := []formats.Associated{{Name: "thumb", Width: 5, Height: 4, Samples: 1}, {Name: "macro", Width: 9, Height: 7, Samples: 3}}
	if diff := cmp.Diff(want, list); diff != "" || err != nil {
		t.Errorf("associated images (-want +got):\n%s%v", diff, err)
	}
}

// FuzzOME: whatever the bytes, errors are classified and nothing panics.
func FuzzOME(f *testing.F) {
	f.Add(formatstest.Load(f, testfiles.Own(f, "pyrometiff/subifd-rgb-z2.ome.tif")).Data)
	f.Add(withXML(f, ome("", axes, `<TiffData IFD="0" PlaneCount="4"/>`)).Data)
	for _, text := range hostileXML() {
		if len(text) < 4096 {
			f.Add(withXML(f, text).Data)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		formatstest.Survives(t, ometiff.New(), formatstest.File{Name: "fuzz.tif", Data: data})
		formatstest.Survives(t, ometiff.NewPyramidal(), formatstest.File{Name: "fuzz.tif", Data: data})
	})
}

// FuzzDocument fuzzes the XML alone: a page stays a page.
func FuzzDocument(f *testing.F) {
	f.Add(ome(`UUID="urn:uuid:1"`, axes, `<Channel Color="-1" Name="a"/><TiffData IFD="0" PlaneCount="4"/>`))
	for _, text := range hostileXML() {
		if len(text) < 4096 {
			f.Add(text)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		formatstest.Survives(t, ometiff.New(), withXML(t, strings.ReplaceAll(text, "\x00", "")+"<!--OME>"))
		formatstest.Survives(t, ometiff.New(), withXML(t, strings.ReplaceAll(text, "\x00", "")))
	})
}
