package importer_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/source"
)

func TestRegisteredInPlaceLeavesTheBytesWhereTheyAre(t *testing.T) {
	w := newWorld(t, dirDriver)
	job := w.upload(testfiles.Own(t, "svs/rgb-240.svs"))
	job.InPlace = true
	r, err := w.importer().Import(background, job)
	must(t, err)
	if slices.Contains(keys(t, w.slides, job.ID), "rgb-240.svs") || len(w.uploaded()) != 1 {
		t.Errorf("stored %v, uploads %v", keys(t, w.slides, job.ID), w.uploaded())
	}
	v, err := w.importer().Verify(background, r.ID, true, nil)
	must(t, err)
	if !v.OK() || v.Decoded == 0 {
		t.Errorf("verified: %+v", v)
	}
}

func TestFileOfThisMachineIsCopiedAndStays(t *testing.T) {
	w := newWorld(t, dirDriver)
	file := testfiles.Own(t, "svs/rgb-240.svs")
	info, err := os.Stat(file)
	must(t, err)
	job := importer.NewJob(importer.Upload{Bucket: importer.BucketFile, Key: file, ETag: source.FileVersion(info), Size: info.Size()}, "", false)
	r, err := w.importer().Import(background, job)
	must(t, err)
	if _, err := os.Stat(file); err != nil || r.State != importer.StateDone {
		t.Errorf("report %+v, file: %v", r, err)
	}
}

func TestFileOfThisMachineIsRegisteredInPlace(t *testing.T) {
	w := newWorld(t, nil)
	file := filepath.Join(t.TempDir(), "a.svs")
	b, err := os.ReadFile(testfiles.Own(t, "svs/rgb-240.svs"))
	must(t, err)
	must(t, os.WriteFile(file, b, 0o644))
	info, err := os.Stat(file)
	must(t, err)
	job := importer.NewJob(importer.Upload{Bucket: importer.BucketFile, Key: file, ETag: source.FileVersion(info), Size: info.Size()}, "", true)
	_, err = w.importer().Import(background, job)
	must(t, err)
	v, err := w.importer().Verify(background, job.ID, true, nil)
	must(t, err)
	if got := keys(t, w.slides, job.ID); !v.OK() || slices.Contains(got, "a.svs") {
		t.Errorf("stored %v, verified %+v", got, v)
	}
	must(t, os.WriteFile(file, append(b, 0), 0o644))
	if v, err = w.importer().Verify(background, job.ID, false, nil); err != nil || v.OK() {
		t.Errorf("the file was rewritten and verify says %+v, %v", v, err)
	}
	if _, err = w.importer().Reindex(background, job.ID); fault.KindOf(err) != fault.Changed {
		t.Errorf("indexing a rewritten file again: %v, want changed", err)
	}
	if r, err := w.importer().Report(background, job.ID); err != nil || r.State != importer.StateDone || r.Lease != nil || r.Error != nil {
		t.Errorf("after a failed reindex: %+v, %v; want the report as it was", r, err)
	}
}
