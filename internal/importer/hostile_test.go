package importer_test

import (
	"bytes"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/testfiles"
)

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
