package tiff_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	googletiff "github.com/google/tiff"
	_ "github.com/google/tiff/bigtiff" // registers BigTIFF with google/tiff

	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// tiffFiles are the TIFFs below the project's and the shared test data that are
// not meant to be broken.
func tiffFiles(t *testing.T) []string {
	t.Helper()
	var out []string
	for _, root := range []string{testfiles.Own(t, "."), sharedRoot(t)} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() && entry.Name() == "hostile" {
				return fs.SkipDir
			}
			extension := strings.ToLower(filepath.Ext(path))
			if slices.Contains([]string{".tif", ".tiff", ".svs", ".scn", ".bif", ".ndpi", ".qptiff"}, extension) {
				out = append(out, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return out
}

// sharedRoot is the shared test data, "." of nothing when it is absent: the
// project's own files are compared all the same.
func sharedRoot(t *testing.T) string {
	t.Helper()
	root := os.Getenv("SHARED_TESTDATA")
	if root == "" {
		root = filepath.Join(testfiles.Root(t), "..", "shared", "testdata")
	}
	if _, err := os.Stat(root); err != nil {
		return t.TempDir()
	}
	return root
}

func TestEveryRealFileIsReadLikeGoogleTIFFReadsIt(t *testing.T) {
	compared := 0
	for _, path := range tiffFiles(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		pages, err := chain(data)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		// The chain is known to end, so the oracle, which has no guard, ends too.
		oracle, err := parseWithOracle(data)
		if err != nil {
			t.Logf("%s: google/tiff cannot read it: %v", filepath.Base(path), err)
			continue
		}
		if len(oracle) != len(pages) {
			t.Errorf("%s: %d directories, google/tiff finds %d", path, len(pages), len(oracle))
			continue
		}
		compared++
		for i, d := range pages {
			compareFields(t, fmt.Sprintf("%s, directory %d", path, i), d, oracle[i])
		}
	}
	t.Logf("%d files compared", compared)
}

func chain(data []byte) ([]*tiff.IFD, error) {
	f, err := tiff.Open(context.Background(), source.Bytes("v", data), tiff.Limits{})
	if err != nil {
		return nil, err
	}
	return f.IFDs(context.Background())
}

// parseWithOracle turns the oracle's panics into errors.
func parseWithOracle(data []byte) (ifds []googletiff.IFD, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	parsed, err := googletiff.Parse(bytes.NewReader(data), nil, nil)
	if err != nil {
		return nil, err
	}
	return parsed.IFDs(), nil
}

// compareFields compares type, count and stored bytes of every field.
func compareFields(t *testing.T, where string, d *tiff.IFD, oracle googletiff.IFD) {
	t.Helper()
	seen := map[tiff.Tag]bool{}
	for _, f := range oracle.Fields() {
		tag := tiff.Tag(f.Tag().ID())
		if seen[tag] {
			continue // duplicated: the first wins
		}
		seen[tag] = true
		e, ok := d.Entry(tag)
		if !ok {
			t.Errorf("%s: tag %v was not read", where, tag)
			continue
		}
		if e.Type.Size() == 0 {
			continue
		}
		if e.Count != f.Count() || uint16(e.Type) != f.Type().ID() {
			t.Errorf("%s: tag %v has %d of type %v, google/tiff says %d of %v", where, tag, e.Count, e.Type, f.Count(), f.Type().Name())
			continue
		}
		got, _, err := d.Bytes(context.Background(), tag)
		if err != nil {
			t.Errorf("%s: tag %v: %v", where, tag, err)
			continue
		}
		if want := f.Value().Bytes(); !bytes.Equal(got, want[:min(len(want), len(got))]) {
			t.Errorf("%s: tag %v has other bytes than google/tiff read", where, tag)
		}
	}
	if len(seen) != len(d.Entries()) {
		t.Errorf("%s: %d tags, google/tiff finds %d", where, len(d.Entries()), len(seen))
	}
}

func TestEveryRealFileIsReadLikeTiffinfoReadsIt(t *testing.T) {
	tool, err := exec.LookPath("tiffinfo")
	if err != nil {
		t.Skip("tiffinfo is not installed (libtiff-tools)")
	}
	compared := 0
	for _, path := range tiffFiles(t) {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		pages, err := chain(data)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		out, err := exec.Command(tool, path).Output()
		if err != nil {
			t.Logf("%s: tiffinfo cannot read it: %v", filepath.Base(path), err)
			continue
		}
		printed := strings.Split(string(out), "=== TIFF directory ")[1:]
		if len(printed) != len(pages) {
			t.Errorf("%s: %d directories, tiffinfo prints %d", path, len(pages), len(printed))
			continue
		}
		compared++
		for i, d := range pages {
			comparePrinted(t, fmt.Sprintf("%s, directory %d", path, i), d, printed[i])
		}
	}
	t.Logf("%d files compared", compared)
}

var (
	printedSize        = regexp.MustCompile(`Image Width: (\d+) Image Length: (\d+)`)
	printedTile        = regexp.MustCompile(`Tile Width: (\d+) Tile Length: (\d+)`)
	printedCompression = regexp.MustCompile(`Compression Scheme: (.*)`)
)

// comparePrinted compares sizes and compression with tiffinfo's text.
func comparePrinted(t *testing.T, where string, d *tiff.IFD, printed string) {
	t.Helper()
	l, err := d.Layout(context.Background())
	if err != nil {
		t.Logf("%s: %v", where, err)
		return
	}
	// SubIFDs follow their directory in the same text; the first match is ours.
	if m := printedSize.FindStringSubmatch(printed); m != nil {
		if got := fmt.Sprint(l.Width, " ", l.Height); got != m[1]+" "+m[2] {
			t.Errorf("%s: size %s, tiffinfo prints %v", where, got, m[1:])
		}
	}
	if m := printedTile.FindStringSubmatch(printed); m != nil && l.Tiled {
		if got := fmt.Sprint(l.TileWidth, " ", l.TileHeight); got != m[1]+" "+m[2] {
			t.Errorf("%s: tiles of %s, tiffinfo prints %v", where, got, m[1:])
		}
	}
	names := map[string]tiff.Scheme{"None": tiff.CompressionNone, "LZW": tiff.CompressionLZW, "JPEG": tiff.CompressionJPEG,
		"AdobeDeflate": tiff.CompressionAdobeDeflate, "PackBits": tiff.CompressionPackBits, "Old-style JPEG": tiff.CompressionOldJPEG,
		"Deflate": tiff.CompressionDeflate, "ZSTD": tiff.CompressionZstd, "WEBP": tiff.CompressionWebP}
	if m := printedCompression.FindStringSubmatch(printed); m != nil {
		if want, ok := names[m[1]]; ok && l.Compression != want {
			t.Errorf("%s: compression %v, tiffinfo prints %s", where, l.Compression, m[1])
		}
	}
}
