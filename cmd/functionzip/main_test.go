package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAPackageHoldsTheProgramAndNothingOfTheMachine(t *testing.T) {
	folder := t.TempDir()
	program, first, second := filepath.Join(folder, "p"), filepath.Join(folder, "1.zip"), filepath.Join(folder, "2.zip")
	var said bytes.Buffer
	for _, to := range []string{first, second} {
		// Rights and times of the program differ; the package must not.
		if err := os.WriteFile(program, []byte("#!/bin/true\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := run(program, to, &said); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(program); err != nil {
			t.Fatal(err)
		}
	}
	one, err1 := os.ReadFile(first)
	two, err2 := os.ReadFile(second)
	if err1 != nil || err2 != nil || !bytes.Equal(one, two) {
		t.Errorf("two packages of one program differ (%v, %v)", err1, err2)
	}
	z, err := zip.NewReader(bytes.NewReader(one), int64(len(one)))
	if err != nil || len(z.File) != 1 {
		t.Fatalf("%v, %d files", err, len(z.File))
	}
	f := z.File[0]
	if f.Name != "bootstrap" || f.Mode() != 0o755 {
		t.Errorf("%s has mode %v", f.Name, f.Mode())
	}
	content, err := f.Open()
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(content); err != nil || string(text) != "#!/bin/true\n" {
		t.Errorf("%q, %v", text, err)
	}
	if !strings.Contains(said.String(), "sha256") {
		t.Errorf("it said %q", said.String())
	}
	if err := run(program, first, &said); err == nil {
		t.Error("a program that is not there was packed")
	}
}
