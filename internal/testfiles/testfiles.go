// Package testfiles finds the files that tests read. It is imported by tests only.
package testfiles

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Root is the folder that holds go.mod.
func Root(t testing.TB) string {
	t.Helper()
	_, file, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("the path of this source file is unknown")
	}
	return filepath.Join(filepath.Dir(file), "..", "..")
}

// Own is a file or folder of the project's own testdata.
func Own(t testing.TB, name string) string {
	t.Helper()
	path := filepath.Join(Root(t), "testdata", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("testdata/%s is missing (make fixtures writes it): %v", name, err)
	}
	return path
}

// Shared is a file or folder of the collection of real slides, which the
// project's licence does not allow it to contain: SHARED_TESTDATA, or
// ../shared/testdata beside the checkout. The test is skipped without it.
func Shared(t testing.TB, name string) string {
	t.Helper()
	base := os.Getenv("SHARED_TESTDATA")
	if base == "" {
		base = filepath.Join(Root(t), "..", "shared", "testdata")
	}
	if _, err := os.Stat(base); err != nil {
		t.Skip("the real slides of ../shared/testdata are not here")
	}
	path := filepath.Join(base, filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("the real slide %s is missing: %v", name, err)
	}
	return path
}
