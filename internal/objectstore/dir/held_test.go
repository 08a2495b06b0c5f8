package dir

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/source"
)

func opened(t *testing.T) *driver {
	t.Helper()
	d, err := Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	own := d.(*driver)
	t.Cleanup(func() {
		for key := range own.files.files {
			own.files.forget(key)
		}
	})
	return own
}

func put(t *testing.T, d *driver, key, content string) objectstore.Object {
	t.Helper()
	o, err := d.Put(t.Context(), key, strings.NewReader(content), int64(len(content)), objectstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func read(ctx context.Context, d *driver, o objectstore.Object) (string, error) {
	got, err := d.ReadRanges(ctx, o.Key, o.ETag, []source.Range{{Offset: 0, Length: o.Size}})
	return string(bytes.Join(got, nil)), err
}

// TestHeldFileIsTheOneThatTheKeyNames reads a file that is held after others did
// something to it.
func TestHeldFileIsTheOneThatTheKeyNames(t *testing.T) {
	for name, row := range map[string]struct {
		do   func(path string) error
		want fault.Kind
	}{
		"replaced by a rename": {func(path string) error {
			if err := os.WriteFile(path+".new", []byte("other"), 0o644); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		}, fault.Changed},
		"rewritten in place": {func(path string) error {
			return errors.Join(os.WriteFile(path, []byte("other"), 0o644), os.Chtimes(path, time.Time{}, time.Unix(1, 0)))
		}, fault.Changed},
		"cut short": {func(path string) error { return os.Truncate(path, 2) }, fault.Changed},
		"removed":   {os.Remove, fault.NotFound},
		"its folder moved away": {func(path string) error {
			return os.Rename(filepath.Dir(path), filepath.Dir(path)+"-away")
		}, fault.NotFound},
		"a link out of the folder": {func(path string) error {
			outside := filepath.Join(filepath.Dir(filepath.Dir(filepath.Dir(path))), "outside")
			return errors.Join(os.WriteFile(outside, []byte("bytes"), 0o644), os.Remove(path), os.Symlink(outside, path))
		}, fault.Denied},
	} {
		t.Run(name, func(t *testing.T) {
			d := opened(t)
			o := put(t, d, "slide/a.tif", "bytes")
			for range 2 {
				if got, err := read(t.Context(), d, o); got != "bytes" || err != nil {
					t.Fatalf("%q, %v", got, err)
				}
			}
			if len(d.files.files) != 1 {
				t.Fatalf("%d files are held, want 1", len(d.files.files))
			}
			if err := row.do(filepath.Join(d.path, "slide", "a.tif")); err != nil {
				t.Fatal(err)
			}
			if got, err := read(t.Context(), d, o); fault.KindOf(err) != row.want {
				t.Errorf("%q, %v, want kind %s", got, err, row.want)
			}
			if len(d.files.files) != 0 {
				t.Error("the old file is still held")
			}
		})
	}
}

func TestHeldFilesAreFew(t *testing.T) {
	d := opened(t)
	var first *heldFile
	for i := range maxHeld + 10 {
		o := put(t, d, fmt.Sprint(i), "bytes")
		if _, err := read(t.Context(), d, o); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = d.files.get(o.Key, o.ETag)
		}
	}
	if len(d.files.files) != maxHeld {
		t.Errorf("%d files are held, want %d", len(d.files.files), maxHeld)
	}
	if _, err := first.file.Stat(); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("the file that was not read for longest: %v, want it closed", err)
	}
}

func TestIdleFilesAreClosed(t *testing.T) {
	d := opened(t)
	o := put(t, d, "a", "bytes")
	if _, err := read(t.Context(), d, o); err != nil {
		t.Fatal(err)
	}
	d.files.closeIdle()
	if len(d.files.files) != 1 || d.files.timer == nil {
		t.Fatal("a file that was read just now is not held")
	}
	d.files.files["a"].used = time.Now().Add(-heldFor)
	d.files.closeIdle()
	if len(d.files.files) != 0 || d.files.timer != nil {
		t.Error("a file that nobody reads is still held")
	}
	if got, err := read(t.Context(), d, o); got != "bytes" || err != nil {
		t.Errorf("read again: %q, %v", got, err)
	}
}

func TestOwnWritesAndDeletionsLetGo(t *testing.T) {
	d := opened(t)
	for name, do := range map[string]func(key string) error{
		"put":    func(key string) error { put(t, d, key, "other"); return nil },
		"delete": func(key string) error { return d.Delete(t.Context(), []string{key}) },
	} {
		o := put(t, d, name, "bytes")
		if _, err := read(t.Context(), d, o); err != nil {
			t.Fatal(err)
		}
		if err := do(name); err != nil {
			t.Fatal(err)
		}
		if len(d.files.files) != 0 {
			t.Errorf("after a %s the old file is still held", name)
		}
	}
}
