package dir

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/source"
)

const (
	// maxHeld is how many files stay open between reads.
	maxHeld = 64
	// heldFor is how long after its last read a file is closed. Until then, one
	// that others removed keeps its disk space.
	heldFor = 30 * time.Second
)

// heldFiles are files of which parts were read a short while ago: a viewer reads
// hundreds of tiles of one file, and opening it below the folder costs more than
// reading a tile. The zero value is ready; it is safe for concurrent use.
type heldFiles struct {
	mu    sync.Mutex
	files map[string]*heldFile // by key
	timer *time.Timer          // runs while there are files
}

// heldFile may be closed while it is read: os.File closes when the last reader
// is done, and later readers learn that it is closed.
type heldFile struct {
	file   *os.File
	info   fs.FileInfo // when it was opened
	object objectstore.Object
	used   time.Time // guarded by heldFiles.mu
}

// get gives the file that is held for this version of the object, or nil.
func (h *heldFiles) get(key, etag string) *heldFile {
	h.mu.Lock()
	defer h.mu.Unlock()
	f := h.files[key]
	if f == nil || f.object.ETag != etag {
		return nil
	}
	f.used = time.Now()
	return f
}

// keep takes over an open file, which the caller must not use any more.
func (h *heldFiles) keep(f *os.File, info fs.FileInfo, o objectstore.Object) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.files == nil {
		h.files = make(map[string]*heldFile)
	}
	if there := h.files[o.Key]; there != nil {
		h.close(there)
	} else if len(h.files) >= maxHeld {
		h.closeOldest()
	}
	h.files[o.Key] = &heldFile{file: f, info: info, object: o, used: time.Now()}
	if h.timer == nil {
		h.timer = time.AfterFunc(heldFor, h.closeIdle)
	}
}

// forget closes what is held of a key.
func (h *heldFiles) forget(key string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if f := h.files[key]; f != nil {
		h.close(f)
	}
}

// close is called with mu held. Files were only read: nothing can be lost.
func (h *heldFiles) close(f *heldFile) {
	delete(h.files, f.object.Key)
	_ = f.file.Close()
}

func (h *heldFiles) closeOldest() {
	var oldest *heldFile
	for _, f := range h.files {
		if oldest == nil || f.used.Before(oldest.used) {
			oldest = f
		}
	}
	h.close(oldest)
}

// closeIdle runs every heldFor while files are held.
func (h *heldFiles) closeIdle() {
	h.mu.Lock()
	defer h.mu.Unlock()
	limit := time.Now().Add(-heldFor)
	for _, f := range h.files {
		if !f.used.After(limit) {
			h.close(f)
		}
	}
	if len(h.files) == 0 {
		h.timer = nil
		return
	}
	h.timer.Reset(heldFor)
}

// readHeld reads ranges of a file that is held. ok is false when there is none,
// or when the key no longer names the very file: then it must be opened, which
// also tells what happened to it.
func (d *driver) readHeld(ctx context.Context, key, etag string, ranges []source.Range) (out [][]byte, ok bool) {
	held := d.files.get(key, etag)
	if held == nil || ctx.Err() != nil {
		return nil, false
	}
	// The folder is not asked, as open does, whether a link leads out of it: this
	// file was found within, and only this one is accepted.
	now, err := os.Stat(filepath.Join(d.path, filepath.FromSlash(key)))
	if err == nil && sameFile(now, held.info) {
		if out, err = readParts(ctx, held.file, held.object, ranges); err == nil {
			now, err = held.file.Stat()
		}
	}
	if err != nil || !sameFile(now, held.info) {
		d.files.forget(key)
		return nil, false
	}
	return out, true
}

// sameFile tells whether a file is the same one, and nobody wrote to it.
func sameFile(a, b fs.FileInfo) bool {
	return os.SameFile(a, b) && a.Size() == b.Size() && a.Mode() == b.Mode() && a.ModTime().Equal(b.ModTime())
}
