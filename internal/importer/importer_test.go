package importer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/source"
)

var background = context.Background()

// stores are the drivers that imports are tested between.
var stores = map[string]func(t *testing.T) objectstore.Driver{"memory": nil, "dir": dirDriver}

func TestImportStoresTheSlideAndTakesTheUpload(t *testing.T) {
	for name, open := range stores {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, open)
			job := w.upload(testfiles.Own(t, "svs/rgb-240.svs"))
			r, err := w.importer().Import(background, job)
			must(t, err)
			want := []string{
				"processed/annotations.json", "processed/associated/label.png", "processed/associated/macro.jpg",
				"processed/associated/thumb.jpg", "processed/histogram.json", "processed/import.json",
				"processed/metadata.json", "processed/slide.pims", "rgb-240.svs",
			}
			if diff := cmp.Diff(want, keys(t, w.slides, job.ID)); diff != "" {
				t.Errorf("stored objects (-want +got):\n%s", diff)
			}
			if left := w.uploaded(); len(left) != 0 {
				t.Errorf("uploads left: %v", left)
			}
			wantDone(t, w, job, r)
		})
	}
}

func wantDone(t *testing.T, w *world, job importer.Job, r *importer.Report) {
	t.Helper()
	if r.State != importer.StateDone || r.Format != "SVS" || !r.Viewable || !r.PixelsIdentical || r.Progress != 1 || r.Lease != nil {
		t.Errorf("report: %+v", r)
	}
	if r.Path != job.ID.Prefix()+"rgb-240.svs" || r.Tiles == 0 || r.TilesChecked == 0 || r.BytesRead == 0 || r.BytesRead > 2*r.SourceBytes {
		t.Errorf("report: %+v", r)
	}
	if len(r.Warnings) > 0 {
		t.Errorf("warnings: %+v", r.Warnings)
	}
	s, err := w.catalog.Open(background, job.ID)
	must(t, err)
	m := s.Manifest()
	if m.Name != "rgb-240.svs" || len(m.Associated) != 3 || len(m.Bounds) != 3 || m.Creator != "pims test" {
		t.Errorf("manifest: %+v", m)
	}
	b, err := s.ReadObject(background, job.ID.MetadataKey(), 1<<20)
	must(t, err)
	var metadata struct{ Items []importer.MetadataItem }
	must(t, json.Unmarshal(b, &metadata))
	if len(metadata.Items) == 0 || metadata.Items[0].Namespace == "" {
		t.Errorf("metadata.json: %s", b)
	}
}

func TestEventsComeInThePimsOrder(t *testing.T) {
	w := newWorld(t, nil)
	_, err := w.importer().Import(background, w.upload(testfiles.Own(t, "svs/rgb-240.svs")))
	must(t, err)
	want := []importer.EventName{
		importer.StartFormatDetection, importer.EndFormatDetection, importer.StartIntegrityCheck, importer.EndIntegrityCheck,
		importer.StartDataExtraction, importer.MovedPendingFile, importer.EndDataExtraction, importer.StartSpatialDeploy,
		importer.StartHistogramDeploy, importer.EndHistogramDeploy, importer.EndSpatialDeploy, importer.EndSuccessfulImport,
	}
	if diff := cmp.Diff(want, w.events.names); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
}

func TestDuplicateGivesTheReportAndReadsNothing(t *testing.T) {
	w := newWorld(t, nil)
	job := w.upload(testfiles.Own(t, "svs/rgb-240.svs"))
	first, err := w.importer().Import(background, job)
	must(t, err)
	w.reads.Reset()
	w.writes.arm(0, false)
	again, err := w.importer().Import(background, job)
	must(t, err)
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("report of the duplicate (-first +again):\n%s", diff)
	}
	if reads := w.reads.Reads(); len(reads) != 0 {
		t.Errorf("the duplicate read the upload: %v", reads)
	}
	if w.writes.writes != 0 {
		t.Errorf("the duplicate wrote %d times", w.writes.writes)
	}
}

func TestFailedImportIsTheLastWordUntilAskedAgain(t *testing.T) {
	w := newWorld(t, nil)
	job := w.uploadBytes("notes.txt", []byte("not a slide at all, just some text"))
	r, err := w.importer().Import(background, job)
	w.wantFailed(r, err, job)
	if r.Error.Code != "no-matching-format" {
		t.Errorf("code %s", r.Error.Code)
	}
	w.reads.Reset()
	if _, err = w.importer().Import(background, job); fault.CodeOf(err) != "no-matching-format" || len(w.reads.Reads()) != 0 {
		t.Errorf("duplicate: %v, reads %v; want the stored failure", err, w.reads.Reads())
	}
	job.Again = true
	if _, err = w.importer().Import(background, job); fault.CodeOf(err) != "no-matching-format" || len(w.reads.Reads()) == 0 {
		t.Errorf("again: %v, reads %v; want another look", err, w.reads.Reads())
	}
}

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

func TestHostileFilesFailWithAReasonAndLeaveNothing(t *testing.T) {
	var files []string
	for _, root := range []string{testfiles.Own(t, "hostile"), sharedOrNone(t, "hostile")} {
		if root == "" {
			continue
		}
		must(t, filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.Type().IsRegular() {
				files = append(files, path)
			}
			return err
		}))
	}
	w := newWorld(t, nil)
	im := w.importer()
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			w := &world{t: t, slides: w.slides, uploads: w.uploads, reads: w.reads, writes: w.writes, clock: w.clock, catalog: w.catalog, events: w.events, formats: w.formats}
			b, err := os.ReadFile(file)
			must(t, err)
			job := w.uploadBytes("hostile/"+importer.CleanName(filepath.Base(file)), b)
			defer func() { must(t, w.uploads.Delete(background, job.Upload.Key)) }()
			r, err := im.Import(background, job)
			if r != nil && r.State == importer.StateDone {
				// Not every strange file is a broken one; then it must be whole.
				t.Logf("imported as %s, viewable %v", r.Format, r.Viewable)
				v, err := im.Verify(background, job.ID, false, nil)
				if err != nil || !v.OK() {
					t.Errorf("verify: %v %+v", err, v)
				}
				must(t, im.Delete(background, job.ID))
				return
			}
			w.wantFailed(r, err, job)
			if fault.KindOf(err) == fault.Internal {
				t.Errorf("told as our own defect: %v", err)
			}
			if o, err := w.uploads.Stat(background, job.Upload.Key); err != nil || o.ETag != job.Upload.ETag {
				t.Errorf("the upload was touched: %v", err)
			}
			t.Log(fault.Sentence(err))
			must(t, im.Delete(background, job.ID))
		})
	}
}

// sharedOrNone is a folder of the real slides, "" when they are not here.
func sharedOrNone(t *testing.T, name string) (path string) {
	t.Run("shared", func(t *testing.T) { path = testfiles.Shared(t, name) })
	return path
}

func TestRandomDamageNeverStopsTheImporter(t *testing.T) {
	whole, err := os.ReadFile(testfiles.Own(t, "svs/rgb-240.svs"))
	must(t, err)
	w := newWorld(t, nil)
	im := w.importer()
	random := rand.New(rand.NewPCG(1, 2))
	for range 150 {
		b := bytes.Clone(whole)
		for range 1 + random.IntN(8) {
			b[random.IntN(len(b))] = byte(random.Uint32())
		}
		if random.IntN(3) == 0 {
			b = b[:random.IntN(len(b))+1]
		}
		job := w.uploadBytes("damaged.svs", b)
		r, err := im.Import(background, job)
		if r == nil || !r.State.Final() || fault.KindOf(err) == fault.Internal && err != nil {
			t.Errorf("report %+v, error %v: want done or failed for a reason in the file", r, err)
		}
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

func TestProgressIsToldUntilTheEnd(t *testing.T) {
	w := newWorld(t, nil)
	im := w.importer()
	job := w.upload(testfiles.Own(t, "svs/rgb-240.svs"))
	reports, stop := im.Subscribe(job.ID)
	defer stop()
	_, err := im.Import(background, job)
	must(t, err)
	var last importer.Report
	progress := -1.0
	for r := range reports { // closes by itself
		if r.Progress < progress {
			t.Errorf("progress went back from %v to %v", progress, r.Progress)
		}
		progress, last = r.Progress, r
	}
	if last.State != importer.StateDone || last.Progress != 1 {
		t.Errorf("the last report is %+v", last)
	}
}

func TestReindexReplacesAnUnreadableSidecar(t *testing.T) {
	w := newWorld(t, nil)
	im := w.importer()
	job := w.upload(testfiles.Own(t, "svs/rgb-240.svs"))
	_, err := im.Import(background, job)
	must(t, err)
	before, _, err := w.slides.Get(background, job.ID.SidecarKey(), 1<<20)
	must(t, err)
	_, err = w.slides.Put(background, job.ID.SidecarKey(), strings.NewReader("rubbish"), 7, objectstore.PutOptions{})
	must(t, err)
	v, err := im.Verify(background, job.ID, false, nil)
	must(t, err)
	if v.OK() {
		t.Error("Verify found nothing wrong with a sidecar of rubbish")
	}
	r, err := im.Reindex(background, job.ID)
	must(t, err)
	if r.State != importer.StateDone || r.Lease != nil || r.Attempt != 2 {
		t.Errorf("report: %+v", r)
	}
	after, _, err := w.slides.Get(background, job.ID.SidecarKey(), 1<<20)
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("the new sidecar differs from the first, although nothing else did")
	}
	w.wantWhole(job, 0)
}

func TestVerifyFindsDamage(t *testing.T) {
	damage := map[string]func(w *world, job importer.Job){
		"replaced source": func(w *world, job importer.Job) {
			b, _, err := w.slides.Get(background, job.ID.SourceKey("rgb-240.svs"), 64<<20)
			must(w.t, err)
			b[len(b)/2] ^= 1
			_, err = w.slides.Put(background, job.ID.SourceKey("rgb-240.svs"), bytes.NewReader(b), int64(len(b)), objectstore.PutOptions{})
			must(w.t, err)
		},
		"missing label": func(w *world, job importer.Job) {
			must(w.t, w.slides.Delete(background, job.ID.AssociatedKey("label", "png")))
		},
		"flipped bit in the index": func(w *world, job importer.Job) {
			b, _, err := w.slides.Get(background, job.ID.SidecarKey(), 64<<20)
			must(w.t, err)
			b[len(b)-20] ^= 1
			_, err = w.slides.Put(background, job.ID.SidecarKey(), bytes.NewReader(b), int64(len(b)), objectstore.PutOptions{})
			must(w.t, err)
		},
	}
	for name, harm := range damage {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			job := w.upload(testfiles.Own(t, "svs/rgb-240.svs"))
			_, err := w.importer().Import(background, job)
			must(t, err)
			harm(w, job)
			v, err := w.importer().Verify(background, job.ID, true, nil)
			must(t, err)
			if v.OK() {
				t.Errorf("nothing was found: %+v", v)
			}
		})
	}
}

func TestCleanName(t *testing.T) {
	for name, want := range map[string]string{
		"slide.svs":               "slide.svs",
		"a b (1)+*@.svs":          "a-b--1----.svs",
		`..\..\x/y:z?"<>|.tif`:    "-.-..-x-y-z-----.tif",
		"Präparat 3µm.svs":        "Präparat-3µm.svs",
		"'$€£°`[]#.ndpi":          "---------.ndpi",
		"":                        "upload",
		".hidden.svs":             "-hidden.svs",
		"...":                     "upload",
		"CON.svs":                 "-CON.svs",
		"processed":               "upload-processed",
		"tab\tnul\x00end\x7f.svs": "tab-nul-end-.svs",
		"bad\xffutf8.svs":         "bad-utf8.svs",
	} {
		if got := importer.CleanName(name); got != want {
			t.Errorf("CleanName(%q) = %q, want %q", name, got, want)
		}
	}
	long := importer.CleanName(strings.Repeat("ä", 300) + ".svs")
	if len(long) > 200 || !strings.HasSuffix(long, "ä.svs") {
		t.Errorf("a long name became %q (%d bytes)", long, len(long))
	}
}
