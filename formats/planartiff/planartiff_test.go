package planartiff_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/planartiff"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/codec/codectest"
	"github.com/pims-cloud/pims/internal/slidegen"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/tiff"
)

// TestContract runs the suite of all formats on the project's own files.
func TestContract(t *testing.T) {
	var refused []formatstest.File
	for _, folder := range []string{"svs", "pyrtiff", "ometiff", "pyrometiff", "imagejtiff"} {
		refused = append(refused, formatstest.Folder(t, testfiles.Own(t, folder))...)
	}
	formatstest.Run(t, formatstest.Suite{
		Format:  planartiff.New(),
		Accepts: formatstest.Folder(t, testfiles.Own(t, "planartiff")),
		Refused: append(refused, formatstest.File{Name: "empty"}, formatstest.File{Name: "text", Data: []byte("II is two in Rome")}),
		Hostile: formatstest.Folder(t, testfiles.Own(t, "hostile")),
	})
}

// TestContractOnRealFiles runs it on files of other programs, one of every kind
// of storage.
func TestContractOnRealFiles(t *testing.T) {
	load := func(name string) formatstest.File { return formatstest.Load(t, testfiles.Shared(t, name)) }
	formatstest.Run(t, formatstest.Suite{
		Format: planartiff.New(),
		Accepts: []formatstest.File{
			load("tiff/bw-deflate.tiff"), load("tiff/group4.tif"), load("tiff/group3_1d.tif"), load("tiff/flower-rgb-planar-08.tif"),
			load("tiff/flower-rgb-contig-12.tif"), load("tiff/gray.f2.tif"), load("tiff/g4-fillorder-test.tif"),
			load("tiff/seq-1c-64f-deflate-fpredict-afa8560e.tiff"), load("tiff/colormap-with-extrasamples.tif"), load("tiff/seq-4c-8b-cmyk-352ac1da.tiff"),
			load("tiff/tiff_strip_ycbcr_jpeg_2x2_sampling.tif"), load("bigtiff/BigTIFFMotorola.tif"),
		},
		Refused: []formatstest.File{load("imagej-tiff/cells.tif"), load("ome-tiff/cells.ome.tif"), load("generic-tiff/boxes.tiff")},
		Hostile: formatstest.Folder(t, testfiles.Shared(t, "hostile/tiff")),
	})
}

func open(t *testing.T, file formatstest.File) (formats.Image, *formats.Description) {
	t.Helper()
	image, err := planartiff.New().Open(context.Background(), formatstest.NewBundle(file))
	if err != nil {
		t.Fatalf("%s: %v", file.Name, err)
	}
	d, err := image.Describe(context.Background())
	if err != nil {
		t.Fatalf("%s: %v", file.Name, err)
	}
	return image, d
}

func TestPixelsAreThoseOfTheScene(t *testing.T) {
	for name, made := range slidegen.PlanarFixtures() {
		file := formatstest.Load(t, testfiles.Own(t, "planartiff/"+name))
		image, d := open(t, file)
		drawn := made.Region(1, 0, 0, made.Width, made.Height)
		if made.Pixels == slidegen.Grey8 {
			drawn = made.Grey(1, 0, 0, made.Width, made.Height, pixel.Uint8)
		}
		if got := codectest.Level(t, image, file.Data, 0, formats.Plane{}, codec.Decode); !bytes.Equal(got.Pix, drawn.Pix) {
			t.Errorf("%s differs from its scene", name)
		}
		if _, regions := image.(formats.RegionReader); regions != made.Separate || d.Levels[0].Strips != made.Strips {
			t.Errorf("%s is %T with strips %v; expected regions %v, strips %v", name, image, d.Levels[0].Strips, made.Separate, made.Strips)
		}
	}
}

// oneStrip makes an uncompressed file of one strip.
func oneStrip(t *testing.T, width, height, bits, format int, data []byte, fields ...tiff.Field) formatstest.File {
	t.Helper()
	return formatstest.TIFF(t, "made.tif", tiff.WriteOptions{}, formatstest.TIFFPage{
		Width: width, Height: height, Bits: bits, Data: data,
		Fields: append(fields, tiff.NumberField(tiff.SampleFormat, tiff.Short, uint64(format))),
	})
}

// TestNaNStaysNaN: what was not measured is neither zero nor an error.
func TestNaNStaysNaN(t *testing.T) {
	values := []float32{0.25, float32(math.NaN()), -3, float32(math.Inf(1))}
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	file := oneStrip(t, 2, 2, 32, 3, data)
	image, d := open(t, file)
	if d.PixelType != pixel.Float32 || d.SignificantBits != 32 {
		t.Errorf("the type is %s of %d bits, expected float32 of 32", d.PixelType, d.SignificantBits)
	}
	got := codectest.Level(t, image, file.Data, 0, formats.Plane{}, codec.Decode)
	if !bytes.Equal(got.Pix, data) {
		t.Errorf("pixels are % x, expected % x", got.Pix, data)
	}
}

// TestHalvesAreWidened: 16-bit floating point has no type of its own; every
// value of it is one of 32 bits.
func TestHalvesAreWidened(t *testing.T) {
	halves := map[uint16]float32{0x0000: 0, 0x8000: float32(math.Copysign(0, -1)), 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0001: 1.0 / (1 << 24), 0x03ff: 1023.0 / (1 << 24), 0x7c00: float32(math.Inf(1)), 0x3555: 0.333251953125}
	for stored, want := range halves {
		file := oneStrip(t, 1, 1, 16, 3, binary.LittleEndian.AppendUint16(nil, stored))
		image, d := open(t, file)
		got := codectest.Level(t, image, file.Data, 0, formats.Plane{}, codec.Decode)
		if bits := binary.LittleEndian.Uint32(got.Pix); d.PixelType != pixel.Float32 || bits != math.Float32bits(want) {
			t.Errorf("half %04x is %v (%08x) of %s, expected %v", stored, math.Float32frombits(bits), bits, d.PixelType, want)
		}
	}
}

// TestLargeStripIsReadInParts: a writer that puts an uncompressed plane into one
// strip must not cost the whole plane for every tile.
func TestLargeStripIsReadInParts(t *testing.T) {
	const width, height = 1500, 1100
	data := make([]byte, width*height)
	for i := range data {
		data[i] = byte(i % 251)
	}
	file := oneStrip(t, width, height, 8, 1, data)
	image, d := open(t, file)
	if l := d.Levels[0]; !l.Strips || l.Tiles() < 2 || l.TileWidth*l.TileHeight > 256<<10 {
		t.Errorf("the strip of %d bytes is read in %d parts of %d × %d, expected several of at most 256 KiB", len(data), l.Tiles(), l.TileWidth, l.TileHeight)
	}
	if got := codectest.Level(t, image, file.Data, 0, formats.Plane{}, codec.Decode); !bytes.Equal(got.Pix, data) {
		t.Error("the parts are not the strip")
	}
	if err := image.(formats.Checker).Check(context.Background()); err != nil {
		t.Errorf("Check: %v", err)
	}
}

// TestTruncatedStripIsCorrupt: parts that the strip does not have are no zeros.
func TestTruncatedStripIsCorrupt(t *testing.T) {
	const width, height = 1500, 1100
	image, d := open(t, oneStrip(t, width, height, 8, 1, make([]byte, width*height-1)))
	_, err := image.(formats.TileLocator).Locate(context.Background(), 0, formats.Plane{}, 0, d.Levels[0].Tiles())
	if fault.CodeOf(err) != "tiff-strip-short" || fault.KindOf(err) != fault.Corrupt {
		t.Errorf("Locate gives %v, expected tiff-strip-short", err)
	}
}

// TestWideAndFlatImagesAreOpened: issue 5's 70,000 × 1 pixels.
func TestWideAndFlatImagesAreOpened(t *testing.T) {
	for _, size := range [][2]int{{70_000, 1}, {1, 70_000}} {
		data := bytes.Repeat([]byte{1, 2, 3, 4, 5, 6, 7}, 10_000)
		file := oneStrip(t, size[0], size[1], 8, 1, data)
		image, _ := open(t, file)
		if got := codectest.Level(t, image, file.Data, 0, formats.Plane{}, codec.Decode); !bytes.Equal(got.Pix, data) {
			t.Errorf("%d × %d pixels are read wrongly", size[0], size[1])
		}
	}
}

// TestPreviewMakesNoPyramid: image editors store a reduced copy in strips.
func TestPreviewMakesNoPyramid(t *testing.T) {
	preview := formatstest.TIFFPage{Width: 50, Height: 40, Samples: 3, Fields: []tiff.Field{tiff.NumberField(tiff.NewSubfileType, tiff.Long, 1)}}
	file := formatstest.TIFF(t, "made.tif", tiff.WriteOptions{}, formatstest.TIFFPage{Width: 100, Height: 80, Samples: 3}, preview)
	formatstest.Run(t, formatstest.Suite{Format: planartiff.New(), Accepts: []formatstest.File{file}})
	_, d := open(t, file)
	if len(d.Levels) != 1 || d.Depth != 1 {
		t.Errorf("the picture has %d levels and %d planes, expected one of each", len(d.Levels), d.Depth)
	}
}

// TestRefusalsSayWhy: what cannot be read is refused by Open with its reason.
func TestRefusalsSayWhy(t *testing.T) {
	field := func(tag tiff.Tag, v uint64) tiff.Field { return tiff.NumberField(tag, tiff.Short, v) }
	for code, page := range map[string]formatstest.TIFFPage{
		"tiff-old-jpeg":      {Width: 8, Height: 8, Fields: []tiff.Field{field(tiff.Compression, 6)}},
		"tiff-compression":   {Width: 8, Height: 8, Fields: []tiff.Field{field(tiff.Compression, 34887)}},
		"tiff-photometric":   {Width: 8, Height: 8, Samples: 3, Fields: []tiff.Field{field(tiff.PhotometricInterpretation, 8)}},
		"tiff-sample-type":   {Width: 8, Height: 8, Bits: 20},
		"tiff-image-depth":   {Width: 8, Height: 8, Fields: []tiff.Field{field(tiff.ImageDepth, 2)}},
		"tiff-mixed-samples": {Width: 8, Height: 8, Samples: 3, Fields: []tiff.Field{tiff.NumberField(tiff.BitsPerSample, tiff.Short, 5, 6, 5)}},
		"tiff-jpeg-samples":  {Width: 8, Height: 8, Samples: 4, Fields: []tiff.Field{field(tiff.Compression, 7)}},
	} {
		_, err := planartiff.New().Open(context.Background(), formatstest.NewBundle(formatstest.TIFF(t, "made.tif", tiff.WriteOptions{}, page)))
		if fault.KindOf(err) != fault.Unsupported || fault.CodeOf(err) != code {
			t.Errorf("Open gives %v, expected unsupported %s", err, code)
		}
	}
}

// FuzzPlanar: whatever the bytes, errors are classified and nothing panics.
func FuzzPlanar(f *testing.F) {
	for _, path := range []string{"hostile/ifd-loop.tif", "planartiff/planes-deflate.tif"} {
		f.Add(formatstest.Load(f, testfiles.Own(f, path)).Data)
	}
	for _, page := range []formatstest.TIFFPage{
		{Width: 40, Height: 30}, {Width: 40, Height: 30, Samples: 3, Planes: true}, {Width: 40, Height: 30, Samples: 4, Tile: 16, Planes: true},
		{Width: 40, Height: 30, Bits: 12}, {Width: 40, Height: 30, Bits: 1, Fields: []tiff.Field{tiff.NumberField(tiff.Compression, tiff.Short, 4)}},
	} {
		f.Add(formatstest.TIFF(f, "seed.tif", tiff.WriteOptions{}, page).Data)
		f.Add(formatstest.TIFF(f, "seed.tif", tiff.WriteOptions{BigTIFF: true, BigEndian: true}, page).Data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		formatstest.Survives(t, planartiff.New(), formatstest.File{Name: "fuzz.tif", Data: data})
	})
}
