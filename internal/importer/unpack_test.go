package importer_test

import (
	"archive/zip"
	"bytes"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/queue/local"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// packed is a ZIP of files by name, in order: name, content, name, content …
func packed(t *testing.T, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		f, err := z.Create(pairs[i])
		must(t, err)
		_, err = f.Write([]byte(pairs[i+1]))
		must(t, err)
	}
	must(t, z.Close())
	return b.Bytes()
}

func own(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(testfiles.Own(t, name))
	must(t, err)
	return string(b)
}

func TestACollectionBecomesItsSlides(t *testing.T) {
	for _, queued := range []bool{false, true} {
		w := newWorld(t, nil)
		if queued {
			q, err := local.Open(t.TempDir(), local.Config{})
			must(t, err)
			defer q.Close()
			w.imports = q
		}
		im := w.importer()
		job := w.uploadBytes("many.zip", packed(t, "a/one.svs", own(t, ours), "__MACOSX/._one.svs", "junk",
			"notes.txt", "no slide at all, but text", "../evil.svs", "x", "b/two.svs", own(t, "svs/ycbcr-256.svs")))
		r, err := im.Import(background, job)
		must(t, err)
		if r.State != importer.StateUnpacked || r.Format != "ZIP" || len(r.Archive.Members) != 4 || r.Lease != nil {
			t.Fatalf("report %+v, archive %+v", r, r.Archive)
		}
		if queued {
			for range 3 {
				messages, err := w.imports.Receive(background, 1)
				must(t, err)
				(&importer.Worker{Queue: w.imports, Importer: im}).Process(background, messages[0])
			}
		}
		var states []string
		for _, m := range r.Archive.Members {
			if m.Error != nil {
				states = append(states, m.Error.Code)
				continue
			}
			child, err := im.Report(background, m.ID)
			must(t, err)
			states = append(states, child.Name+" "+string(child.State))
			if child.State == importer.StateDone {
				w.tileBytes(m.ID)
			}
		}
		want := []string{"one.svs done", "notes.txt failed", "archive-name", "two.svs done"}
		if !slices.Equal(states, want) {
			t.Errorf("queued %t: members are %v, want %v", queued, states, want)
		}
		for _, key := range keys(t, w.slides, job.ID) {
			if strings.Contains(key, "one.svs") && strings.Contains(key, "extracted") {
				t.Errorf("an imported member is left: %s", key)
			}
		}
		if left := w.uploaded(); len(left) != 0 {
			t.Errorf("uploads left: %v", left)
		}
		again, err := im.Import(background, job)
		must(t, err)
		if again.State != importer.StateUnpacked {
			t.Errorf("the duplicate says %s", again.State)
		}
	}
}

func TestOneFileInAnArchiveIsTheSlide(t *testing.T) {
	w := newWorld(t, nil)
	// Packed twice, as people do.
	job := w.uploadBytes("slide.zip", packed(t, "inner.zip", string(packed(t, "folder/my slide.svs", own(t, ours)))))
	r, err := w.importer().Import(background, job)
	must(t, err)
	if r.State != importer.StateDone || r.Format != "SVS" || r.Name != "my slide.svs" || r.Path != job.ID.Prefix()+"my-slide.svs" {
		t.Fatalf("report %+v", r)
	}
	w.tileBytes(job.ID)
	for _, key := range keys(t, w.slides, job.ID) {
		if strings.Contains(key, "extracted") || strings.HasSuffix(key, ".zip") {
			t.Errorf("%s is left", key)
		}
	}
	if left := w.uploaded(); len(left) != 0 {
		t.Errorf("uploads left: %v", left)
	}
}

func TestArchivesThatContainThemselvesEnd(t *testing.T) {
	w := newWorld(t, nil)
	b := packed(t, "x.txt", "text")
	for range 6 {
		b = packed(t, "inner.zip", string(b))
	}
	job := w.uploadBytes("deep.zip", b)
	r, err := w.importer().Import(background, job)
	w.wantFailed(r, err, job)
	if r.Error.Code != "archive-depth" {
		t.Errorf("reason %+v", r.Error)
	}
}

func TestKilledWhileUnpackingIsFinishedByTheNext(t *testing.T) {
	b := packed(t, "one.svs", own(t, ours), "two.svs", own(t, "svs/ycbcr-256.svs"))
	for n := 1; ; n++ {
		w := newWorld(t, nil)
		job := w.uploadBytes("two.zip", b)
		w.writes.arm(n, true)
		_, _ = w.importer().Import(background, job)
		died := w.writes.struck()
		w.writes.arm(0, false)
		w.clock.Advance(2 * time.Minute)
		r, err := w.importer().Import(background, job)
		must(t, err)
		done := 0
		for _, m := range r.Archive.Members {
			if child, err := w.importer().Report(background, m.ID); err == nil && child.State == importer.StateDone {
				done++
				w.tileBytes(m.ID)
			}
		}
		if done != 2 || len(w.uploaded()) != 0 {
			t.Errorf("killed at write %d: %d slides, uploads left %v", n, done, w.uploaded())
		}
		if !died {
			return
		}
	}
}

func TestOnlyUnpackedMembersAreImportedFromTheSlidesStore(t *testing.T) {
	w := newWorld(t, nil)
	done, err := w.importer().Import(background, w.upload(testfiles.Own(t, ours)))
	must(t, err)
	u := importer.Upload{Bucket: importer.BucketUnpacked, Key: done.Source.Key, ETag: done.Source.ETag, Size: done.Source.Size}
	if _, err := w.importer().Import(background, importer.NewJob(u, "", false)); err == nil {
		t.Error("a slide was imported from another slide's source, which would be removed")
	}
	w.tileBytes(done.ID)
}
