package slidegen

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	ximagetiff "golang.org/x/image/tiff"
	"golang.org/x/image/tiff/lzw"

	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/tiff"
)

func TestCommittedFixturesAreWhatTheGeneratorWrites(t *testing.T) {
	files, err := Fixtures(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, f := range files {
		committed, err := os.ReadFile(testfiles.Own(t, f.Path))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(committed, f.Data) {
			t.Errorf("testdata/%s differs from what the generator writes now; run make fixtures and commit, or undo the change", f.Path)
		}
		total += len(f.Data)
	}
	if total > 3<<20 {
		t.Errorf("the fixtures have %d bytes; at most 3 MiB are committed", total)
	}
}

func TestAnyRectangleIsTheSamePixels(t *testing.T) {
	s := Scene{Width: 500, Height: 400, Seed: 9, Labels: true}
	for _, factor := range []int{1, 2, 4, 16} {
		whole := s.Region(factor, 0, 0, 120, 90)
		part := s.Region(factor, 37, 21, 50, 40)
		for y := range part.Height {
			if !bytes.Equal(part.Row(y), whole.Row(y + 21)[37*3:87*3]) {
				t.Fatalf("factor %d, row %d: a part drawn alone differs from the whole", factor, y)
			}
		}
	}
}

func TestJPEGsDecodeToTheDrawnPixels(t *testing.T) {
	s := Scene{Width: 300, Height: 200, Seed: 5}
	r := s.Region(1, 20, 20, 101, 67) // no multiple of a block
	for _, c := range []struct {
		colour jpegColour
		most   float64 // mean difference
	}{{jpegYCC, 1.8}, {jpegYCC420, 3}} {
		decoded, err := jpeg.Decode(bytes.NewReader(newJPEGEncoder(c.colour, 95).encode(r, false)))
		if err != nil {
			t.Fatal(err)
		}
		if d := meanDifference(r, decoded); d > c.most {
			t.Errorf("colour %d: mean difference %.2f, at most %.2f", c.colour, d, c.most)
		}
	}
	// Go decodes three components as YCbCr, whatever they are, unless an Adobe
	// marker says that they are not transformed.
	plain := newJPEGEncoder(jpegRGB, 95).encode(r, false)
	marked := append([]byte{0xff, 0xd8, 0xff, 0xee, 0, 14, 'A', 'd', 'o', 'b', 'e', 0, 100, 0, 0, 0, 0, 0}, plain[2:]...)
	decoded, err := jpeg.Decode(bytes.NewReader(marked))
	if err != nil {
		t.Fatal(err)
	}
	if d := meanDifference(r, decoded); d > 1.8 {
		t.Errorf("RGB: mean difference %.2f, at most 1.8", d)
	}
}

// meanDifference of 8-bit RGB, over all samples.
func meanDifference(want *pixel.Raster, got image.Image) float64 {
	sum := 0
	for y := range want.Height {
		for x := range want.Width {
			r, g, b, _ := got.At(x, y).RGBA()
			at := want.Row(y)[x*3:]
			for i, v := range []uint32{r, g, b} {
				d := int(v>>8) - int(at[i])
				sum += max(d, -d)
			}
		}
	}
	return float64(sum) / float64(want.Width*want.Height*3)
}

func TestLZWIsReadBack(t *testing.T) {
	for _, n := range []int{0, 1, 2, 254, 255, 256, 257, 510, 511, 512, 1000, 3836, 3837, 3838, 3839, 5000, 100_000} {
		data := make([]byte, n)
		for i := range data {
			data[i] = byte(hash(i, n, 1)) // does not compress: one table entry a byte
		}
		got, err := io.ReadAll(lzw.NewReader(bytes.NewReader(appendLZW(nil, data)), lzw.MSB, 8))
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d bytes: read back %d, error %v", n, len(got), err)
		}
	}
}

func TestLosslessFixturesHoldTheDrawnPixels(t *testing.T) {
	for name, o := range PyramidFixtures() {
		if o.Compression == tiff.CompressionJPEG || o.BigTIFF {
			continue // x/image reads neither
		}
		data, err := os.ReadFile(testfiles.Own(t, "pyrtiff/"+name))
		if err != nil {
			t.Fatal(err)
		}
		img, err := ximagetiff.Decode(bytes.NewReader(data))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if o.Pixels == RGB8 {
			if d := meanDifference(o.Region(1, 0, 0, o.Width, o.Height), img); d != 0 {
				t.Errorf("%s: mean difference %.4f, want 0", name, d)
			}
			continue
		}
		kind, shift := pixel.Uint8, 8
		if o.Pixels == Grey16 {
			kind, shift = pixel.Uint16, 0
		}
		want := o.Grey(1, 0, 0, o.Width, o.Height, kind)
		for y := range o.Height {
			for x := range o.Width {
				got, _, _, _ := img.At(x, y).RGBA()
				v := int(want.Row(y)[x*kind.Bytes()])
				if kind == pixel.Uint16 {
					v |= int(want.Row(y)[x*2+1]) << 8
				}
				if int(got)>>shift != v {
					t.Fatalf("%s: pixel %d,%d is %d, want %d", name, x, y, int(got)>>shift, v)
				}
			}
		}
	}
}

func TestTiffinfoHasNothingToComplainAbout(t *testing.T) {
	tool := lookPath(t, "tiffinfo", "libtiff-tools")
	for _, name := range goodFixtures() {
		var complaints bytes.Buffer
		cmd := exec.Command(tool, testfiles.Own(t, name))
		cmd.Stderr = &complaints
		if err := cmd.Run(); err != nil || complaints.Len() > 0 {
			t.Errorf("%s: %v %s", name, err, complaints.String())
		}
	}
}

func goodFixtures() (out []string) {
	for name := range SVSFixtures() {
		out = append(out, "svs/"+name)
	}
	for name := range PyramidFixtures() {
		out = append(out, "pyrtiff/"+name)
	}
	for name := range PlanarFixtures() {
		out = append(out, "planartiff/"+name)
	}
	for path := range StackFixtures() {
		out = append(out, path)
	}
	return out
}

func lookPath(t *testing.T, tool, pkg string) string {
	t.Helper()
	path, err := exec.LookPath(tool)
	if err != nil {
		t.Skipf("%s is not installed (%s)", tool, pkg)
	}
	return path
}

func TestOpenSlideSeesAnAperioSlideWithTheDrawnPixels(t *testing.T) {
	show := lookPath(t, "openslide-show-properties", "openslide-tools")
	write := lookPath(t, "openslide-write-png", "openslide-tools")
	for name, o := range SVSFixtures() {
		path := testfiles.Own(t, "svs/"+name)
		out, err := exec.Command(show, path).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v %s", name, err, out)
		}
		for _, want := range []string{"openslide.vendor: 'aperio'", "openslide.objective-power: '20'", "openslide.mpp-x: '0.499", "aperio.Date: '12/29/09'"} {
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: OpenSlide does not print %s", name, want)
			}
		}
		levels := strings.Count(string(out), "].downsample:")
		if want := map[string]int{"rgb-240.svs": 3}[name]; want > 0 && levels != want {
			t.Errorf("%s: %d levels, want %d", name, levels, want)
		}
		if o.BlankTiles {
			continue // OpenSlide fills them from the next level
		}
		for level, factor := 0, 1; level < levels; level, factor = level+1, factor*4 {
			// The small slides have low qualities: 30 loses about 6 of 255.
			if d := openSlideDifference(t, write, path, o.Scene, level, factor); d > 8 {
				t.Errorf("%s: level %d differs by %.2f from what was drawn, at most 8", name, level, d)
			}
		}
	}
}

// openSlideDifference reads a whole level with OpenSlide.
func openSlideDifference(t *testing.T, tool, path string, s Scene, level, factor int) float64 {
	t.Helper()
	w, h := s.Width/factor, s.Height/factor
	target := filepath.Join(t.TempDir(), "level.png")
	out, err := exec.Command(tool, path, "0", "0", fmt.Sprint(level), fmt.Sprint(w), fmt.Sprint(h), target).CombinedOutput()
	if err != nil || len(out) > 0 {
		t.Fatalf("%s level %d: %v %s", path, level, err, out)
	}
	file, err := os.Open(target)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	img, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return meanDifference(s.Region(factor, 0, 0, w, h), img)
}

func TestOpenSlideReadsTiledPyramidsAsGenericTIFF(t *testing.T) {
	show := lookPath(t, "openslide-show-properties", "openslide-tools")
	write := lookPath(t, "openslide-write-png", "openslide-tools")
	levels := regexp.MustCompile(`openslide\.level-count: '(\d+)'`)
	for name, o := range PyramidFixtures() {
		// OpenSlide shows 8 bits, and 3.4.1 opens no classic big-endian TIFF,
		// tiffcp's neither.
		if o.Pixels == Grey16 || o.BigEndian && !o.BigTIFF {
			continue
		}
		path := testfiles.Own(t, "pyrtiff/"+name)
		out, err := exec.Command(show, path).CombinedOutput()
		if err != nil {
			t.Fatalf("%s: %v %s", name, err, out)
		}
		if !strings.Contains(string(out), "openslide.vendor: 'generic-tiff'") {
			t.Errorf("%s: OpenSlide does not call it generic-tiff", name)
		}
		want := 1 // of SubIFDs OpenSlide knows nothing
		for factor := 1; !o.SubIFDs && max(o.Width, o.Height) > o.TileSize*factor; factor *= 2 {
			want++
		}
		if m := levels.FindStringSubmatch(string(out)); m == nil || m[1] != fmt.Sprint(want) {
			t.Errorf("%s: OpenSlide finds levels %v, want %d", name, m, want)
		}
		if o.Pixels != RGB8 {
			continue
		}
		most := 0.0
		if o.Compression == tiff.CompressionJPEG {
			most = 6
		}
		if d := openSlideDifference(t, write, path, o.Scene, 0, 1); d > most {
			t.Errorf("%s: level 0 differs by %.2f from what was drawn, at most %.0f", name, d, most)
		}
	}
}

func TestAPoolRepeatsTilesAndKeepsTheStructure(t *testing.T) {
	o := SVS{Scene: Scene{Width: 4000, Height: 3000, Seed: 8}, TileSize: 240, Quality: 60, Pool: 4}
	var file memoryFile
	if err := WriteSVS(context.Background(), &file, o); err != nil {
		t.Fatal(err)
	}
	frames := bytes.Count(file.bytes, []byte{0xff, 0xc0, 0, 17, 8, 0, 240, 0, 240})
	if want := 17*13 + 5*4 + 2*1; frames != want {
		t.Errorf("%d tiles of 240 × 240, want %d", frames, want)
	}
}

func TestWritingStopsWhenCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := Demo(ctx, &memoryFile{}); err == nil {
		t.Error("the demonstration slide was written after the context was cancelled")
	}
}
