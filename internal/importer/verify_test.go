package importer_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/testfiles"
)

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
