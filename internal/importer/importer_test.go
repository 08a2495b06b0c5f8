package importer_test

import (
	"context"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/testfiles"
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
