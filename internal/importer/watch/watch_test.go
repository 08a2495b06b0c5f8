package watch_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/importer/watch"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/dir"
	"github.com/pims-cloud/pims/internal/queue/queuetest"
)

// watched is a watcher over a folder, and what it enqueued.
type watched struct {
	t      *testing.T
	folder string
	clock  *queuetest.Clock
	store  *objectstore.Store

	mu   sync.Mutex
	jobs []importer.Job
}

func start(t *testing.T) *watched {
	t.Helper()
	w := &watched{t: t, folder: filepath.Join(t.TempDir(), "uploads"), clock: queuetest.NewClock()}
	driver, err := dir.Open(w.folder)
	must(t, err)
	w.store = objectstore.New(reopening{Driver: driver, folder: w.folder})
	watcher := &watch.Watcher{Folder: w.folder, Uploads: w.store, Clock: w.clock, Enqueue: func(_ context.Context, j importer.Job) error {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.jobs = append(w.jobs, j)
		return nil
	}}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- watcher.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return w
}

// reopening looks at the folder that has the name now, so that these tests are
// of the watcher alone.
type reopening struct {
	objectstore.Driver
	folder string
}

func (r reopening) Stat(ctx context.Context, key string) (objectstore.Object, error) {
	now, err := dir.Open(r.folder)
	if err != nil {
		return objectstore.Object{}, err
	}
	return now.Stat(ctx, key)
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (w *watched) write(name, text string) {
	w.t.Helper()
	path := filepath.Join(w.folder, filepath.FromSlash(name))
	must(w.t, os.MkdirAll(filepath.Dir(path), 0o755))
	must(w.t, os.WriteFile(path, []byte(text), 0o644))
}

func (w *watched) keys() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []string
	for _, j := range w.jobs {
		out = append(out, j.Upload.Key)
	}
	slices.Sort(out)
	return out
}

// until moves the clock until these keys were enqueued, no more and no less.
func (w *watched) until(keys ...string) {
	w.t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !slices.Equal(w.keys(), keys) {
		if time.Now().After(deadline) {
			w.t.Fatalf("enqueued %v, want %v", w.keys(), keys)
		}
		w.clock.Advance(time.Second)
		<-time.After(time.Millisecond)
	}
}

func TestFilesAreEnqueuedOnceWhereverTheyAre(t *testing.T) {
	w := start(t)
	w.write("a.svs", "a")
	w.write("deep/er/b.svs", "b")
	w.until("a.svs", "deep/er/b.svs")
	w.write("c.svs", "c") // the others are seen again, and not sent
	w.until("a.svs", "c.svs", "deep/er/b.svs")
	o, err := w.store.Stat(context.Background(), "a.svs")
	must(t, err)
	u := importer.Upload{Bucket: w.store.URL(), Key: "a.svs", ETag: o.ETag, Size: 1}
	want := importer.NewJob(u, "", false)
	if !slices.ContainsFunc(w.jobs, func(j importer.Job) bool { return bytes.Equal(j.Encode(), want.Encode()) }) {
		t.Errorf("jobs %+v do not have that of the upload route", w.jobs)
	}
}

func TestReplacedFileIsEnqueuedAgain(t *testing.T) {
	w := start(t)
	w.write("a.svs", "first")
	w.until("a.svs")
	w.write("a.svs", "and the second")
	w.until("a.svs", "a.svs")
	if w.jobs[0].ID == w.jobs[1].ID {
		t.Error("two versions of a file have one id")
	}
}

func TestHiddenAndUnfinishedFilesAreLeftAlone(t *testing.T) {
	w := start(t)
	for _, name := range []string{".hidden.svs", ".folder/a.svs", "a.svs.part", "b.CRDOWNLOAD", "c.tmp", "d.svs~", "~$e.svs"} {
		w.write(name, "x")
	}
	must(t, os.Symlink("/etc/hostname", filepath.Join(w.folder, "link.svs")))
	w.write("z.svs", "last")
	w.until("z.svs")
	w.write("zz.svs", "after one more scan")
	w.until("z.svs", "zz.svs")
}

func TestFileThatIsOpenForWritingWaits(t *testing.T) {
	w := start(t)
	file, err := os.Create(filepath.Join(w.folder, "slow.svs"))
	must(t, err)
	_, err = file.WriteString("the first part")
	must(t, err)
	w.write("a.svs", "whole")
	w.until("a.svs")
	w.write("b.svs", "whole too, and the slow one is older")
	w.until("a.svs", "b.svs")
	must(t, file.Close())
	w.until("a.svs", "b.svs", "slow.svs")
}

func TestRemovedFolderIsWatchedAgainWhenItComesBack(t *testing.T) {
	w := start(t)
	w.write("a.svs", "a")
	w.until("a.svs")
	must(t, os.RemoveAll(w.folder))
	for range 60 {
		w.clock.Advance(time.Second)
		<-time.After(time.Millisecond)
	}
	w.write("b.svs", "b")
	w.until("a.svs", "b.svs")
}
