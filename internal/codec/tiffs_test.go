package codec

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec/codectest"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// libtiff is the independent decoder: tiffcp rewrites a file without
// compression, and both must then show the same samples, to the bit.
func TestRealTIFFsDecompressAsLibtiffDoes(t *testing.T) {
	tiffcp, err := exec.LookPath("tiffcp")
	if err != nil {
		t.Skip("tiffcp (libtiff-tools) is not installed")
	}
	compared := map[formats.Codec]int{}
	for _, folder := range []string{"tiff", "generic-tiff", "bigtiff", "imagej-tiff", "cog", "ome-tiff"} {
		dir := testfiles.Shared(t, folder)
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			info, err := e.Info()
			if err != nil || e.IsDir() || info.Size() > 8<<20 {
				continue
			}
			compareWithLibtiff(t, tiffcp, filepath.Join(dir, e.Name()), compared)
		}
	}
	t.Logf("pages compared: %v", compared)
	for _, c := range []formats.Codec{formats.CodecLZW, formats.CodecDeflate, formats.CodecPackBits} {
		if compared[c] == 0 {
			t.Errorf("no page of codec %s was compared", c)
		}
	}
}

func compareWithLibtiff(t *testing.T, tiffcp, path string, compared map[formats.Codec]int) {
	t.Helper()
	pages, ok := codectest.Pages(t, path)
	if !ok || len(pages) == 0 {
		return
	}
	p := pages[0]
	if p.Encoding.Codec == formats.CodecJPEG || p.Encoding.Codec == formats.CodecWebP /* lossy */ || !CanDecode(p.Encoding) || p.Layout.Planar == 2 ||
		p.Layout.Width*p.Layout.Height > 1<<22 {
		return
	}
	got, err := p.Decode(t, Decode)
	if err != nil {
		if fault.KindOf(err) == fault.Internal {
			t.Errorf("%s: unclassified error %v", filepath.Base(path), err)
		}
		t.Logf("%s: %v", filepath.Base(path), err)
		return
	}
	plain := filepath.Join(t.TempDir(), "plain.tif")
	if exec.Command(tiffcp, "-c", "none", fmt.Sprintf("%s,%d", path, p.Index), plain).Run() != nil {
		return // libtiff refuses some of these files
	}
	copies, ok := codectest.Pages(t, plain)
	if !ok || len(copies) != 1 || copies[0].Encoding.Codec != formats.CodecNone {
		return
	}
	want, err := copies[0].Decode(t, Decode)
	if err != nil || got == nil || want == nil {
		t.Errorf("%s: the uncompressed copy: %v", filepath.Base(path), err)
		return
	}
	compared[p.Encoding.Codec]++
	if got.Samples != want.Samples || got.Type != want.Type || string(got.Pix) != string(want.Pix) {
		t.Errorf("%s (%s, predictor %d): pixels differ from libtiff's", filepath.Base(path), p.Encoding.Codec, p.Encoding.Predictor)
	}
}

func TestRealJPEG2000SlideDecodes(t *testing.T) {
	if !CanDecode(formats.Encoding{Codec: formats.CodecJPEG2000}) {
		t.Skip("this build has no libvips")
	}
	pages, ok := codectest.Pages(t, testfiles.Shared(t, "svs-jpeg2000/tcga-cr-7395-01a-01-ts1.svs"))
	if !ok {
		t.Fatal("package tiff cannot read it")
	}
	tiles := 0
	for n, p := range pages {
		if p.Encoding.Codec != formats.CodecJPEG2000 {
			continue
		}
		for i := 0; i < p.Tiles(); i += max(p.Tiles()/3, 1) {
			data, w, h := p.Tile(t, i)
			r, err := Decode(p.Encoding, data, w, h)
			if err != nil {
				t.Fatalf("page %d tile %d: %v", n, i, err)
			}
			if r.Samples != 3 {
				t.Errorf("page %d tile %d has %d samples", n, i, r.Samples)
			}
			// Stained tissue and glass are never green.
			var red, green int
			for k := 0; k+3 <= len(r.Pix); k += 3 {
				red, green = red+int(r.Pix[k]), green+int(r.Pix[k+1])
			}
			if red < green-w*h*4 {
				t.Errorf("page %d tile %d is green: red %d, green %d", n, i, red/(w*h), green/(w*h))
			}
			tiles++
		}
	}
	if tiles == 0 {
		t.Error("no JPEG 2000 tile was found")
	}
}
