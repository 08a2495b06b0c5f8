package dir

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"syscall"
	"time"

	"github.com/pims-cloud/pims/internal/objectstore"
)

func (d *driver) Put(ctx context.Context, key string, body io.Reader, _ int64, options objectstore.PutOptions) (objectstore.Object, error) {
	return d.write(ctx, key, options, func(f *os.File) error {
		// Of a body that is no file os.File.ReadFrom would take 32 KiB at a time.
		to := struct{ io.Writer }{f}
		_, err := io.CopyBuffer(to, &cancellable{ctx: ctx, r: body}, make([]byte, putBuffer))
		return err
	})
}

// putBuffer is how much of a body is written at a time.
const putBuffer = 256 << 10

// cancellable ends a body when the context of its write does.
type cancellable struct {
	ctx context.Context
	r   io.Reader
}

func (c *cancellable) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// CopyFrom copies from another folder store without the bytes passing through
// this process; see the package comment for when it links.
func (d *driver) CopyFrom(ctx context.Context, from objectstore.Driver, o objectstore.Object, key string, options objectstore.PutOptions) (objectstore.Object, bool, error) {
	other, ok := from.(*driver)
	if !ok {
		return objectstore.Object{}, false, nil
	}
	in, opened, err := other.open(ctx, o.Key, o.ETag)
	if err != nil {
		return objectstore.Object{}, false, err
	}
	defer in.Close()
	if options.MayShare {
		shared, err := d.share(ctx, other, in, opened, key, options)
		if !errors.Is(err, errNotShared) {
			return shared, true, err
		}
	}
	copied, err := d.write(ctx, key, options, func(out *os.File) error {
		if err := copyFile(ctx, out, in, opened.Size); err != nil {
			return err
		}
		return unchanged(in, opened)
	})
	return copied, true, err
}

// copyStep is how much is copied between two looks at the context.
const copyStep = 64 << 20

// copyFile clones in to out, or copies it within the kernel.
func copyFile(ctx context.Context, out, in *os.File, size int64) error {
	if clone(out, in) == nil {
		return nil
	}
	for left := size; left > 0; left -= copyStep {
		if err := ctx.Err(); err != nil {
			return err
		}
		// os.File.ReadFrom makes copy_file_range(2) of this.
		if _, err := io.CopyN(out, in, min(left, copyStep)); err != nil {
			if errors.Is(err, io.EOF) {
				return nil // cut short meanwhile; unchanged will say so
			}
			return err
		}
	}
	return nil
}

// write fills a temporary file and puts it in place of key.
func (d *driver) write(ctx context.Context, key string, options objectstore.PutOptions, fill func(*os.File) error) (objectstore.Object, error) {
	f, temp, err := d.createTemp()
	if err != nil {
		return objectstore.Object{}, writeFault(key, err)
	}
	defer f.Close()
	defer func() { _ = d.root().Remove(temp) }() // gone already when it was renamed
	info, err := d.finish(f, temp, fill)
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		err = d.place(temp, key, options)
	}
	if err != nil {
		return objectstore.Object{}, writeFault(key, err)
	}
	d.files.forget(key)
	return objectOf(key, info), nil
}

// finish writes the bytes and brings them to the disk.
func (d *driver) finish(f *os.File, temp string, fill func(*os.File) error) (fs.FileInfo, error) {
	if err := fill(f); err != nil {
		return nil, err
	}
	// The kernel stamps files with a clock that ticks every few milliseconds.
	// An exact time makes two quick writes of one size differ even if the
	// second gets the first one's inode.
	now := time.Now()
	if err := d.root().Chtimes(temp, now, now); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	return f.Stat()
}

// place gives the temporary file its name, if the conditions hold.
func (d *driver) place(temp, key string, options objectstore.PutOptions) error {
	folder, old := path.Dir(key), "" // old is the deepest folder that was there
	err := d.locked(func() error {
		for old = folder; old != "."; old = path.Dir(old) {
			if _, err := d.root().Stat(filepath.FromSlash(old)); err == nil {
				break
			}
		}
		return d.placeLocked(temp, key, options)
	})
	if err != nil {
		return err
	}
	for {
		if err := d.syncFolder(folder); err != nil || folder == old {
			return err
		}
		folder = path.Dir(folder)
	}
}

func (d *driver) placeLocked(temp, key string, options objectstore.PutOptions) error {
	name := filepath.FromSlash(key)
	if options.OnlyIfETag != "" {
		info, err := d.root().Stat(name)
		if err != nil || objectOf(key, info).ETag != options.OnlyIfETag {
			return objectstore.Changed(key).Because(err)
		}
		return d.root().Rename(temp, name)
	}
	if folder := path.Dir(key); folder != "." {
		if err := d.root().MkdirAll(filepath.FromSlash(folder), 0o755); err != nil {
			return err
		}
	}
	if !options.OnlyIfAbsent {
		return d.root().Rename(temp, name)
	}
	err := d.root().Link(temp, name)
	switch {
	case errors.Is(err, fs.ErrExist):
		return objectstore.Changed(key).Because(err)
	case errors.Is(err, syscall.EPERM), errors.Is(err, syscall.ENOTSUP), errors.Is(err, syscall.ENOSYS):
		// A file system without links: the lock alone must do.
		if _, err := d.root().Lstat(name); err == nil {
			return objectstore.Changed(key)
		}
		return d.root().Rename(temp, name)
	}
	return err
}

// locked runs do while no other process or goroutine renames or removes
// anything in this store.
func (d *driver) locked(do func() error) error {
	if err := d.root().MkdirAll(ownFolder, 0o755); err != nil {
		return err
	}
	lock, err := d.root().OpenFile(lockFile, os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return err
	}
	defer lock.Close() // which also gives the lock back
	for {
		err = syscall.Flock(int(lock.Fd()), syscall.LOCK_EX)
		if !errors.Is(err, syscall.EINTR) {
			break
		}
	}
	if err != nil {
		return err
	}
	return do()
}

// syncFolder makes new names in a folder survive a power cut. Some network
// file systems can not do that and say so; that is no failure of the write.
func (d *driver) syncFolder(folder string) error {
	f, err := d.root().Open(folder)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // removed by a deletion meanwhile
		}
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) && !errors.Is(err, syscall.ENOTSUP) {
		return err
	}
	return nil
}

func (d *driver) Delete(ctx context.Context, keys []string) error {
	for _, key := range keys {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := d.locked(func() error { return d.deleteLocked(key) }); err != nil {
			return writeFault(key, err)
		}
		d.files.forget(key)
	}
	return nil
}

// deleteLocked removes one file and the folders that it leaves empty, since a
// folder is nothing but a part of keys.
func (d *driver) deleteLocked(key string) error {
	info, err := d.root().Lstat(filepath.FromSlash(key))
	if err == nil && !info.IsDir() {
		err = d.root().Remove(filepath.FromSlash(key))
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), errors.Is(err, syscall.ENAMETOOLONG):
		return nil
	case err != nil:
		return err
	}
	folder := path.Dir(key)
	for folder != "." && d.root().Remove(filepath.FromSlash(folder)) == nil {
		folder = path.Dir(folder)
	}
	return d.syncFolder(folder)
}
