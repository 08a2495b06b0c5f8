package dir

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"iter"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"github.com/pims-cloud/pims/internal/objectstore"
)

// batchEntries is how many names are read between two looks at the context.
const batchEntries = 4096

func (d *driver) List(ctx context.Context, prefix string) iter.Seq2[objectstore.Object, error] {
	return func(yield func(objectstore.Object, error) bool) {
		folder, start := path.Split(prefix)
		d.walk(ctx, strings.TrimSuffix(folder, "/"), start, yield)
	}
}

// walk yields the objects of a folder ("" is the root) whose first element
// starts with start, folders' contents in the place of the folder; it returns
// false when the walk is over.
func (d *driver) walk(ctx context.Context, folder, start string, yield func(objectstore.Object, error) bool) bool {
	names, err := d.entries(ctx, folder, start)
	if err != nil {
		yield(objectstore.Object{}, readFault(folder, err))
		return false
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			yield(objectstore.Object{}, err)
			return false
		}
		key := path.Join(folder, name) // without the slash
		if strings.HasSuffix(name, "/") {
			if !d.walk(ctx, key, "", yield) {
				return false
			}
			continue
		}
		// Whatever is gone by now, is no file, or may not be read, is no object.
		info, err := d.root().Stat(filepath.FromSlash(key))
		if err != nil || !info.Mode().IsRegular() {
			continue
		}
		if !yield(objectOf(key, info), nil) {
			return false
		}
	}
	return true
}

// entries lists a folder in order of the keys in it, which is that of the names
// with a "/" after those of folders. A folder that is not there is empty.
func (d *driver) entries(ctx context.Context, folder, start string) ([]string, error) {
	if folder == "" {
		folder = "."
	}
	f, err := d.root().Open(filepath.FromSlash(folder))
	if isAbsent(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var names []string
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		batch, err := f.ReadDir(batchEntries)
		for _, entry := range batch {
			name := entry.Name()
			if !strings.HasPrefix(name, start) || strings.HasPrefix(name, objectstore.ReservedPrefix) {
				continue
			}
			if entry.IsDir() {
				name += "/"
			}
			names = append(names, name)
		}
		if errors.Is(err, io.EOF) || isAbsent(err) { // the end, or removed under us
			break
		}
		if err != nil {
			return nil, err
		}
	}
	slices.Sort(names)
	return names, nil
}

// isAbsent tells whether a folder could not be opened because there is none.
func isAbsent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.ENAMETOOLONG)
}

func (d *driver) Folders(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		folder := strings.TrimSuffix(prefix, "/")
		names, err := d.entries(ctx, folder, "")
		if err != nil {
			yield("", readFault(prefix, err))
			return
		}
		for _, name := range names {
			name, isFolder := strings.CutSuffix(name, "/")
			if !isFolder {
				continue
			}
			has, err := d.hasObject(ctx, path.Join(folder, name))
			if err != nil {
				yield("", err)
				return
			}
			if has && !yield(name, nil) {
				return
			}
		}
	}
}

// hasObject tells a folder with objects from one that only has empty folders.
func (d *driver) hasObject(ctx context.Context, folder string) (found bool, err error) {
	d.walk(ctx, folder, "", func(_ objectstore.Object, e error) bool {
		found, err = e == nil, e
		return false
	})
	return found, err
}
