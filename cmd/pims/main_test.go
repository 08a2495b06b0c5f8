package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/testfiles"
)

// cli runs commands against a store of its own.
type cli struct {
	t       *testing.T
	environ []string
}

func newCLI(t *testing.T, environ ...string) cli {
	t.Helper()
	folder := t.TempDir()
	return cli{t, append(environ,
		"STORE_URL=file://"+filepath.Join(folder, "slides"),
		"UPLOADS_URL=file://"+filepath.Join(folder, "uploads"),
		"QUEUE_URL=local:"+filepath.Join(folder, "queue"))}
}

func (c cli) run(args ...string) (code int, out, errs string) {
	c.t.Helper()
	var stdout, stderr bytes.Buffer
	code = run(context.Background(), args, terminal{out: &stdout, err: &stderr, environ: c.environ})
	return code, stdout.String(), stderr.String()
}

// must runs a command that has to succeed.
func (c cli) must(args ...string) string {
	c.t.Helper()
	code, out, errs := c.run(args...)
	if code != 0 {
		c.t.Fatalf("pims %s: exit code %d\n%s%s", strings.Join(args, " "), code, out, errs)
	}
	return out
}

func outcomes(t *testing.T, out string) []outcome {
	t.Helper()
	var all []outcome
	for line := range strings.Lines(out) {
		var o outcome
		if err := json.Unmarshal([]byte(line), &o); err != nil {
			t.Fatalf("not one JSON object a line: %v\n%s", err, out)
		}
		all = append(all, o)
	}
	return all
}

func TestImportTellsMachinesOneLineAFile(t *testing.T) {
	c := newCLI(t)
	folder := t.TempDir()
	slides := testfiles.Own(t, "svs")
	if err := os.CopyFS(filepath.Join(folder, "deep", "er"), os.DirFS(slides)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "notes.txt"), []byte("no slide"), 0o644); err != nil {
		t.Fatal(err)
	}
	code, out, errs := c.run("import", "--json", folder)
	if code != 1 {
		t.Errorf("exit code %d with a failed file, want 1", code)
	}
	if errs != "" {
		t.Errorf("the reason stands in the output and is told once more: %s", errs)
	}
	done, failed := 0, 0
	for _, o := range outcomes(t, out) {
		switch {
		case o.State == "done" && o.Error == "" && o.Format == "SVS" && o.Path == o.ID+"/"+filepath.Base(o.Path):
			done++
		case o.State == "failed" && strings.Contains(o.Error, "no"):
			failed++
		default:
			t.Errorf("unexpected line %+v", o)
		}
	}
	entries, err := os.ReadDir(slides)
	if err != nil {
		t.Fatal(err)
	}
	if done != len(entries) || failed != 1 {
		t.Errorf("%d done and %d failed, want %d and 1:\n%s", done, failed, len(entries), out)
	}
}

func TestImportInPlaceLeavesTheBytesWhereTheyAre(t *testing.T) {
	c := newCLI(t)
	file := filepath.Join(t.TempDir(), "slide.svs")
	body, err := os.ReadFile(firstFile(t, "svs"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	o := outcomes(t, c.must("import", "--json", "--copy=false", file))[0]
	if out := c.must("inspect", o.ID); !strings.Contains(out, "file store") {
		t.Errorf("the source is not told to lie in a file:\n%s", out)
	}
	c.must("verify", "--full", o.ID)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := c.run("verify", o.ID); code != 1 || !strings.Contains(out, "problem") {
		t.Errorf("a slide without its file verifies with code %d:\n%s", code, out)
	}
}

func TestImportTwiceIsOneSlide(t *testing.T) {
	c := newCLI(t)
	file := firstFile(t, "svs")
	first := outcomes(t, c.must("import", "--json", file))[0]
	second := outcomes(t, c.must("import", "--json", file))[0]
	if first.ID != second.ID || second.State != "done" {
		t.Errorf("first %+v, second %+v", first, second)
	}
	if again := outcomes(t, c.must("import", "--json", "--reindex", first.ID))[0]; again.State != "done" {
		t.Errorf("reindexed: %+v", again)
	}
	c.must("verify", first.ID)
}

func TestInspectShowsStructureAndTargets(t *testing.T) {
	c := newCLI(t)
	out := c.must("inspect", firstFile(t, "svs"))
	for _, want := range []string{"format    SVS", "level 0", "TIFF, little-endian", "ImageWidth"} {
		if !strings.Contains(out, want) {
			t.Errorf("inspect does not show %q:\n%s", want, out)
		}
	}
	if code, _, errs := c.run("inspect", "no-such-thing"); code != 1 || !strings.Contains(errs, "neither a file nor the id") {
		t.Errorf("code %d: %s", code, errs)
	}
}

func TestInspectOfAFileThatIsNotReadTellsWhatToDo(t *testing.T) {
	file := filepath.Join(t.TempDir(), "slide.czi")
	if err := os.WriteFile(file, []byte("ZISRAWFILE and so on"), 0o600); err != nil {
		t.Fatal(err)
	}
	code, out, errs := newCLI(t).run("inspect", file)
	if code != 0 || errs != "" || !strings.Contains(out, "Zeiss CZI") || !strings.Contains(out, "export it as OME-TIFF") {
		t.Errorf("code %d\n%s%s", code, out, errs)
	}
}

func TestEveryHostileFileIsInspectedWithoutHarm(t *testing.T) {
	c := newCLI(t)
	entries, err := os.ReadDir(testfiles.Own(t, "hostile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if code, _, _ := c.run("inspect", testfiles.Own(t, "hostile/"+e.Name())); code > 1 {
			t.Errorf("%s: exit code %d", e.Name(), code)
		}
	}
}

func TestConfigMasksSecretsAndNamesBadValues(t *testing.T) {
	c := newCLI(t, "PORT=high", "CACHE_MEMORY=a lot")
	code, _, errs := c.run("config")
	for _, want := range []string{"PORT", "high", "CACHE_MEMORY", "a lot"} {
		if code != 1 || !strings.Contains(errs, want) {
			t.Errorf("code %d, the error does not name %q: %s", code, want, errs)
		}
	}
	var rows []struct{ Name, Value, Meaning string }
	if err := json.Unmarshal([]byte(newCLI(t, "PORT=5123").must("config", "--json")), &rows); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, r := range rows {
		found = found || r.Name == "PORT" && r.Value == "5123"
		if r.Meaning == "" {
			t.Errorf("%s has no meaning", r.Name)
		}
	}
	if !found {
		t.Error("PORT is not listed with its value")
	}
}

func TestFormatsAreListedInOrder(t *testing.T) {
	order := filepath.Join(t.TempDir(), "order.csv")
	if err := os.WriteFile(order, []byte("name,resolution_order\nPYRTIFF,5\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	out := newCLI(t, "CHECKER_RESOLUTION_FILE="+order).must("formats")
	if strings.Index(out, "PYRTIFF") < strings.Index(out, "SVS") {
		t.Errorf("PYRTIFF, order 5, stands before SVS, order 0:\n%s", out)
	}
	if code, _, errs := newCLI(t, "CHECKER_RESOLUTION_FILE=/no/such.csv").run("formats"); code != 1 || !strings.Contains(errs, "CHECKER_RESOLUTION_FILE") {
		t.Errorf("a named file that is missing: code %d, %s", code, errs)
	}
}

func TestWhatIsNotUnderstoodHasCode2(t *testing.T) {
	if code, _, errs := newCLI(t).run("fly"); code != 2 || errs == "" {
		t.Errorf("code %d: %s", code, errs)
	}
	if code, out, _ := newCLI(t).run(); code != 0 || !strings.Contains(out, "serve") {
		t.Errorf("no arguments: code %d: %s", code, out)
	}
	if out := newCLI(t).must("version"); !strings.HasPrefix(out, "pims ") {
		t.Errorf("version prints %q", out)
	}
}

// firstFile is the first file of a folder of testdata.
func firstFile(t *testing.T, folder string) string {
	t.Helper()
	entries, err := os.ReadDir(testfiles.Own(t, folder))
	if err != nil || len(entries) == 0 {
		t.Fatalf("testdata/%s is empty: %v", folder, err)
	}
	return testfiles.Own(t, folder+"/"+entries[0].Name())
}
