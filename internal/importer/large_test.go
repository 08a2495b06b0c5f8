package importer_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/all"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/dir"
	"github.com/pims-cloud/pims/internal/slidegen"
)

// largeSVS writes a slide of 1 GiB at least: 240-pixel tiles, as scanners do,
// so that its structure is as large as that of a real one.
func largeSVS(t testing.TB, path string) {
	t.Helper()
	file, err := os.Create(path)
	must(t, err)
	o := slidegen.SVS{Scene: slidegen.Scene{Width: 56_000, Height: 41_000, Seed: 7}, TileSize: 240, Quality: 90, Pool: 16}
	must(t, slidegen.WriteSVS(background, file, o))
	must(t, file.Close())
}

func TestRegisteringALargeSlideReadsItsStructureOnly(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 1 GiB")
	}
	w := newWorld(t, dirDriver)
	uploads := w.uploads.URL()[len("file://"):]
	largeSVS(t, filepath.Join(uploads, "large.svs"))
	o, err := w.uploads.Stat(background, "large.svs")
	must(t, err)
	w.reads.Reset()
	job := importer.NewJob(importer.Upload{Bucket: w.uploads.URL(), Key: o.Key, ETag: o.ETag, Size: o.Size}, "", true)
	r, err := w.importer().Import(background, job)
	must(t, err)
	var read int64
	for _, one := range w.reads.Reads() {
		read += one.Length
	}
	t.Logf("%d MiB, %d tiles: %d reads, %.1f MiB of the file, sidecar %.1f MiB",
		o.Size>>20, r.Tiles, r.Reads, float64(read)/(1<<20), float64(r.SidecarBytes)/(1<<20))
	if read >= 16<<20 {
		t.Errorf("registering read %d bytes of the slide, want less than 16 MiB", read)
	}
	if read != r.BytesRead {
		t.Errorf("the report says that %d bytes were read, the store gave %d", r.BytesRead, read)
	}
}

// BenchmarkImportOfOneGiB is a whole import into a folder store: with the copy
// of the file, which is at the mercy of the disk, and in place.
func BenchmarkImportOfOneGiB(b *testing.B) {
	file := filepath.Join(b.TempDir(), "large.svs")
	largeSVS(b, file)
	store, key, err := openFile(file)
	must(b, err)
	o, err := store.Stat(background, key)
	must(b, err)
	upload := importer.Upload{Bucket: importer.BucketFile, Key: file, ETag: o.ETag, Size: o.Size}
	for name, inPlace := range map[string]bool{"copied": false, "in-place": true} {
		b.Run(name, func(b *testing.B) {
			job := importer.NewJob(upload, "", inPlace)
			for b.Loop() {
				d, err := dir.Open(b.TempDir())
				must(b, err)
				im, err := importer.New(importer.Deps{
					Registry: formats.NewRegistry(all.Formats(), formats.ResolutionOrder{}),
					Slides:   objectstore.New(d), Files: openFile, Creator: "bench",
				})
				must(b, err)
				r, err := im.Import(background, job)
				must(b, err)
				must(b, im.Delete(background, job.ID))
				b.ReportMetric(float64(r.BytesRead)/(1<<20), "MiB-read/op")
			}
		})
	}
}
