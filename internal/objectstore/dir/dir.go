// Package dir is an object store in a local folder: the key is the path below
// it. Files that others put there, and folders they make, are objects like any
// other; an object can not be where a folder is.
//
// # Versions
//
// The ETag is made of modification time (nanoseconds), size and inode. A write
// goes to a hidden temporary file, is synced, gets the current time, and is then
// renamed (or linked) into place, so a reader sees the old bytes or the new ones.
// Every read compares the opened file with the expected ETag before and after it
// reads: a file that was replaced, or rewritten in place by another program, gives
// kind Changed and no bytes.
//
// Up to 64 files of which parts were read stay open, each for half a minute or a
// whole one after its last read: opening a file below the folder costs more than
// reading a tile. Each read first makes sure that the key still names this very
// file.
//
// # Conditions
//
// OnlyIfAbsent is link(2), which fails when the name exists. All renames and
// deletions hold flock(2) on one lock file for some microseconds, so that
// OnlyIfETag holds between processes as well.
//
// # Copies
//
// CopyFrom clones the file's blocks where the file system can (btrfs, XFS), else
// copies within the kernel. It makes a hard link only when it is told that the
// original is removed right after (PutOptions.MayShare) and the original has no
// other name: scanner and de-identification software rewrites files in place, and
// a linked slide would change with the file that it came from. What is rewritten
// nevertheless has another ETag from then on. Otherwise the disk space is the price.
//
// # What lies in the folder
//
// <key>, and .pims-store/ with the lock and the temporary files; those left by a
// killed process are removed by Open after a day. They lie in one folder, not
// beside their targets, so that cleaning up needs no walk and folder watchers
// never see them; the store must therefore be one file system. Symbolic links are
// followed only within the folder; folders that are links are not listed.
package dir

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/source"
)

const (
	ownFolder  = objectstore.ReservedPrefix + "store"
	tempFolder = ownFolder + "/tmp"
	lockFile   = ownFolder + "/lock"
	// leftAfter is when a temporary file can no longer be one being written.
	leftAfter = 24 * time.Hour
)

// Open makes a store of the folder at path, which is made if it is not there.
func Open(path string) (objectstore.Driver, error) {
	absolute, err := filepath.Abs(path)
	if err != nil {
		return nil, openFault(path, err)
	}
	if err := os.MkdirAll(absolute, 0o755); err != nil {
		return nil, openFault(path, err)
	}
	d := &driver{path: absolute}
	if err := d.reopen(); err != nil {
		return nil, openFault(path, err)
	}
	d.sweep(time.Now().Add(-leftAfter))
	return d, nil
}

func openFault(path string, err error) error {
	kind := fault.Invalid
	if errors.Is(err, fs.ErrPermission) {
		kind = fault.Denied
	}
	return fault.New(kind, "store-open", "The folder %q can not be used as a store.", path).Because(err)
}

// driver is safe for concurrent use.
type driver struct {
	path string // absolute

	mu     sync.RWMutex // guards held and heldIs
	held   *os.Root
	heldIs fs.FileInfo

	files heldFiles
}

// root is the folder that is at the path now. Somebody may have removed the
// folder and made it anew, or mounted a disk there, since it was opened.
func (d *driver) root() *os.Root {
	now, err := os.Stat(d.path)
	d.mu.RLock()
	held, heldIs := d.held, d.heldIs
	d.mu.RUnlock()
	if err != nil || os.SameFile(now, heldIs) || d.reopen() != nil {
		return held
	}
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.held
}

// reopen opens what is at the path. The former folder is closed when its last
// user is done with it, by os.Root itself.
func (d *driver) reopen() error {
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return err
	}
	is, err := root.Stat(".")
	if err != nil {
		root.Close()
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held, d.heldIs = root, is
	return nil
}

// URL is the folder as a file URL.
func (d *driver) URL() string { return "file://" + d.path }

// Path gives the local file of a key when driver is a folder store: for
// programs that must be given a file name. Reading it bypasses the comparison
// of versions.
func Path(d objectstore.Driver, key string) (string, bool) {
	own, ok := objectstore.Innermost(d).(*driver)
	if !ok {
		return "", false
	}
	return filepath.Join(own.path, filepath.FromSlash(key)), true
}

// sweep removes temporary files that were last written before the given time.
// Failing to do so is no reason not to open the store.
func (d *driver) sweep(before time.Time) {
	entries, err := fs.ReadDir(d.root().FS(), tempFolder)
	if err != nil {
		return
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err == nil && info.Mode().IsRegular() && info.ModTime().Before(before) {
			_ = d.root().Remove(tempFolder + "/" + entry.Name())
		}
	}
}

// createTemp makes an empty temporary file of a new name.
func (d *driver) createTemp() (*os.File, string, error) {
	if err := os.MkdirAll(d.path, 0o755); err != nil { // removed since it was opened
		return nil, "", err
	}
	if err := d.root().MkdirAll(tempFolder, 0o755); err != nil {
		return nil, "", err
	}
	name := tempFolder + "/" + rand.Text()
	f, err := d.root().OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o644)
	return f, name, err
}

// objectOf is what a file is as an object.
func objectOf(key string, info fs.FileInfo) objectstore.Object {
	return objectstore.Object{
		Key: key, Size: info.Size(), ETag: source.FileVersion(info), ModTime: info.ModTime().UTC(),
	}
}

// readFault gives the errors of looking for key their kinds.
func readFault(key string, err error) error {
	var errno syscall.Errno
	var known *fault.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		return objectstore.NotFound(key).Because(err)
	case errors.Is(err, syscall.ESTALE): // NFS: replaced between two steps
		return objectstore.Changed(key).Because(err)
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return fault.New(fault.Busy, "store-slow-down",
			"Too many files are open; raise the limit (ulimit -n) or lower STORE_CONCURRENCY.").Because(err)
	case errors.Is(err, fs.ErrPermission), !errors.As(err, &errno) && isPathError(err):
		// os.Root reports a link that leaves the folder as an error without a number.
		return fault.New(fault.Denied, "store-denied", "The file %q may not be read.", key).Because(err)
	}
	return err
}

// isPathError tells an error of package os from one of a body or a context.
func isPathError(err error) bool {
	var pathErr *fs.PathError
	var linkErr *os.LinkError
	return errors.As(err, &pathErr) || errors.As(err, &linkErr)
}

// writeFault gives the errors of writing key their kinds.
func writeFault(key string, err error) error {
	var known *fault.Error
	switch {
	case errors.As(err, &known):
		return err
	case errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.ENOTDIR),
		errors.Is(err, syscall.EISDIR), errors.Is(err, syscall.EEXIST), errors.Is(err, syscall.ENOTEMPTY):
		return fault.New(fault.Invalid, "store-key",
			"%q can not be a file: a path element is too long, or a folder stands where a file should, or the reverse.", key).Because(err)
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fault.New(fault.TooLarge, "store-full", "The disk of the store is full; %q was not written.", key).Because(err)
	case errors.Is(err, syscall.EROFS):
		return fault.New(fault.Denied, "store-denied", "The store is read only; %q was not written.", key).Because(err)
	}
	return readFault(key, err)
}
