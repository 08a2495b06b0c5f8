package imagejtiff_test

import (
	"bytes"
	"context"
	"math"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/imagejtiff"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/codec/codectest"
	"github.com/pims-cloud/pims/internal/slidegen"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/tiff"
)

// TestContract runs the suite of all formats on the project's own files.
func TestContract(t *testing.T) {
	formatstest.Run(t, formatstest.Suite{
		Format:  imagejtiff.New(),
		Accepts: formatstest.Folder(t, testfiles.Own(t, "imagejtiff")),
		Refused: append(formatstest.Folder(t, testfiles.Own(t, "planartiff")), formatstest.Folder(t, testfiles.Own(t, "ometiff"))...),
		Hostile: formatstest.Folder(t, testfiles.Own(t, "hostile")),
	})
}

// TestContractOnRealFiles runs it on files of ImageJ, Fiji and tifffile.
func TestContractOnRealFiles(t *testing.T) {
	formatstest.Run(t, formatstest.Suite{
		Format:  imagejtiff.New(),
		Accepts: formatstest.Folder(t, testfiles.Shared(t, "imagej-tiff")),
		Refused: formatstest.Folder(t, testfiles.Shared(t, "ome-tiff")),
	})
}

func open(t *testing.T, file formatstest.File) (formats.Image, *formats.Description) {
	t.Helper()
	image, err := imagejtiff.New().Open(context.Background(), formatstest.NewBundle(file))
	if err != nil {
		t.Fatalf("%s: %v", file.Name, err)
	}
	d, err := image.Describe(context.Background())
	if err != nil {
		t.Fatalf("%s: %v", file.Name, err)
	}
	return image, d
}

// TestPlanesAreThoseOfTheScene: every plane is where its axes say, whether it
// has a directory or not.
func TestPlanesAreThoseOfTheScene(t *testing.T) {
	for path, made := range slidegen.StackFixtures() {
		if !made.ImageJ {
			continue
		}
		file := formatstest.Load(t, testfiles.Own(t, path))
		image, d := open(t, file)
		if d.ConcreteChannels != made.Channels || d.Depth != made.Depth || d.Duration != made.Duration {
			t.Fatalf("%s has %d × %d × %d planes, expected %d × %d × %d", path, d.ConcreteChannels, d.Depth, d.Duration, made.Channels, made.Depth, made.Duration)
		}
		kind := pixel.Uint8
		if made.Pixels == slidegen.Grey16 {
			kind = pixel.Uint16
		}
		for n := range d.Planes() {
			plane := formats.Plane{C: n % d.ConcreteChannels, Z: n / d.ConcreteChannels % d.Depth, T: n / d.ConcreteChannels / d.Depth}
			scene := made.Plane(plane.C, plane.Z, plane.T)
			got := codectest.Level(t, image, file.Data, 0, plane, codec.Decode)
			if !bytes.Equal(got.Pix, scene.Grey(1, 0, 0, made.Width, made.Height, kind).Pix) {
				t.Errorf("%s: plane %+v is not the one that was drawn", path, plane)
			}
		}
	}
}

// TestContiguousStackReadsOneDirectory: the places of planes are computed; a
// plane costs one offset.
func TestContiguousStackReadsOneDirectory(t *testing.T) {
	file := formatstest.Load(t, testfiles.Own(t, "imagejtiff/contiguous-c2z3t2-mm.tif"))
	bundle := formatstest.NewBundle(file)
	image, err := imagejtiff.New().Open(context.Background(), bundle)
	if err != nil {
		t.Fatal(err)
	}
	bundle.Reset()
	for z := range 3 {
		if _, err := image.(formats.TileLocator).Locate(context.Background(), 0, formats.Plane{C: 1, Z: z, T: 1}, 0, 1); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(bundle.Reads()); n != 0 {
		t.Errorf("locating three planes took %d reads: %v", n, bundle.Reads())
	}
}

func TestScaleAndChannels(t *testing.T) {
	_, d := open(t, formatstest.Load(t, testfiles.Own(t, "imagejtiff/contiguous-c2z3t2-mm.tif")))
	for name, got := range map[string][2]any{
		"width of a pixel":   {*d.PhysicalSizeX, 0.5},
		"height of a pixel":  {*d.PhysicalSizeY, 0.25},
		"distance of slices": {*d.PhysicalSizeZ, 1.5}, // not inverted as PIMS has it
		"first channel":      {d.Channels[0], formats.Channel{Name: "R", Color: "#f00"}},
		"second channel":     {d.Channels[1], formats.Channel{Name: "G", Color: "#0f0"}},
		"bits":               {d.SignificantBits, 16},
	} {
		if got[0] != got[1] {
			t.Errorf("%s is %v, expected %v", name, got[0], got[1])
		}
	}
}

// page is one page with a description.
func page(width, height int, text string) formatstest.TIFFPage {
	return formatstest.TIFFPage{Width: width, Height: height, Fields: []tiff.Field{tiff.TextField(tiff.ImageDescription, text)}}
}

// TestAxes: what the description says is believed as far as there are images.
func TestAxes(t *testing.T) {
	for name, c := range map[string]struct {
		text  string
		pages int
		want  [3]int // channels, slices, frames
	}{
		"all axes":                 {"images=12\nchannels=2\nslices=3\nframes=2", 12, [3]int{2, 3, 2}},
		"no axes":                  {"images=3", 3, [3]int{1, 3, 1}},
		"more claimed than there":  {"images=12\nchannels=2\nslices=3\nframes=2", 5, [3]int{1, 5, 1}},
		"fewer claimed than there": {"images=4\nchannels=2\nslices=2", 6, [3]int{2, 2, 1}},
		"absurd":                   {"images=2\nchannels=999999999\nslices=999999999\nframes=-3", 2, [3]int{1, 2, 1}},
		"no number":                {"images=2\nchannels=two\nslices=2", 2, [3]int{1, 2, 1}},
	} {
		pages := []formatstest.TIFFPage{page(20, 10, "ImageJ=1.54f\n"+c.text)}
		for range c.pages - 1 {
			pages = append(pages, formatstest.TIFFPage{Width: 20, Height: 10})
		}
		_, d := open(t, formatstest.TIFF(t, "made.tif", tiff.WriteOptions{}, pages...))
		if got := [3]int{d.ConcreteChannels, d.Depth, d.Duration}; got != c.want {
			t.Errorf("%s: axes are %v, expected %v", name, got, c.want)
		}
	}
}

// TestTruncatedStackIsCorrupt: planes that the file does not have are told.
func TestTruncatedStackIsCorrupt(t *testing.T) {
	file := formatstest.TIFF(t, "made.tif", tiff.WriteOptions{}, page(20, 10, "ImageJ=1.54f\nimages=100\nslices=100"))
	_, err := imagejtiff.New().Open(context.Background(), formatstest.NewBundle(file))
	if fault.CodeOf(err) != "tiff-stack-truncated" || fault.KindOf(err) != fault.Corrupt {
		t.Errorf("Open gives %v, expected tiff-stack-truncated", err)
	}
}

// TestUnits: a length is converted, what is no length gives no size.
func TestUnits(t *testing.T) {
	for unit, want := range map[string]float64{"um": 0.5, `\u00B5m`: 0.5, "micron": 0.5, "nm": 0.0005, "mm": 500, "cm": 5000, "inch": 12_700, "pixel": 0, "furlong": 0} {
		p := page(20, 10, "ImageJ=1.54f\nunit="+unit+"\nspacing=3")
		p.Fields = append(p.Fields, tiff.RatioField(tiff.XResolution, 2, 1), tiff.RatioField(tiff.YResolution, 2, 1), tiff.NumberField(tiff.ResolutionUnit, tiff.Short, 2))
		_, d := open(t, formatstest.TIFF(t, "made.tif", tiff.WriteOptions{}, p))
		got := 0.0
		if d.PhysicalSizeX != nil {
			got = *d.PhysicalSizeX
		}
		if math.Abs(got-want) > 1e-9 {
			t.Errorf("unit %q: a pixel is %v µm wide, expected %v", unit, got, want)
		}
	}
}

// FuzzImageJ: whatever the bytes, errors are classified and nothing panics.
func FuzzImageJ(f *testing.F) {
	f.Add(formatstest.Load(f, testfiles.Own(f, "imagejtiff/contiguous-c2z3t2-mm.tif")).Data)
	f.Add(formatstest.TIFF(f, "seed.tif", tiff.WriteOptions{}, page(20, 10, "ImageJ=1\nimages=3\nslices=3"), page(20, 10, ""), page(20, 10, "")).Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		formatstest.Survives(t, imagejtiff.New(), formatstest.File{Name: "fuzz.tif", Data: data})
	})
}
