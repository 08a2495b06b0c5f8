package cog_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/formats/pyrtiff"
	"github.com/pims-cloud/pims/formats/svs"
	"github.com/pims-cloud/pims/internal/cog"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
)

// files are converted in every way, for other programs to read.
func files(t *testing.T) map[string]written {
	return map[string]written{
		"copy-jpeg-rgb": convert(t, open(t, svs.New(), "svs/rgb-240.svs").levels(1).Source, cog.Options{}),
		"copy-jpeg":     convert(t, open(t, svs.New(), "svs/ycbcr-256.svs").Source, cog.Options{}),
		"copy-lzw":      convert(t, open(t, pyrtiff.New(), "pyrtiff/lzw-predictor-pages.tif").levels(1).Source, cog.Options{}),
		"copy-grey16":   convert(t, open(t, pyrtiff.New(), "pyrtiff/grey16-none-mm-big.tif").levels(1).Source, cog.Options{}),
		"deflate":       convert(t, drawing(900, 701, 3, pixel.Uint8, 1, 1, 1), cog.Options{}),
		"deflate-512":   convert(t, drawing(900, 701, 1, pixel.Uint16, 1, 1, 1), cog.Options{TileSide: 512}),
		"float":         convert(t, drawing(900, 701, 1, pixel.Float32, 1, 1, 1), cog.Options{}),
		"jpeg":          convert(t, drawing(900, 701, 3, pixel.Uint8, 1, 1, 1), cog.Options{Compression: cog.JPEG}),
		"jpeg-75":       convert(t, drawing(900, 701, 3, pixel.Uint8, 1, 1, 1), cog.Options{Compression: cog.JPEG, Quality: 75}),
		"jpeg-grey":     convert(t, drawing(900, 701, 1, pixel.Uint8, 1, 1, 1), cog.Options{Compression: cog.JPEG}),
		"ome":           convert(t, drawing(700, 600, 1, pixel.Uint16, 2, 3, 2), cog.Options{}),
	}
}

// TestOtherPrograms converts once and has each program look at all files.
func TestOtherPrograms(t *testing.T) {
	all := files(t)
	folder := t.TempDir()
	for name, w := range all {
		must(t, os.WriteFile(filepath.Join(folder, name+".tif"), w.data, 0o600))
	}
	t.Run("rio-cogeo finds the files valid", func(t *testing.T) { rioCogeo(t, folder) })
	t.Run("tifffile reads the same pixels", func(t *testing.T) { tifffile(t, folder, all) })
	t.Run("libvips reads the same pixels", func(t *testing.T) { libvips(t, folder, all) })
	t.Run("OpenSlide opens colour files", func(t *testing.T) { openSlide(t, folder, all) })
	t.Run("libtiff finds nothing to warn of", func(t *testing.T) { libtiff(t, folder, all) })
}

// tool finds a program, or skips the test by its name.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(name + " is not installed")
	}
	return path
}

func run(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	var failed bytes.Buffer
	c := exec.Command(name, args...)
	c.Stderr = &failed
	out, err := c.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, failed.Bytes())
	}
	return out
}

func rioCogeo(t *testing.T, folder string) {
	py := testfiles.NeedPython(t, "rio_cogeo")
	got := run(t, py, "-c", `
import sys, json, glob
from rio_cogeo.cogeo import cog_validate
print(json.dumps({f: cog_validate(f, strict=True, quiet=True) for f in glob.glob(sys.argv[1] + "/*.tif")}))`, folder)
	var answers map[string][]any
	must(t, json.Unmarshal(got, &answers))
	for name, answer := range answers {
		// The validator knows no SubIFDs, where the overviews of several planes are.
		if answer[0] != true && filepath.Base(name) != "ome.tif" {
			t.Errorf("%s: %v", filepath.Base(name), answer)
		}
	}
	if len(answers) < 10 {
		t.Errorf("%d files were looked at", len(answers))
	}
}

func tifffile(t *testing.T, folder string, all map[string]written) {
	py := testfiles.NeedPython(t, "tifffile", "numpy", "imagecodecs")
	got := run(t, py, "-c", `
import sys, json, glob, os, tifffile
out = {}
for name in glob.glob(sys.argv[1] + "/*.tif"):
    with tifffile.TiffFile(name) as f:
        s = f.series[0]
        out[os.path.basename(name)[:-4]] = {"series": len(f.series), "axes": s.axes, "shape": list(s.shape), "levels": len(s.levels)}
        for i, l in enumerate(s.levels):
            a = l.asarray()
            open(name + ".%d" % i, "wb").write(a.astype(a.dtype.newbyteorder("<")).tobytes())
print(json.dumps(out))`, folder)
	var answers map[string]struct {
		Series, Levels int
		Axes           string
		Shape          []int
	}
	must(t, json.Unmarshal(got, &answers))
	for name, w := range all {
		said := answers[name]
		// tifffile takes levels for one pyramid when all steps are alike; those
		// of a vendor may not be.
		if name != "copy-jpeg" && (said.Series != 1 || said.Levels != len(w.Levels())) {
			t.Errorf("%s: %+v; %d levels were written", name, said, len(w.Levels()))
		}
		planes := 1
		if name == "ome" {
			planes = 12
			if said.Axes != "TZCYX" || fmt.Sprint(said.Shape) != "[2 3 2 600 700]" {
				t.Errorf("%s: %+v", name, said)
			}
		}
		for level := range said.Levels {
			raw, err := os.ReadFile(filepath.Join(folder, fmt.Sprintf("%s.tif.%d", name, level)))
			must(t, err)
			var want []byte
			for plane := range planes {
				want = append(want, w.pixels(t, level, plane).Pix...)
			}
			compare(t, fmt.Sprintf("%s level %d", name, level), raw, want, strings.Contains(name, "jpeg"))
		}
	}
}

// compare allows what JPEG decoders may differ in.
func compare(t *testing.T, what string, got, want []byte, lossy bool) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d bytes of pixels, want %d", what, len(got), len(want))
		return
	}
	far := 0
	for i := range got {
		if d := int(got[i]) - int(want[i]); d > 3 || d < -3 || !lossy && d != 0 {
			far++
		}
	}
	if far > len(got)/100 || !lossy && far > 0 {
		t.Errorf("%s: %d of %d samples differ", what, far, len(got))
	}
}

func libvips(t *testing.T, folder string, all map[string]written) {
	vips := tool(t, "vips")
	for name, w := range all {
		path := filepath.Join(folder, name+".tif")
		run(t, vips, "rawsave", path, path+".raw")
		raw, err := os.ReadFile(path + ".raw")
		must(t, err)
		compare(t, name, raw, w.pixels(t, 0, 0).Pix, strings.Contains(name, "jpeg"))
	}
}

func openSlide(t *testing.T, folder string, all map[string]written) {
	show := tool(t, "openslide-show-properties")
	for _, name := range []string{"copy-jpeg-rgb", "copy-jpeg", "deflate", "jpeg", "jpeg-75"} {
		got := string(run(t, show, filepath.Join(folder, name+".tif")))
		levels := fmt.Sprintf("openslide.level-count: '%d'", len(all[name].Levels()))
		for _, want := range []string{levels, "generic-tiff", "tiff.XResolution: '"} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: OpenSlide does not say %s:\n%s", name, want, got)
			}
		}
	}
}

func libtiff(t *testing.T, folder string, all map[string]written) {
	info := tool(t, "tiffinfo")
	for name := range all {
		c := exec.Command(info, filepath.Join(folder, name+".tif"))
		var warned bytes.Buffer
		c.Stderr = &warned
		if err := c.Run(); err != nil || warned.Len() > 0 {
			t.Errorf("%s: %v\n%s", name, err, warned.Bytes())
		}
	}
}
