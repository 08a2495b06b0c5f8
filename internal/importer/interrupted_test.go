package importer_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/testfiles"
)

func TestTwoWorkersNeverBothImport(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open)
			job := w.upload(testfiles.Own(t, "svs/rgb-240.svs"))
			var all sync.WaitGroup
			var mu sync.Mutex
			done := 0
			for range 8 {
				im := w.importer()
				all.Go(func() {
					r, err := im.Import(background, job)
					mu.Lock()
					defer mu.Unlock()
					if err == nil && r.State == importer.StateDone {
						done++
					} else if fault.KindOf(err) != fault.Busy {
						t.Errorf("a duplicate ended with %v", err)
					}
				})
			}
			all.Wait()
			if done == 0 || w.events.count(importer.StartFormatDetection) != 1 || w.events.count(importer.EndSuccessfulImport) != 1 {
				t.Errorf("%d calls gave the slide, events %v; want one import", done, w.events.names)
			}
		})
	}
}

// TestKilledAnywhereIsFinishedByTheNext lets the store die, like the process,
// at every single write of an import, and runs the import again elsewhere.
func TestKilledAnywhereIsFinishedByTheNext(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			for n, ended := 1, false; !ended; n++ {
				w := newWorld(t, open)
				job := w.upload(testfiles.Own(t, "svs/rgb-240.svs"))
				w.writes.arm(n, true)
				_, err := w.importer().Import(background, job)
				ended = !w.writes.struck()
				if !ended && err == nil {
					t.Fatalf("write %d failed and the import said nothing", n)
				}
				w.writes.arm(0, false)
				if _, err := w.catalog.Open(background, job.ID); err != nil && fault.KindOf(err) != fault.NotFound {
					t.Fatalf("killed at write %d: half a slide is visible: %v", n, err)
				}
				if !ended && n > 1 {
					if _, err := w.importer().Import(background, job); fault.KindOf(err) != fault.Busy {
						t.Fatalf("killed at write %d: before the lease has passed: %v, want busy", n, err)
					}
				}
				w.clock.Advance(2 * time.Minute)
				r, err := w.importer().Import(background, job)
				if err != nil || r.State != importer.StateDone {
					t.Fatalf("killed at write %d, run again: %v", n, err)
				}
				w.wantWhole(job, n)
				if n > 60 {
					t.Fatal("an import of one small slide writes more than 60 times")
				}
			}
		})
	}
}

// wantWhole tests that the slide is there, and the upload is not.
func (w *world) wantWhole(job importer.Job, n int) {
	w.t.Helper()
	if got := keys(w.t, w.slides, job.ID); len(got) != 9 {
		w.t.Errorf("failed at write %d: stored %v, want 9 objects", n, got)
	}
	v, err := w.importer().Verify(background, job.ID, true, nil)
	if err != nil || !v.OK() {
		w.t.Errorf("failed at write %d: verify: %v, %+v", n, err, v)
	}
	if left := w.uploaded(); len(left) > 0 {
		w.t.Errorf("failed at write %d: uploads left: %v", n, left)
	}
}

func TestOneFailedWriteIsMadeUpForAtOnce(t *testing.T) {
	for n, ended := 1, false; !ended; n++ {
		w := newWorld(t, nil)
		job := w.upload(testfiles.Own(t, "svs/rgb-240.svs"))
		w.writes.arm(n, false)
		r, err := w.importer().Import(background, job)
		ended = !w.writes.struck()
		if !ended && (err == nil || fault.KindOf(err) != fault.Internal || r != nil) {
			t.Fatalf("write %d failed: report %+v, error %v; want an error to try again", n, r, err)
		}
		if r, err = w.importer().Import(background, job); err != nil && fault.KindOf(err) == fault.Busy {
			w.clock.Advance(2 * time.Minute) // the claim itself could not be given back
			r, err = w.importer().Import(background, job)
		}
		if err != nil || r.State != importer.StateDone {
			t.Fatalf("write %d failed, run again: %v", n, err)
		}
		w.wantWhole(job, n)
	}
}

func TestReplacedUploadIsToldAsObsolete(t *testing.T) {
	w := newWorld(t, nil)
	old := w.upload(testfiles.Own(t, "svs/rgb-240.svs"))
	_, err := w.importer().Enqueue(background, nopQueue{}, old)
	must(t, err)
	replaced := w.uploadBytes(old.Upload.Key, []byte("something else entirely"))
	r, err := w.importer().Import(background, old)
	w.wantFailed(r, err, old)
	if r.Error.Code != "upload-replaced" || fault.KindOf(err) != fault.Changed {
		t.Errorf("told as %+v", r.Error)
	}
	if o, err := w.uploads.Stat(background, old.Upload.Key); err != nil || o.ETag != replaced.Upload.ETag {
		t.Errorf("the newer upload was touched: %v", err)
	}
}

func TestLateDuplicateBringsNoDeletedSlideBack(t *testing.T) {
	w := newWorld(t, nil)
	job := w.upload(testfiles.Own(t, "svs/rgb-240.svs"))
	im := w.importer()
	_, err := im.Import(background, job)
	must(t, err)
	must(t, im.Delete(background, job.ID))
	if got := keys(t, w.slides, job.ID); len(got) != 0 {
		t.Errorf("after Delete %v is left", got)
	}
	if _, err := im.Import(background, job); fault.CodeOf(err) != "upload-missing" {
		t.Errorf("late duplicate: %v, want upload-missing", err)
	}
	if got := keys(t, w.slides, job.ID); len(got) != 0 {
		t.Errorf("the late duplicate stored %v", got)
	}
	if err := im.Delete(background, job.ID); fault.KindOf(err) != fault.NotFound {
		t.Errorf("deleting twice: %v, want not-found", err)
	}
}

// panicking is a format with a defect.
type panicking struct{ formats.Format }

func (panicking) Info() formats.Info { return formats.Info{ID: "PANIC", Importable: true} }
func (panicking) Probe(context.Context, *formats.Candidate) (formats.Match, error) {
	panic("index out of range")
}

func TestPanicIsContained(t *testing.T) {
	w := newWorld(t, nil)
	w.formats = []formats.Format{panicking{}}
	job := w.uploadBytes("any", []byte("any bytes will do"))
	r, err := w.importer().Import(background, job)
	if r != nil || fault.CodeOf(err) != "import-panic" || strings.Contains(fault.Sentence(err), "index out of range") {
		t.Errorf("report %v, error %v", r, err)
	}
	stored, err := w.importer().Report(background, job.ID)
	must(t, err)
	if stored.State != importer.StateQueued || stored.Error.Code != "import-panic" || stored.Lease != nil {
		t.Errorf("import.json: %+v", stored)
	}
}
