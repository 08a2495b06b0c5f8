package source_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/source/sourcetest"
)

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

func openFile(t *testing.T, content []byte) sourcetest.Opened {
	path := filepath.Join(t.TempDir(), "slide.svs")
	write(t, path, content)
	r, err := source.File(path)
	if err != nil {
		t.Fatal(err)
	}
	return sourcetest.Opened{Reader: r, Replace: func(other []byte) {
		write(t, path+".new", other)
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}}
}

func TestFile(t *testing.T) { sourcetest.Run(t, openFile) }

func TestBytes(t *testing.T) {
	sourcetest.Run(t, func(_ *testing.T, content []byte) sourcetest.Opened {
		return sourcetest.Opened{Reader: source.Bytes(string(content[:min(len(content), 10)])+"v", content)}
	})
}

func TestBlocks(t *testing.T) {
	for _, size := range []struct {
		bytes int64
		max   int
	}{{4096, 8}, {1, 1}, {0, 0}, {1000, 3}, {1 << 20, 2}} {
		sourcetest.Run(t, func(t *testing.T, content []byte) sourcetest.Opened {
			o := openFile(t, content)
			o.Reader = source.Blocks(o.Reader, size.bytes, size.max)
			return o
		})
	}
}

func TestSection(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T, content []byte) sourcetest.Opened {
		o := openFile(t, append([]byte("before"), append(bytes.Clone(content), "behind"...)...))
		r, err := source.Section(o.Reader, 6, int64(len(content)))
		if err != nil {
			t.Fatal(err)
		}
		return sourcetest.Opened{Reader: r, Replace: o.Replace}
	})
	for _, bad := range [][2]int64{{-1, 1}, {0, -1}, {0, 6}, {6, 0}, {1 << 62, 1 << 62}} {
		if _, err := source.Section(source.Bytes("v", []byte("12345")), bad[0], bad[1]); fault.KindOf(err) != fault.Invalid {
			t.Errorf("section %v of 5 bytes: %v", bad, err)
		}
	}
}

func TestFileRewrittenInPlaceIsChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "slide.svs")
	write(t, path, []byte("old content"))
	r, err := source.File(path)
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, []byte("new content")) // the same inode, the same size
	if err := os.Chtimes(path, time.Time{}, time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := source.ReadAt(t.Context(), r, 0, 3); fault.KindOf(err) != fault.Changed {
		t.Errorf("error %v, want kind changed", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := source.ReadAt(t.Context(), r, 0, 3); fault.KindOf(err) != fault.Changed {
		t.Errorf("removed: error %v, want kind changed", err)
	}
}

func TestFileRefusesWhatIsNoFile(t *testing.T) {
	folder := t.TempDir()
	pipe := filepath.Join(folder, "pipe")
	if err := syscall.Mkfifo(pipe, 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]fault.Kind{
		folder: fault.Invalid, pipe: fault.Invalid, // and does not wait for a writer
		filepath.Join(folder, "missing"): fault.NotFound, filepath.Join(pipe, "below"): fault.NotFound,
	} {
		if _, err := source.File(path); fault.KindOf(err) != want {
			t.Errorf("%s: error %v, want kind %s", path, err, want)
		}
	}
}

func TestFolder(t *testing.T) {
	outside, folder := t.TempDir(), t.TempDir()
	write(t, filepath.Join(outside, "secret"), []byte("secret"))
	files := map[string][]byte{"slide.mrxs": []byte("main"), "slide/Data0001.dat": []byte("data"), "slide/ü b/Index.dat": []byte("index")}
	for name, content := range files {
		write(t, filepath.Join(folder, name), content)
	}
	for from, to := range map[string]string{
		"leak": filepath.Join(outside, "secret"), "slide/leaks": outside, "loop": ".", "dangling": "nowhere",
	} {
		if err := os.Symlink(to, filepath.Join(folder, from)); err != nil {
			t.Fatal(err)
		}
	}
	b, err := source.Folder(folder, "slide.mrxs")
	if err != nil {
		t.Fatal(err)
	}
	sourcetest.RunBundle(t, b, files)
	for _, name := range []string{"leak", "slide/leaks/secret"} {
		if _, err := b.Open(t.Context(), name); fault.KindOf(err) != fault.Denied {
			t.Errorf("open %q, which lies outside: %v", name, err)
		}
	}
	if _, err := source.Folder(folder, "missing"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a folder without its main file: %v", err)
	}
}

func TestSingle(t *testing.T) {
	b := source.Single("slide.svs", source.Bytes("v", []byte("content")))
	sourcetest.RunBundle(t, b, map[string][]byte{"slide.svs": []byte("content")})
}

func TestReaderAtIsAnIOReaderAt(t *testing.T) {
	content := bytes.Repeat([]byte("0123456789"), 100)
	at := source.ReaderAt(t.Context(), source.Bytes("v", content))
	if err := iotest.TestReader(io.NewSectionReader(at, 0, 1000), content); err != nil {
		t.Error(err)
	}
	if n, err := at.ReadAt(make([]byte, 10), 995); n != 5 || err != io.EOF {
		t.Errorf("across the end: %d, %v", n, err)
	}
	if n, err := at.ReadAt(make([]byte, 10), 2000); n != 0 || err != io.EOF {
		t.Errorf("behind the end: %d, %v", n, err)
	}
	if _, err := at.ReadAt(make([]byte, 10), -1); fault.KindOf(err) != fault.Invalid {
		t.Errorf("before the start: %v", err)
	}
}

// recorder notes which ranges are read, and fails when told to.
type recorder struct {
	source.Reader
	batches [][]source.Range
	err     error
}

func (r *recorder) ReadRanges(ctx context.Context, ranges []source.Range) ([][]byte, error) {
	r.batches = append(r.batches, ranges)
	if r.err != nil {
		return nil, r.err
	}
	return r.Reader.ReadRanges(ctx, ranges)
}

func TestBlocksReadsFewTimes(t *testing.T) {
	under := &recorder{Reader: source.Bytes("v", make([]byte, 10_500))}
	r := source.Blocks(under, 1000, 4)
	read := func(ranges ...source.Range) {
		t.Helper()
		if _, err := r.ReadRanges(t.Context(), ranges); err != nil {
			t.Fatal(err)
		}
	}
	want := func(batches ...[]source.Range) {
		t.Helper()
		if diff := cmp.Diff(batches, under.batches); diff != "" {
			t.Errorf("reads (-want +got):\n%s", diff)
		}
		under.batches = nil
	}
	read(source.Range{Offset: 10, Length: 4}, source.Range{Offset: 100, Length: 8}, source.Range{Offset: 990, Length: 20})
	want([]source.Range{{Offset: 0, Length: 2000}}) // two blocks, neighbours: one read
	read(source.Range{Offset: 1999, Length: 1}, source.Range{Offset: 0, Length: 1})
	want()
	read(source.Range{Offset: 10_400, Length: 100})
	want([]source.Range{{Offset: 10_000, Length: 500}}) // the last block is short
	read(source.Range{Offset: 500, Length: 1}, source.Range{Offset: 3000, Length: 5000}, source.Range{Offset: 2000, Length: 1})
	want([]source.Range{{Offset: 2000, Length: 1000}, {Offset: 3000, Length: 5000}}) // a large range goes past the cache
	read(source.Range{Offset: 4000, Length: 1})                                      // the fifth block: number 1 was used least
	read(source.Range{Offset: 0, Length: 1}, source.Range{Offset: 10_000, Length: 1})
	want([]source.Range{{Offset: 4000, Length: 1000}})
	read(source.Range{Offset: 1000, Length: 1})
	want([]source.Range{{Offset: 1000, Length: 1000}})
	under.err = errors.New("broken")
	if _, err := r.ReadRanges(t.Context(), []source.Range{{Offset: 9000, Length: 1}}); !errors.Is(err, under.err) {
		t.Errorf("error %v, want that of the reader below", err)
	}
	under.err, under.batches = nil, nil
	read(source.Range{Offset: 9000, Length: 1})
	want([]source.Range{{Offset: 9000, Length: 1000}}) // a failure is not kept
}
