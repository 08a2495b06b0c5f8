// Package watch imports what is copied into a folder: it watches the uploads
// folder of a folder store, waits until a file is whole, and enqueues it.
//
// A file is taken for whole when its size and modification time stay the same
// over Config.Settle and nobody has it open for writing. Hidden files, those
// with the names of unfinished downloads, symbolic links, and what is in hidden
// folders are left alone.
//
// Notifications of the system make it prompt, but nothing depends on them: all
// is looked at again every Config.Rescan.
package watch

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/queue"
)

// Config says how a folder is watched.
type Config struct {
	// Settle is how long a file must stay the same before it is imported.
	Settle time.Duration `env:"WATCH_SETTLE" envDefault:"2s" desc:"How long a file in the uploads folder must stay the same before it is imported."`
	// Rescan is how often the whole folder is looked at.
	Rescan time.Duration `env:"WATCH_RESCAN" envDefault:"30s" desc:"How often the whole uploads folder is looked at, for file systems that report no changes."`
}

// DefaultConfig is what no configuration at all gives.
func DefaultConfig() Config { return Config{Settle: 2 * time.Second, Rescan: 30 * time.Second} }

// Validate says which variable is wrong, what it holds and what is expected.
func (c Config) Validate() error {
	if c.Settle < 100*time.Millisecond || c.Settle > time.Hour {
		return fault.New(fault.Invalid, "config-value", "WATCH_SETTLE is %s: expected 100ms to 1h", c.Settle)
	}
	if c.Rescan < time.Second {
		return fault.New(fault.Invalid, "config-value", "WATCH_RESCAN is %s: expected at least 1s", c.Rescan)
	}
	return nil
}

// Watcher enqueues the files of one folder. It is used by one Run at a time.
type Watcher struct {
	// Folder is the uploads store's folder.
	Folder string
	// Uploads is the store of that folder: it names files by key and version.
	Uploads *objectstore.Store
	// Enqueue sends a job; an upload that is known already must do no harm.
	Enqueue func(ctx context.Context, job importer.Job) error
	// Config is DefaultConfig when it is the zero value.
	Config Config
	Clock  queue.Clock  // the machine's when nil
	Log    *slog.Logger // silent when nil

	looks   map[string]look // by key
	told    map[string]bool // complaints that were logged
	watched *fsnotify.Watcher
}

// look is what a file was like when it was looked at.
type look struct {
	size    int64
	modTime time.Time
	since   time.Time // it is like this
	sent    bool      // it was enqueued like this
}

// Run watches until ctx ends. It fails only when it cannot begin.
func (w *Watcher) Run(ctx context.Context) error {
	if w.Config == (Config{}) {
		w.Config = DefaultConfig()
	}
	if err := w.Config.Validate(); err != nil {
		return err
	}
	if w.Clock == nil {
		w.Clock = queue.SystemClock{}
	}
	if w.Log == nil {
		w.Log = slog.New(slog.DiscardHandler)
	}
	w.looks, w.told = map[string]look{}, map[string]bool{}
	var events <-chan fsnotify.Event
	var failures <-chan error
	watched, err := fsnotify.NewWatcher()
	if err == nil {
		defer func() { _ = watched.Close() }() // nothing was written to it
		w.watched, events, failures = watched, watched.Events, watched.Errors
	} else {
		w.tell("the system gives no notifications; the uploads folder is only rescanned", err)
	}
	for ctx.Err() == nil {
		again := w.Config.Rescan
		if w.scan(ctx) {
			again = w.Config.Settle
		}
		w.wait(ctx, w.Clock.Now().Add(again), events, failures)
	}
	return nil
}

// wait returns at the given moment, or Config.Settle after the first
// notification, so that a long copy does not cause a scan a write.
func (w *Watcher) wait(ctx context.Context, until time.Time, events <-chan fsnotify.Event, failures <-chan error) {
	due := w.Clock.At(until)
	hurried := false
	hurry := func() {
		if soon := w.Clock.Now().Add(w.Config.Settle); !hurried && soon.Before(until) {
			due, hurried = w.Clock.At(soon), true
		}
	}
	for {
		select {
		case <-ctx.Done():
			return
		case <-due:
			return
		case e, ok := <-events:
			if !ok {
				events = nil
			} else if e.Op != fsnotify.Chmod {
				hurry()
			}
		case _, ok := <-failures: // notifications were lost: look at all
			if !ok {
				failures = nil
			} else {
				hurry()
			}
		}
	}
}

// scan looks at every file once, and tells whether some are not settled yet.
func (w *Watcher) scan(ctx context.Context) (unsettled bool) {
	present := map[string]bool{}
	err := filepath.WalkDir(w.Folder, func(path string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if path == w.Folder {
				return err
			}
			return nil // gone since it was listed, or not readable
		}
		if path != w.Folder && unfinished(entry.Name()) {
			if entry.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if entry.IsDir() {
			w.watch(path)
			return nil
		}
		if !entry.Type().IsRegular() {
			return nil
		}
		rel, err := filepath.Rel(w.Folder, path)
		if err != nil {
			return nil
		}
		key := filepath.ToSlash(rel)
		present[key] = true
		if !w.look(ctx, key, path) {
			unsettled = true
		}
		return nil
	})
	switch {
	case err == nil:
		delete(w.told, missing)
		for key := range w.looks {
			if !present[key] {
				delete(w.looks, key)
			}
		}
	case ctx.Err() == nil:
		w.looks = map[string]look{}
		w.tell(missing, err)
	}
	return unsettled
}

const missing = "the uploads folder cannot be read; it is tried again"

// watch asks for notifications of a folder. Doing so again is harmless, and
// needed for a folder that was removed and made anew.
func (w *Watcher) watch(dir string) {
	if w.watched == nil {
		return
	}
	if err := w.watched.Add(dir); err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.tell("some folders give no notifications; they are only rescanned", err)
	}
}

// look compares a file with how it was, enqueues it when it is whole, and tells
// whether there is nothing more to do about it.
func (w *Watcher) look(ctx context.Context, key, path string) (settled bool) {
	info, err := os.Lstat(path)
	if err != nil {
		return true
	}
	now := w.Clock.Now()
	before, known := w.looks[key]
	if !known || before.size != info.Size() || !before.modTime.Equal(info.ModTime()) {
		w.looks[key] = look{size: info.Size(), modTime: info.ModTime(), since: now}
		return false
	}
	if before.sent {
		return true
	}
	if now.Sub(before.since) < w.Config.Settle || beingWritten(path) {
		return false
	}
	if err := w.enqueue(ctx, key); err != nil {
		if fault.KindOf(err) != fault.NotFound { // that is gone since, as others are
			w.tell("a file of the uploads folder could not be enqueued; it is tried again", err)
		}
		return true // until the next rescan
	}
	before.sent = true
	w.looks[key] = before
	return true
}

func (w *Watcher) enqueue(ctx context.Context, key string) error {
	o, err := w.Uploads.Stat(ctx, key)
	if fault.KindOf(err) == fault.Invalid {
		w.Log.Warn("uploads folder: the file's name is not possible in a store; rename it", "key", key, "error", err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	u := importer.Upload{Bucket: w.Uploads.URL(), Key: o.Key, ETag: o.ETag, Size: o.Size}
	if err := w.Enqueue(ctx, importer.NewJob(u, "", false)); err != nil {
		return err
	}
	w.Log.Info("uploads folder: file found", "key", key, "bytes", o.Size)
	return nil
}

// tell logs each kind of complaint once.
func (w *Watcher) tell(what string, err error) {
	if !w.told[what] && !errors.Is(err, context.Canceled) {
		w.told[what] = true
		w.Log.Warn(what, "folder", w.Folder, "error", err.Error())
	}
}

// unfinishedEndings are those of files that a program has not finished yet.
var unfinishedEndings = []string{"~", ".part", ".partial", ".crdownload", ".download", ".filepart", ".tmp", ".temp", ".swp", ".opdownload", ".!ut"}

// unfinished tells names that hidden and temporary files have.
func unfinished(name string) bool {
	if strings.HasPrefix(name, ".") || strings.HasPrefix(name, "~$") {
		return true
	}
	lower := strings.ToLower(name)
	for _, ending := range unfinishedEndings {
		if strings.HasSuffix(lower, ending) {
			return true
		}
	}
	return false
}
