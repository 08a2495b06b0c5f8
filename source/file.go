package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"

	"github.com/pims-cloud/pims/fault"
)

// File is a Reader of the local file at path as it is now.
//
// Nothing stays open: every ReadRanges opens the file, compares its identity
// (inode, size, modification time in nanoseconds) with the one seen here, reads,
// and compares again. That costs some ten microseconds a batch and buys three
// things: no Close to forget, no limit on how many slides are open at once, and
// a file that was replaced or rewritten gives kind Changed instead of a mixture
// of old and new bytes. A writer that puts the modification time back can not
// be noticed.
//
// Kind NotFound when there is no such file, Invalid when it is not a regular
// file, Denied when it may not be read.
func File(path string) (Reader, error) {
	return newFile(path, func() (*os.File, error) {
		return os.OpenFile(path, openFlags, 0)
	})
}

// openFlags keeps an open from waiting for the writer of a named pipe.
const openFlags = os.O_RDONLY | syscall.O_NONBLOCK

// file reads one local file through open, which may be confined to a folder.
type file struct {
	name    string
	open    func() (*os.File, error)
	size    int64
	version string
}

func newFile(name string, open func() (*os.File, error)) (Reader, error) {
	f, err := open()
	if err != nil {
		return nil, fileFault(name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fileFault(name, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Invalid, "source-not-a-file",
			"%q is not a regular file (%s).", name, info.Mode().Type())
	}
	return &file{name: name, open: open, size: info.Size(), version: FileVersion(info)}, nil
}

// FileVersion is the version that a file's identity stands for: modification
// time, size and inode. It needs no read of the bytes.
func FileVersion(info fs.FileInfo) string {
	var inode uint64
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		inode = uint64(st.Ino)
	}
	return fmt.Sprintf("%x-%x-%x", info.ModTime().UnixNano(), info.Size(), inode)
}

func (f *file) Size() int64     { return f.size }
func (f *file) Version() string { return f.version }

func (f *file) ReadRanges(ctx context.Context, ranges []Range) ([][]byte, error) {
	if err := Check(f.size, ranges); err != nil {
		return nil, err
	}
	h, err := f.open()
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, changed(f.name).Because(err)
		}
		return nil, fileFault(f.name, err)
	}
	defer h.Close()
	if err := f.same(h); err != nil {
		return nil, err
	}
	out := make([][]byte, len(ranges))
	for i, r := range ranges {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out[i] = make([]byte, r.Length)
		if _, err := h.ReadAt(out[i], r.Offset); err != nil {
			if errors.Is(err, io.EOF) { // cut short since it was opened
				return nil, changed(f.name).Because(err)
			}
			return nil, fileFault(f.name, err)
		}
	}
	// Who rewrites a file in place while it is read must not make a mixture.
	if err := f.same(h); err != nil {
		return nil, err
	}
	return out, nil
}

// same reports kind Changed unless h is still the file that was opened first.
func (f *file) same(h *os.File) error {
	info, err := h.Stat()
	if err != nil {
		return fileFault(f.name, err)
	}
	if FileVersion(info) != f.version {
		return changed(f.name)
	}
	return nil
}

func changed(name string) *fault.Error {
	return fault.New(fault.Changed, "source-changed",
		"%q was replaced or rewritten after it had been opened; open it again.", name)
}

func fileFault(name string, err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fault.New(fault.NotFound, "source-not-found", "There is no file %q.", name).Because(err)
	case errors.Is(err, fs.ErrPermission):
		return fault.New(fault.Denied, "source-denied", "The file %q may not be read.", name).Because(err)
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG), errors.Is(err, syscall.EINVAL):
		return fault.New(fault.NotFound, "source-not-found", "There can be no file %q.", name).Because(err)
	default:
		return fault.New(fault.Internal, "source-read-failed", "Reading %q failed.", name).Because(err)
	}
}
