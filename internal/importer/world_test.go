package importer_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/all"
	"github.com/pims-cloud/pims/internal/cache"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/dir"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
	"github.com/pims-cloud/pims/internal/objectstore/recording"
	"github.com/pims-cloud/pims/internal/queue"
	"github.com/pims-cloud/pims/internal/queue/queuetest"
	"github.com/pims-cloud/pims/internal/slide"
)

// world is two stores, a clock and who imports between them.
type world struct {
	t       *testing.T
	slides  *objectstore.Store
	uploads *objectstore.Store
	reads   *recording.Driver // of the uploads store
	writes  *mortal           // of the slides store
	clock   *queuetest.Clock
	catalog *slide.Catalog
	events  *eventLog
	formats []formats.Format
	config  importer.Config
	imports queue.Queue // of members of archives; nil: imported at once
	convert queue.Queue // nil: converted right after the import
	took    func(importer.State, time.Duration)
	larger  queue.Queue // nil: nobody has more time
}

// newWorld makes a world of drivers; nil means two stores in memory.
func newWorld(t *testing.T, open func(t *testing.T) objectstore.Driver) *world {
	t.Helper()
	if open == nil {
		open = func(*testing.T) objectstore.Driver { return memory.New() }
	}
	w := &world{t: t, clock: queuetest.NewClock(), events: &eventLog{}, formats: all.Formats(), config: importer.DefaultConfig()}
	w.writes = &mortal{Driver: open(t)}
	w.reads = recording.Wrap(open(t))
	w.slides, w.uploads = objectstore.New(w.writes), objectstore.New(w.reads)
	pages, err := cache.New(8 << 20)
	must(t, err)
	w.catalog, err = slide.NewCatalog(slide.Stores{Slides: w.slides, Uploads: w.uploads, File: openFile}, pages, slide.Config{Open: 16, Recheck: time.Hour})
	must(t, err)
	return w
}

func dirDriver(t *testing.T) objectstore.Driver {
	d, err := dir.Open(t.TempDir())
	must(t, err)
	return d
}

func (w *world) importer() *importer.Importer {
	w.t.Helper()
	im, err := importer.New(importer.Deps{
		Registry: formats.NewRegistry(w.formats, formats.ResolutionOrder{}),
		Slides:   w.slides, Uploads: w.uploads, Catalog: w.catalog, Events: w.events, Clock: w.clock,
		Files: openFile, Log: slog.New(slog.DiscardHandler), Creator: "pims test",
		Config: w.config, Convert: w.convert, Larger: w.larger, Imports: w.imports, Took: w.took,
	})
	must(w.t, err)
	return im
}

// openFile is a store of the file's folder.
func openFile(path string) (*objectstore.Store, string, error) {
	d, err := dir.Open(filepath.Dir(path))
	if err != nil {
		return nil, "", err
	}
	return objectstore.New(d), filepath.Base(path), nil
}

// upload puts a file into the uploads store and makes its job.
func (w *world) upload(file string) importer.Job {
	w.t.Helper()
	b, err := os.ReadFile(file)
	must(w.t, err)
	return w.uploadBytes(filepath.Base(file), b)
}

func (w *world) uploadBytes(key string, b []byte) importer.Job {
	w.t.Helper()
	o, err := w.uploads.Put(context.Background(), key, bytes.NewReader(b), int64(len(b)), objectstore.PutOptions{})
	must(w.t, err)
	return importer.NewJob(importer.Upload{Bucket: w.uploads.URL(), Key: o.Key, ETag: o.ETag, Size: o.Size}, "", false)
}

// keys lists a store, the slide's prefix taken off.
func keys(t *testing.T, s *objectstore.Store, id slide.ID) []string {
	t.Helper()
	var out []string
	for o, err := range s.List(context.Background(), "") {
		must(t, err)
		key := o.Key
		if rest, ok := bytes.CutPrefix([]byte(key), []byte(id.Prefix())); ok {
			key = string(rest)
		}
		out = append(out, key)
	}
	return out
}

func (w *world) uploaded() []string { return keys(w.t, w.uploads, "none") }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventLog remembers the names of events.
type eventLog struct {
	mu    sync.Mutex
	names []importer.EventName
}

func (l *eventLog) Notify(_ context.Context, e importer.Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.names = append(l.names, e.Name)
}

func (l *eventLog) count(name importer.EventName) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range l.names {
		if one == name {
			n++
		}
	}
	return n
}

var errInjected = errors.New("injected")

// mortal is a driver that fails at its nth write: that one only, or, like a
// process that was killed, from then on for ever.
type mortal struct {
	objectstore.Driver

	mu     sync.Mutex
	writes int
	failAt int  // 0: never
	dies   bool // stays dead
	dead   bool
}

// arm counts writes from now on.
func (m *mortal) arm(failAt int, dies bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes, m.failAt, m.dies, m.dead = 0, failAt, dies, false
}

func (m *mortal) struck() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failAt > 0 && m.writes >= m.failAt
}

func (m *mortal) check(write bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.dead {
		return errInjected
	}
	if write {
		m.writes++
		if m.writes == m.failAt {
			m.dead = m.dies
			return errInjected
		}
	}
	return nil
}

func (m *mortal) Put(ctx context.Context, key string, body io.Reader, size int64, o objectstore.PutOptions) (objectstore.Object, error) {
	if err := m.check(true); err != nil {
		return objectstore.Object{}, err
	}
	return m.Driver.Put(ctx, key, body, size, o)
}

func (m *mortal) Delete(ctx context.Context, keys []string) error {
	if err := m.check(true); err != nil {
		return err
	}
	return m.Driver.Delete(ctx, keys)
}

func (m *mortal) CopyFrom(ctx context.Context, from objectstore.Driver, o objectstore.Object, key string, options objectstore.PutOptions) (objectstore.Object, bool, error) {
	c, ok := m.Driver.(objectstore.Copier)
	if !ok {
		return objectstore.Object{}, false, nil
	}
	if err := m.check(true); err != nil {
		return objectstore.Object{}, true, err
	}
	return c.CopyFrom(ctx, from, o, key, options)
}

func (m *mortal) ReadPrefix(ctx context.Context, key string, max int64) ([]byte, objectstore.Object, error) {
	if err := m.check(false); err != nil {
		return nil, objectstore.Object{}, err
	}
	return m.Driver.ReadPrefix(ctx, key, max)
}

func (m *mortal) Stat(ctx context.Context, key string) (objectstore.Object, error) {
	if err := m.check(false); err != nil {
		return objectstore.Object{}, err
	}
	return m.Driver.Stat(ctx, key)
}

// wantFailed tests that a report tells a failure, and that nothing else is
// left of the import.
func (w *world) wantFailed(r *importer.Report, err error, job importer.Job) {
	w.t.Helper()
	if r == nil || r.State != importer.StateFailed || r.Error == nil || len(r.Error.Detail) < 10 || r.Error.Code == "" {
		w.t.Fatalf("report %+v, error %v: want state failed with a reason", r, err)
	}
	if fault.CodeOf(err) != r.Error.Code {
		w.t.Errorf("Import's error is %v, the report's %+v", err, r.Error)
	}
	if got := keys(w.t, w.slides, job.ID); !slices.Equal(got, []string{"processed/import.json"}) {
		w.t.Errorf("after the failure %v is stored, want the report alone", got)
	}
	stored, err := w.importer().Report(context.Background(), job.ID)
	must(w.t, err)
	if stored.State != importer.StateFailed || stored.Lease != nil {
		w.t.Errorf("import.json says %s, lease %v", stored.State, stored.Lease)
	}
}

// expire ends the lease in a stored report.
func (w *world) expire(job importer.Job, b []byte, etag string) error {
	var r importer.Report
	if err := json.Unmarshal(b, &r); err != nil {
		return err
	}
	r.Lease.Until = w.clock.Now()
	b, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = w.slides.Put(context.Background(), job.ID.ReportKey(), bytes.NewReader(b), int64(len(b)), objectstore.PutOptions{OnlyIfETag: etag})
	return err
}
