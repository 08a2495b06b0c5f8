package all_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/internal/codec/vips"
	"github.com/pims-cloud/pims/internal/testfiles"
)

var update = flag.Bool("update", false, "write the tables of docs/formats.md")

// folder is a part of the collection, and who reads it independently.
type folder struct {
	name string // below ../shared/testdata, or "own/…" below testdata
	with reader
	mean float64 // allowed mean difference in units of 1/255; 0: every value is the reader's
}

func folders() []folder {
	jpegMean := 0.5
	if !vips.Available {
		jpegMean = 3 // the standard library does not smooth colours
	}
	return []folder{
		{"jpeg", libvips, jpegMean},
		{"png", libvips, 0},
		{"bmp", libvips, 0.1}, // of 5 and 6 bits, rounding up or down
		{"pnm", libvips, 0},
		{"webp", libvips, 0},
		{"jp2", libvips, 0.5}, // of colour differences
		{"tiff", tifffile, 0},
		{"bigtiff", tifffile, 0},
		{"cog", tifffile, 0},
		{"ome-tiff", tifffile, 0},
		{"imagej-tiff", tifffile, 0},
		{"generic-tiff", tifffile, 0},
		{"dicom", pydicom, 0},
		{"svs", openSlide, 0.5},
		{"svs-jpeg2000", openSlide, 1},
		{"own/planartiff", tifffile, 0},
		{"own/pyrtiff", tifffile, 0},
		{"own/imagejtiff", tifffile, 0},
		{"own/ometiff", tifffile, 0},
		{"own/pyrometiff", tifffile, 0},
		{"own/svs", openSlide, 0.5},
	}
}

// result is what became of one file, as far as it is known.
type result struct {
	name    string
	path    string
	folder  folder
	refused string // code and sentence
	slide   *imported
	row     string
}

// TestEveryFileIsReadAsAnIndependentReaderReadsIt imports every file of the
// collection and decodes the corner and centre tiles of every level and plane
// of what was stored. Each file is refused with the reason that the table
// names, or has the values that libvips, tifffile, pydicom or OpenSlide read
// from the same file. Readers that are not installed are skipped by name.
func TestEveryFileIsReadAsAnIndependentReaderReadsIt(t *testing.T) {
	var all []*result
	for _, f := range folders() {
		all = append(all, importFolder(t, f)...)
	}
	whole := vips.Available
	for _, with := range []reader{libvips, tifffile, pydicom, openSlide} {
		whole = t.Run("compared with "+string(with), func(t *testing.T) {
			if missing := with.missing(t); missing != "" {
				whole = false
				t.Skip(missing)
			}
			var mine []*result
			for _, r := range all {
				if r.folder.with == with && r.slide != nil {
					mine = append(mine, r)
				}
			}
			compareAll(t, with, mine)
		}) && whole
	}
	t.Run("the tables of docs/formats.md are of this version", func(t *testing.T) {
		if !whole {
			t.Skip("not all of the readers are here, or they disagree")
		}
		holdTables(t, all)
	})
}

// importFolder imports every file of a folder.
func importFolder(t *testing.T, f folder) []*result {
	t.Helper()
	base, own := strings.CutPrefix(f.name, "own/")
	path := ""
	if own {
		path = testfiles.Own(t, base)
	} else {
		path = testfiles.Shared(t, base)
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	expected := refusals()
	var out []*result
	for _, entry := range entries {
		if !entry.Type().IsRegular() {
			continue
		}
		r := &result{name: f.name + "/" + entry.Name(), path: filepath.Join(path, entry.Name()), folder: f}
		r.slide, r.refused = importFile(t, r.path, f.with == libvips)
		want, listed := expected[r.name]
		switch {
		case r.refused != "":
			r.row = "refused: " + sentenceOf(r.refused)
			if !listed || !strings.Contains(r.refused, want) {
				t.Errorf("%s is refused: %s\nthe list says %q", r.name, r.refused, want)
			}
		case listed && !r.slide.foreign:
			t.Errorf("%s is read, the list says that it is refused: %s", r.name, want)
		default:
			r.row = r.slide.summary
		}
		out = append(out, r)
	}
	return out
}

// sentenceOf is a refusal as the table has it: without the code, and without
// how many formats were asked.
func sentenceOf(refused string) string {
	code, sentence, _ := strings.Cut(refused, ": ")
	if code == "no-matching-format" {
		sentence, _, _ = strings.Cut(sentence, ";")
	}
	return sentence
}

// holdTables compares the tables of docs/formats.md, or writes them.
func holdTables(t *testing.T, all []*result) {
	t.Helper()
	const begin, end = "<!-- matrix: begin -->\n", "<!-- matrix: end -->"
	path := filepath.Join(testfiles.Root(t), "docs", "formats.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(page), begin)
	old, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("%s has lost the marks of its tables", path)
	}
	tables := tablesOf(all)
	switch {
	case *update:
		if err := os.WriteFile(path, []byte(before+begin+tables+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
	case old != tables:
		t.Errorf("the tables of docs/formats.md are not of this version; run go test ./formats/all -run TestEveryFile -update\n%s", cmp.Diff(old, tables))
	}
}

// tablesOf is a table a folder.
func tablesOf(all []*result) string {
	var b strings.Builder
	for _, f := range folders() {
		var mine []*result
		read := 0
		for _, r := range all {
			if r.folder.name == f.name {
				mine = append(mine, r)
				if r.refused == "" {
					read++
				}
			}
		}
		slices.SortFunc(mine, func(a, b *result) int { return strings.Compare(a.name, b.name) })
		fmt.Fprintf(&b, "\n### %s: %d of %d files, compared with %s\n\n| File | Result |\n|---|---|\n", f.name, read, len(mine), f.with)
		for _, r := range mine {
			fmt.Fprintf(&b, "| `%s` | %s |\n", filepath.Base(r.name), strings.ReplaceAll(r.row, "|", "\\|"))
		}
	}
	return b.String() + "\n"
}
