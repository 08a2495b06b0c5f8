package all_test

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/all"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/codec/vips"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
)

var update = flag.Bool("update", false, "write the table of docs/formats.md")

//go:embed testdata/tiff_oracle.py
var tiffOracle string

// python is an interpreter that has the modules; the test is skipped without.
func python(t *testing.T, modules ...string) string {
	t.Helper()
	name := os.Getenv("PIMS_TEST_PYTHON")
	if name == "" {
		name = "python3"
	}
	if err := exec.Command(name, "-c", "import "+strings.Join(modules, ", ")).Run(); err != nil {
		t.Skipf("%s has not all of the Python modules %v (PIMS_TEST_PYTHON names another interpreter)", name, modules)
	}
	return name
}

// tiffAnswer is what the independent reader says of a file.
type tiffAnswer struct {
	Error                  string
	Width, Height, Samples int
	Planes                 map[string][]json.RawMessage
}

// askTIFFOracle reads all files in one run of the interpreter.
func askTIFFOracle(t *testing.T, lines []string) []tiffAnswer {
	t.Helper()
	cmd := exec.Command(python(t, "numpy", "tifffile", "imagecodecs"), "-W", "ignore", "-c", tiffOracle)
	cmd.Stdin = strings.NewReader(strings.Join(lines, "\n") + "\n")
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the independent reader: %v: %s", err, complaints.String())
	}
	answers := make([]tiffAnswer, len(lines))
	d := json.NewDecoder(bytes.NewReader(out))
	for i := range answers {
		if err := d.Decode(&answers[i]); err != nil {
			t.Fatalf("answer %d of the independent reader: %v", i, err)
		}
	}
	return answers
}

// shown is an image that was opened, for reading single pixels.
type shown struct {
	image formats.Image
	d     *formats.Description
	data  []byte
}

// summary is how a file is read, for the table.
func (s shown) summary() string {
	d, way := s.d, "in place"
	if _, ok := s.image.(formats.RegionReader); ok {
		way = "converted"
	}
	return fmt.Sprintf("%s, %d × %d × %d %s, %d planes, %d levels, %s", d.Format, d.Width, d.Height, d.Samples, d.PixelType, d.Planes(), len(d.Levels), way)
}

// holdTIFFTable compares the table of docs/formats.md, or writes it.
func holdTIFFTable(t *testing.T, rows map[string]string) {
	t.Helper()
	const begin, end = "<!-- tiff: begin -->\n", "<!-- tiff: end -->"
	path := filepath.Join(testfiles.Root(t), "docs", "formats.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has lost the marks of its table", path)
	}
	table := "| File | Result |\n|---|---|\n"
	for _, name := range slices.Sorted(maps.Keys(rows)) {
		table += "| `" + name + "` | " + strings.ReplaceAll(rows[name], "|", "\\|") + " |\n"
	}
	switch {
	case *update:
		if err := os.WriteFile(path, []byte(before+begin+table+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case old != table:
		t.Errorf("the table of docs/formats.md is not of this version; run go test ./formats/all -run TestTIFFPixels -update\n%s", cmp.Diff(old, table))
	}
}

// level0 decodes level 0 of a plane, as the renderer does.
func (s shown) level0(plane formats.Plane) (*pixel.Raster, error) {
	ctx := context.Background()
	if reader, ok := s.image.(formats.RegionReader); ok {
		return reader.ReadRegion(ctx, 0, plane, 0, 0, s.d.Width, s.d.Height)
	}
	locator := s.image.(formats.TileLocator)
	l := s.d.Levels[0]
	extents, err := locator.Locate(ctx, 0, plane, 0, l.Tiles())
	if err != nil {
		return nil, err
	}
	var out *pixel.Raster
	for i, e := range extents {
		if e.Blank {
			continue
		}
		width, height := l.StoredSize(i)
		tile, err := codec.Decode(locator.Encodings()[l.Encoding], s.data[e.Offset:e.Offset+e.Length], width, height)
		if err != nil {
			return nil, fmt.Errorf("tile %d: %w", i, err)
		}
		if out == nil {
			out = pixel.New(l.Width, l.Height, tile.Samples, tile.Type)
		}
		if err := pixel.Paste(out, tile, i%l.TilesAcross()*l.TileWidth, i/l.TilesAcross()*l.TileHeight); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func sampleAt(r *pixel.Raster, x, y, c int) float64 {
	b := r.Row(y)[(x*r.Samples+c)*r.Type.Bytes():]
	le := binary.LittleEndian
	switch r.Type {
	case pixel.Uint16:
		return float64(le.Uint16(b))
	case pixel.Uint32:
		return float64(le.Uint32(b))
	case pixel.Int8:
		return float64(int8(b[0]))
	case pixel.Int16:
		return float64(int16(le.Uint16(b)))
	case pixel.Int32:
		return float64(int32(le.Uint32(b)))
	case pixel.Float32:
		return float64(math.Float32frombits(le.Uint32(b)))
	case pixel.Float64:
		return math.Float64frombits(le.Uint64(b))
	}
	return float64(b[0])
}

// comparePlane holds the points of one plane against the independent reader's.
func comparePlane(raster *pixel.Raster, points []json.RawMessage, samples int, tolerance float64) error {
	for _, raw := range points {
		var point [3]json.RawMessage
		var x, y int
		var values []*float64
		if err := json.Unmarshal(raw, &point); err != nil {
			return err
		}
		for i, to := range []any{&x, &y, &values} {
			if err := json.Unmarshal(point[i], to); err != nil {
				return err
			}
		}
		for c := range min(samples, len(values)) {
			got := sampleAt(raster, x, y, c)
			finite := !math.IsNaN(got) && !math.IsInf(got, 0)
			if want := values[c]; (want != nil) != finite || want != nil && math.Abs(got-*want) > tolerance+math.Abs(*want)*1e-6 {
				wanted := math.NaN()
				if want != nil {
					wanted = *want
				}
				return fmt.Errorf("sample %d at (%d, %d) is %v, expected %v", c, x, y, got, wanted)
			}
		}
	}
	return nil
}

// openTIFFFile opens a file; reason is empty when it could be opened.
func openTIFFFile(t *testing.T, registry *formats.Registry, path string) (shown, string) {
	t.Helper()
	ctx := context.Background()
	file := formatstest.Load(t, path)
	bundle := formatstest.NewBundle(file)
	candidate, err := formats.NewCandidate(ctx, bundle)
	if err != nil {
		t.Fatal(err)
	}
	format, _, err := registry.Detect(ctx, candidate)
	if err != nil {
		return shown{}, fault.CodeOf(err) + ": " + fault.Sentence(err)
	}
	image, err := format.Open(ctx, bundle)
	if err != nil {
		return shown{}, fault.CodeOf(err) + ": " + fault.Sentence(err)
	}
	d, err := image.Describe(ctx)
	if err != nil {
		t.Errorf("%s: Describe: %v", path, err)
	}
	return shown{image, d, file.Data}, ""
}

// TestTIFFPixelsAreThoseOfAnIndependentReader opens every TIFF of the
// collection. Each is refused with a reason that the table names, or its
// corners, centre and other points of all planes have the values that tifffile
// reads.
func TestTIFFPixelsAreThoseOfAnIndependentReader(t *testing.T) {
	registry := formats.NewRegistry(all.Formats(), formats.ResolutionOrder{})
	var paths, lines []string
	var images []shown
	rows := map[string]string{}
	refused := tiffRefusals()
	for _, folder := range []string{"tiff", "bigtiff", "cog", "ome-tiff", "imagej-tiff", "generic-tiff"} {
		entries, err := os.ReadDir(testfiles.Shared(t, folder))
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			if !entry.Type().IsRegular() {
				continue
			}
			name := folder + "/" + entry.Name()
			path := testfiles.Shared(t, name)
			image, reason := openTIFFFile(t, registry, path)
			want, listed := refused[name]
			if reason != "" {
				code, sentence, _ := strings.Cut(reason, ": ")
				if rows[name] = "refused: " + sentence; code == "no-matching-format" {
					rows[name] = "refused: the file is " + want // not which formats were asked
				}
				if !listed || !strings.Contains(reason, want) {
					t.Errorf("%s is refused: %s\nthe table says %q", name, reason, want)
				}
				continue
			}
			if listed && !strings.HasPrefix(want, "decoding: ") {
				t.Errorf("%s is opened, the table says that it is refused: %s", name, want)
			}
			mode := "page"
			if _, ok := image.image.(formats.RegionReader); ok {
				mode = "page-over-black"
			}
			if slices.Contains([]string{"IMAGEJTIFF", "OMETIFF", "PYROMETIFF"}, image.d.Format) {
				mode = "series"
			}
			paths, images, lines = append(paths, name), append(images, image), append(lines, mode+"\t"+filepath.ToSlash(path))
		}
	}
	answers := askTIFFOracle(t, lines)
	compared := 0
	for i, answer := range answers {
		rows[paths[i]] = images[i].summary()
		switch {
		case compareTIFF(t, paths[i], images[i], answer, strings.TrimPrefix(refused[paths[i]], "decoding: ")):
			compared++
		case answer.Error == "":
			rows[paths[i]] = "refused when its tiles are decoded: " + strings.TrimPrefix(refused[paths[i]], "decoding: ")
		}
	}
	holdTIFFTable(t, rows)
	t.Logf("%d files are refused with their reason, the pixels of %d of %d others were compared", len(refused), compared, len(paths))
}

// compareTIFF tells whether there was something to compare with.
func compareTIFF(t *testing.T, name string, image shown, answer tiffAnswer, undecodable string) bool {
	t.Helper()
	if locator, ok := image.image.(formats.TileLocator); ok && !codec.CanDecode(locator.Encodings()[0]) && undecodable == "" {
		t.Logf("%s: this build does not decode %s", name, locator.Encodings()[0].Codec)
		return true
	}
	if answer.Error != "" {
		t.Logf("%s: the independent reader fails: %s", name, answer.Error)
		answer.Planes = map[string][]json.RawMessage{"0,0,0": nil}
	} else if answer.Width != image.d.Width || answer.Height != image.d.Height || len(answer.Planes) != image.d.Planes() && image.d.Format != "PYRTIFF" {
		t.Errorf("%s is %d × %d with %d planes, expected %d × %d with %d", name, image.d.Width, image.d.Height, image.d.Planes(), answer.Width, answer.Height, len(answer.Planes))
		return true
	}
	tolerance := 0.0
	if assembly, ok := image.image.(interface{ Shown() formats.Encoding }); ok && assembly.Shown().Photometric == formats.PhotometricYCbCr {
		tolerance = 1
	}
	if locator, ok := image.image.(formats.TileLocator); ok {
		switch e := locator.Encodings()[0]; {
		case e.Codec == formats.CodecJPEG || e.Codec == formats.CodecWebP || e.Photometric == formats.PhotometricYCbCr:
			tolerance = 4 // rounding of transforms
			if !vips.Available {
				tolerance = 24 // the standard library repeats halved colours, libjpeg smooths them
			}
		}
	}
	for key, points := range answer.Planes {
		var plane formats.Plane
		if _, err := fmt.Sscanf(key, "%d,%d,%d", &plane.C, &plane.Z, &plane.T); err != nil {
			t.Fatal(err)
		}
		raster, err := image.level0(plane)
		if err != nil {
			reason := fault.CodeOf(err) + ": " + fault.Sentence(err)
			if undecodable == "" || !strings.Contains(reason, undecodable) {
				t.Errorf("%s, plane %s (%T): %v", name, key, image.image, err)
			}
			return false
		}
		if raster == nil {
			continue // blank all over
		}
		if err := comparePlane(raster, points, image.d.Samples, tolerance); err != nil {
			t.Errorf("%s, plane %s, %s %d × %s: %v", name, key, image.d.Format, image.d.Samples, image.d.PixelType, err)
			return true
		}
	}
	return answer.Error == ""
}

// tiffRefusals are the files of the collection that are not read, and a part
// of the reason that is told. "decoding: " begins those whose structure is
// right and whose tiles are refused when they are decoded.
func tiffRefusals() map[string]string {
	const geo, oldJPEG = "GeoTIFF", "tiff-old-jpeg"
	refused := map[string]string{
		"tiff/compression.tif":                      "tiff-fax: strips are compressed with CCITTRLE",
		"tiff/cmyk-3c-32b-float.tiff":               "tiff-colours",
		"tiff/fax2d.tif":                            "decoding: tiff-fax-damaged",
		"tiff/gray.c16.tif":                         "128 bits of format 6",
		"tiff/gray.depth.deflate.u1.tif":            "tiff-image-depth: ImageDepth is 5",
		"tiff/gray.i8.tif":                          "64 bits of format 2",
		"tiff/gray.lzma.u1.tif":                     "compressed with LZMA",
		"tiff/gray.one.i8.tif":                      "64 bits of format 2",
		"tiff/gray.one.u8.tif":                      "64 bits of format 1",
		"tiff/gray.u8.tif":                          "64 bits of format 1",
		"tiff/group3_2d_lsb2msb.tif":                "tiff-fax-2d",
		"tiff/jpeg-lossless-8bit-gray.tif":          "decoding: process SOF3",
		"tiff/lab.tif":                              "PhotometricInterpretation is CIELAB",
		"tiff/off_luv32.tif":                        "compressed with SGILOG",
		"tiff/quad-lzw-compat.tiff":                 "decoding: LZW of before TIFF 6.0",
		"tiff/random-fp16-pred3.tiff":               "tiff-half-predictor",
		"tiff/rgb.tiled.jpeg.u2.tif":                "12 bits of format 1",
		"tiff/rgb.tiled.lerc.u1.tif":                "compressed with LERC",
		"tiff/text.tif":                             "compressed with THUNDERSCAN",
		"tiff/tif-rgba-1res-64x56x8-tiled-jpeg.tif": "tiff-jpeg-samples",
		"ome-tiff/rand_uint16.ome.tiff":             "12 bits of format 1",
	}
	for _, name := range []string{
		"WangJPEG.tif", "grayscale-old-style-jpeg.tiff", "old-style-jpeg-compression-no-samplesperpixel.tif",
		"old-style-jpeg-no-jpeginterchangeformatlength.tif", "smallliz.tif", "zackthecat.tif",
	} {
		refused["tiff/"+name] = oldJPEG
	}
	for _, name := range []string{
		"seq-1c-24b-072a9dc9.tiff", "seq-1c-24b-miniswhite-072a9dc9.tiff", "seq-3c-24b-contig-27b9f8ce.tiff", "seq-3c-24b-planar-6296c0c9.tiff",
	} {
		refused["tiff/"+name] = "24 bits of format 1"
	}
	for _, name := range []string{
		"planar-yuv410-jpeg-lzw.tif", "planar-yuv410-jpeg-uncompressed.tif", "planar-yuv420-jpeg-lzw.tif",
		"planar-yuv422-bt601-lzw.tif", "planar-yuv422-bt601-uncompressed.tif",
	} {
		refused["tiff/"+name] = "tiff-separate-colours"
	}
	for _, name := range []string{
		"tiff/bonne.geo.tif", "tiff/floatingpoint-64bit.tif", "tiff/geo-5b.tif", "tiff/global_dem.tif", "bigtiff/sparse.tiff",
		"cog/B01.tif", "cog/DEM_BS28_2016_1000_1141.tif", "cog/cog_with_nan.tif", "cog/image_51px.tif", "cog/image_web.tif", "cog/image_webp.tif",
		"cog/image_with_offsets.tif", "cog/model_transformation.tif", "cog/rgb.tif", "cog/rgba8_cog.tiff", "cog/rgba8_tiled.tiff",
	} {
		refused[name] = geo
	}
	return refused
}
