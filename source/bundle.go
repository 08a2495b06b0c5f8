package source

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/pims-cloud/pims/fault"
)

// MaxNames bounds how many files a folder bundle may list; the largest known
// multi-file slides have a few ten thousand.
const MaxNames = 100_000

// Single is the bundle of one sequence: what a single-file slide is opened from.
func Single(name string, r Reader) Bundle {
	return single{name: name, r: r}
}

type single struct {
	name string
	r    Reader
}

func (s single) Main() string { return s.name }

func (s single) Names(context.Context) ([]string, error) { return []string{s.name}, nil }

func (s single) Open(_ context.Context, name string) (Reader, error) {
	if name != s.name {
		return nil, NoSuchName(name)
	}
	return s.r, nil
}

// NoSuchName is the error of a Bundle that was asked for a name it has not.
func NoSuchName(name string) error {
	return fault.New(fault.NotFound, "source-not-found", "The slide has no file %q.", name)
}

// Folder is the bundle of all regular files below the local folder dir, opened
// at main, a name relative to it. Names use "/". Symbolic links are followed
// only within dir, and folders that are symbolic links are not listed. Nothing
// stays open; see File. Kind NotFound when dir or main is missing, TooLarge
// when Names would list more than MaxNames.
func Folder(dir, main string) (Bundle, error) {
	b := folder{dir: dir, main: main}
	if _, err := b.Open(context.Background(), main); err != nil {
		return nil, err
	}
	return b, nil
}

type folder struct{ dir, main string }

func (b folder) Main() string { return b.main }

func (b folder) Names(ctx context.Context) ([]string, error) {
	var names []string
	walk := func(name string, entry fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if entry.IsDir() || !b.isFile(name, entry) {
			return nil
		}
		if len(names) >= MaxNames {
			return fault.New(fault.TooLarge, "source-too-many-files",
				"The folder has more than %d files; a slide has fewer.", MaxNames)
		}
		names = append(names, name)
		return nil
	}
	if err := fs.WalkDir(os.DirFS(b.dir), ".", walk); err != nil {
		if fault.KindOf(err) != fault.Internal {
			return nil, err
		}
		return nil, fileFault(b.dir, err)
	}
	slices.Sort(names)
	return names, nil
}

// isFile tells whether name can be opened: a regular file, or a link to one
// that does not leave the folder.
func (b folder) isFile(name string, entry fs.DirEntry) bool {
	if entry.Type()&fs.ModeSymlink == 0 {
		return entry.Type().IsRegular()
	}
	_, err := b.Open(context.Background(), name)
	return err == nil
}

func (b folder) Open(_ context.Context, name string) (Reader, error) {
	if !fs.ValidPath(name) || name == "." {
		return nil, NoSuchName(name)
	}
	r, err := newFile(name, func() (*os.File, error) {
		root, err := os.OpenRoot(b.dir)
		if err != nil {
			return nil, err
		}
		defer root.Close()
		return root.OpenFile(filepath.FromSlash(name), openFlags, 0)
	})
	var pathErr *fs.PathError
	// The only path error left without a kind is a link that leaves the folder.
	if fault.KindOf(err) == fault.Internal && errors.As(err, &pathErr) {
		return nil, fault.New(fault.Denied, "source-denied", "%q leads out of the slide's folder.", name).Because(err)
	}
	return r, err
}
