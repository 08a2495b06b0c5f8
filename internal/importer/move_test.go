package importer_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// TestUploadIsMovedNotCopied: in folders, the slide is the very file that was
// uploaded; registering a large one costs no copy and no second disk space.
func TestUploadIsMovedNotCopied(t *testing.T) {
	w := newWorld(t, dirDriver)
	job := w.upload(testfiles.Shared(t, "svs/CMU-1-Small-Region.svs"))
	uploaded, err := os.Stat(filepath.Join(w.uploads.URL()[len("file://"):], job.Upload.Key))
	must(t, err)
	r, err := w.importer().Import(background, job)
	must(t, err)
	moved, err := os.Stat(filepath.Join(w.slides.URL()[len("file://"):], r.Path))
	must(t, err)
	if !os.SameFile(uploaded, moved) {
		t.Error("the upload was copied")
	}
	if left := w.uploaded(); len(left) != 0 {
		t.Errorf("uploads left behind: %v", left)
	}
}

// TestFileOfThisMachineIsCopied: it stays where it is, so its bytes are not shared.
func TestFileOfThisMachineIsCopied(t *testing.T) {
	w := newWorld(t, dirDriver)
	b, err := os.ReadFile(testfiles.Shared(t, "svs/CMU-1-Small-Region.svs"))
	must(t, err)
	file := filepath.Join(t.TempDir(), "slide.svs")
	must(t, os.WriteFile(file, b, 0o644))
	store, key, err := openFile(file)
	must(t, err)
	o, err := store.Stat(background, key)
	must(t, err)
	r, err := w.importer().Import(background, importer.NewJob(
		importer.Upload{Bucket: importer.BucketFile, Key: file, ETag: o.ETag, Size: o.Size}, "", false))
	must(t, err)
	original, err := os.Stat(file)
	must(t, err)
	stored, err := os.Stat(filepath.Join(w.slides.URL()[len("file://"):], r.Path))
	must(t, err)
	if os.SameFile(original, stored) {
		t.Error("the slide and a file of this machine are one")
	}
}
