package httpapi_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/codec/codectest"
	"github.com/pims-cloud/pims/internal/objectstore/recording"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/internal/slidegen"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/tiff"
)

// TestTileForLibvipsIsOneReadOfItsBytes says of codecs that are left to libvips
// what TestColdTileIsOneReadOfTheSidecarAndOneOfTheTile says of JPEG: libvips
// gets the bytes of the tile's one read, never the slide.
func TestTileForLibvipsIsOneReadOfItsBytes(t *testing.T) {
	for name, file := range map[string]func(t *testing.T) string{
		"JPEG 2000 as Aperio's RGB":   func(t *testing.T) string { return testfiles.Shared(t, "synthetic/aperio-j2k-33005-rgb.svs") },
		"JPEG 2000 as Aperio's YCbCr": func(t *testing.T) string { return testfiles.Shared(t, "synthetic/aperio-j2k-33003-ycbcr.svs") },
		"JPEG 2000 of a scanner": func(t *testing.T) string {
			return testfiles.Shared(t, "svs-jpeg2000/tcga-cr-7395-01a-01-ts1.svs")
		},
		"WebP": webpTIFF,
	} {
		t.Run(name, func(t *testing.T) {
			if !codec.CanDecode(formats.Encoding{Codec: formats.CodecJPEG2000}) {
				t.Skip("this build has no libvips")
			}
			tileIsOneReadOfItsBytes(t, file(t))
		})
	}
}

// tileIsOneReadOfItsBytes asks for the middle tile of the finest level, as a
// PNG, so that its pixels can be compared with those of the tile's bytes.
func tileIsOneReadOfItsBytes(t *testing.T, file string) {
	t.Helper()
	pages, ok := codectest.Pages(t, file)
	if !ok {
		t.Fatal("package tiff cannot read it")
	}
	page := pages[0]
	if c := page.Encoding.Codec; c != formats.CodecJPEG2000 && c != formats.CodecWebP {
		t.Fatalf("the tiles are %s, which is not left to libvips", c)
	}
	number := page.Layout.Down()/2*page.Layout.Across() + (page.Layout.Across()-1)/2
	stored, width, height := page.Tile(t, number)
	if stored == nil {
		t.Fatalf("tile %d is not stored", number)
	}
	want, err := codec.Decode(page.Encoding, stored, width, height)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(whole, stored); n != 1 {
		t.Fatalf("the bytes of tile %d are in the file %d times", number, n)
	}

	s := newService(t, "")
	path := s.add(file)
	reads := []recording.Read{sidecarRead(path), {Key: path, Offset: int64(bytes.Index(whole, stored)), Length: int64(len(stored))}}
	id, _, err := slide.PathID(path)
	if err != nil {
		t.Fatal(err)
	}
	s.catalog.Forget(id)
	s.slides.Reset()
	url := "/image/" + path + "/tile/level/0/ti/" + strconv.Itoa(number) + ".png"
	got := s.get(url).want(t, http.StatusOK)
	if diff := cmp.Diff(reads, s.slides.Reads()); diff != "" {
		t.Errorf("reads of one cold tile (-want +got):\n%s", diff)
	}
	shown := picture(t, got)
	if shown.Width != width || shown.Height != height || !bytes.Equal(shown.Pix, want.Pix) {
		t.Errorf("the tile of %d × %d shows other pixels than its bytes, decoded: mean difference %.2f",
			shown.Width, shown.Height, difference(t, shown, want))
	}
	s.slides.Reset()
	s.get(url).want(t, http.StatusOK)
	if again := s.slides.Reads(); len(again) != 0 {
		t.Errorf("the warm tile cost %v", again)
	}
}

// webpTIFF writes a pyramid of two levels with WebP tiles.
func webpTIFF(t *testing.T) string {
	t.Helper()
	const tile = 128
	scene := slidegen.Scene{Width: 3 * tile, Height: 2 * tile, Seed: 5, Labels: true}
	name := filepath.Join(t.TempDir(), "webp.tif")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	out, err := tiff.NewWriter(file, tiff.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var levels []*tiff.Directory
	for factor := 1; factor <= 2; factor++ {
		width, height := scene.Width/factor, scene.Height/factor
		d := &tiff.Directory{Tiled: true, Fields: []tiff.Field{
			tiff.NumberField(tiff.ImageWidth, tiff.Long, uint64(width)),
			tiff.NumberField(tiff.ImageLength, tiff.Long, uint64(height)),
			tiff.NumberField(tiff.BitsPerSample, tiff.Short, 8, 8, 8),
			tiff.NumberField(tiff.Compression, tiff.Short, uint64(tiff.CompressionWebP)),
			tiff.NumberField(tiff.PhotometricInterpretation, tiff.Short, uint64(tiff.PhotometricRGB)),
			tiff.NumberField(tiff.SamplesPerPixel, tiff.Short, 3),
			tiff.NumberField(tiff.TileWidth, tiff.Long, tile),
			tiff.NumberField(tiff.TileLength, tiff.Long, tile),
		}}
		for y := 0; y < height; y += tile {
			for x := 0; x < width; x += tile {
				data, err := codec.Encode(scene.Region(factor, x, y, tile, tile), codec.Output{MediaType: "image/webp", Quality: 80})
				if err != nil {
					t.Fatal(err)
				}
				extent, err := out.Segment(data)
				if err != nil {
					t.Fatal(err)
				}
				d.Segments = append(d.Segments, extent)
			}
		}
		levels = append(levels, d)
	}
	if err := out.Close(levels); err != nil {
		t.Fatal(err)
	}
	return name
}
