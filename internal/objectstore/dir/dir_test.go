package dir_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/dir"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/source/sourcetest"
)

// folder is a store and the folder that it lies in.
func folder(t *testing.T) (*objectstore.Store, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "data", "slides") // made by Open
	d, err := dir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return objectstore.New(d), path
}

func put(t *testing.T, s *objectstore.Store, key, content string) objectstore.Object {
	t.Helper()
	o, err := s.Put(t.Context(), key, strings.NewReader(content), int64(len(content)), objectstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func wantKind(t *testing.T, doing string, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("%s: error %v (kind %s), want kind %s", doing, err, fault.KindOf(err), want)
	}
}

func TestSourceOfAnObjectIsAReader(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T, content []byte) sourcetest.Opened {
		s, _ := folder(t)
		return sourcetest.Opened{
			Reader:  s.Source(put(t, s, "slide.svs", string(content))),
			Replace: func(other []byte) { put(t, s, "slide.svs", string(other)) },
		}
	})
}

func TestFilesOfOthersAreObjects(t *testing.T) {
	s, path := folder(t)
	write(t, filepath.Join(path, "scanner", "slide.svs"), "from a scanner")
	data, o, err := s.Get(t.Context(), "scanner/slide.svs", 100)
	if err != nil || string(data) != "from a scanner" {
		t.Fatalf("%q, %v", data, err)
	}
	// De-identification software writes into the file that it finds.
	f, err := os.OpenFile(filepath.Join(path, "scanner", "slide.svs"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("anon"), 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(f.Name(), time.Time{}, time.Now().Add(time.Second)); err != nil {
		t.Fatal(err)
	}
	f.Close()
	_, err = s.Source(o).ReadRanges(t.Context(), []source.Range{{Offset: 0, Length: 4}})
	wantKind(t, "read of a file rewritten in place", err, fault.Changed)
}

func TestCopySharesNoBytesThatCanChange(t *testing.T) {
	uploads, path := folder(t)
	slides, slidesPath := folder(t)
	o := put(t, uploads, "slide.svs", "original")
	copied, err := slides.Copy(t.Context(), uploads, o, "upload-1/slide.svs", objectstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(path, "slide.svs"), "REWRITTEN IN PLACE")
	if err := os.Truncate(filepath.Join(path, "slide.svs"), 0); err != nil {
		t.Fatal(err)
	}
	parts, err := slides.ReadRanges(t.Context(), copied.Key, copied.ETag, []source.Range{{Offset: 0, Length: 8}})
	if err != nil || string(parts[0]) != "original" {
		t.Errorf("the copy is %q, %v", parts, err)
	}
	info, err := os.Stat(filepath.Join(slidesPath, "upload-1", "slide.svs"))
	if err != nil || info.Sys().(*syscall.Stat_t).Nlink != 1 {
		t.Errorf("the copy is a link: %+v, %v", info, err)
	}
}

func TestLinksOutOfTheFolderAreNotFollowed(t *testing.T) {
	s, path := folder(t)
	outside := t.TempDir()
	write(t, filepath.Join(outside, "secret"), "secret")
	write(t, filepath.Join(path, "inside"), "inside")
	for from, to := range map[string]string{
		"leak": filepath.Join(outside, "secret"), "leaks": outside, "up": "../..", "alias": "inside", "loop": "loop", "self": ".",
	} {
		if err := os.Symlink(to, filepath.Join(path, from)); err != nil {
			t.Fatal(err)
		}
	}
	for _, key := range []string{"leak", "leaks/secret"} {
		_, _, err := s.Get(t.Context(), key, 10)
		wantKind(t, "read of "+key, err, fault.Denied)
		_, err = s.Stat(t.Context(), key)
		wantKind(t, "stat of "+key, err, fault.Denied)
	}
	if _, err := s.Put(t.Context(), "leaks/new", strings.NewReader("x"), 1, objectstore.PutOptions{}); err == nil {
		t.Error("a file was written outside")
	}
	if err := s.Delete(t.Context(), "leaks/secret"); err == nil {
		t.Error("a file outside was deleted")
	}
	if _, err := os.Stat(filepath.Join(outside, "secret")); err != nil {
		t.Errorf("the file outside is gone: %v", err)
	}
	if got, _, err := s.Get(t.Context(), "alias", 10); err != nil || string(got) != "inside" {
		t.Errorf("a link within the folder: %q, %v", got, err)
	}
	var keys []string
	for o, err := range s.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, o.Key)
	}
	if got := strings.Join(keys, " "); got != "alias inside" {
		t.Errorf("listed %q", got)
	}
}

func TestWhatIsNoFileIsNoObject(t *testing.T) {
	s, path := folder(t)
	if err := syscall.Mkfifo(filepath.Join(path, "pipe"), 0o644); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(path, "file"), "x")
	if err := os.Mkdir(filepath.Join(path, "empty"), 0o755); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("n", 300)
	for _, key := range []string{"pipe", "empty", "file/below", long} {
		_, _, err := s.Get(t.Context(), key, 10) // and does not wait for a writer
		wantKind(t, "read of "+key, err, fault.NotFound)
	}
	for _, key := range []string{"empty", "file/below", long, "a/" + long} {
		_, err := s.Put(t.Context(), key, strings.NewReader("x"), 1, objectstore.PutOptions{})
		wantKind(t, "write of "+key, err, fault.Invalid)
	}
	for o, err := range s.List(t.Context(), "") {
		if o.Key != "file" || err != nil {
			t.Errorf("listed %+v, %v", o, err)
		}
	}
	for name, err := range s.Folders(t.Context(), "") {
		t.Errorf("the empty folder %q is listed, %v", name, err)
	}
}

func TestLeftTemporaryFilesAreRemoved(t *testing.T) {
	s, path := folder(t)
	put(t, s, "k", "content")
	temps := filepath.Join(path, ".pims-store", "tmp")
	if left, err := os.ReadDir(temps); err != nil || len(left) != 0 {
		t.Errorf("a write left %v, %v", left, err)
	}
	write(t, filepath.Join(temps, "old"), "of a killed process")
	write(t, filepath.Join(temps, "young"), "being written by another process")
	yesterday := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(filepath.Join(temps, "old"), yesterday, yesterday); err != nil {
		t.Fatal(err)
	}
	if _, err := dir.Open(path); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(temps)
	if err != nil || len(left) != 1 || left[0].Name() != "young" {
		t.Errorf("left are %v, %v", left, err)
	}
}

// inode is which file a path names.
func inode(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Sys().(*syscall.Stat_t).Ino
}

func TestCopyThatMayShareTakesTheFileItself(t *testing.T) {
	uploads, from := folder(t)
	slides, to := folder(t)
	o := put(t, uploads, "slide.svs", "pixels")
	share := objectstore.PutOptions{MayShare: true, OnlyIfAbsent: true}
	copied, err := slides.Copy(t.Context(), uploads, o, "upload-1/slide.svs", share)
	if err != nil {
		t.Fatal(err)
	}
	if inode(t, filepath.Join(from, "slide.svs")) != inode(t, filepath.Join(to, "upload-1/slide.svs")) {
		t.Error("the bytes were copied")
	}
	if stat, err := slides.Stat(t.Context(), copied.Key); err != nil || stat != copied {
		t.Errorf("the copy is %+v, %v; Copy said %+v", stat, err, copied)
	}
	if err := uploads.Delete(t.Context(), o.Key); err != nil {
		t.Fatal(err)
	}
	if got, _, err := slides.Get(t.Context(), copied.Key, 100); err != nil || string(got) != "pixels" {
		t.Errorf("after the original was removed: %q, %v", got, err)
	}
	if left, err := os.ReadDir(filepath.Join(to, ".pims-store/tmp")); err != nil || len(left) != 0 {
		t.Errorf("temporary files %v, %v", left, err)
	}
}

// A file with a second name, or one that a link leads to, would still be there
// to be rewritten after the original was removed.
func TestCopyThatMayShareCopiesWhatOthersHold(t *testing.T) {
	uploads, from := folder(t)
	slides, to := folder(t)
	put(t, uploads, "target", "pixels")
	if err := os.Symlink("target", filepath.Join(from, "link")); err != nil {
		t.Fatal(err)
	}
	put(t, uploads, "twice", "pixels")
	if err := os.Link(filepath.Join(from, "twice"), filepath.Join(from, "second name")); err != nil {
		t.Fatal(err)
	}
	put(t, uploads, "alone", "pixels")
	put(t, slides, "there", "x")
	for _, test := range []struct {
		name    string
		options objectstore.PutOptions
		shared  bool
	}{
		{"link", objectstore.PutOptions{MayShare: true}, false},
		{"twice", objectstore.PutOptions{MayShare: true}, false},
		{"alone", objectstore.PutOptions{}, false},
		{"alone", objectstore.PutOptions{MayShare: true}, true},
		{"alone", objectstore.PutOptions{MayShare: true}, false}, // it has a second name now
	} {
		o, err := uploads.Stat(t.Context(), test.name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := slides.Copy(t.Context(), uploads, o, "copy", test.options); err != nil {
			t.Fatal(err)
		}
		if got := inode(t, filepath.Join(from, test.name)) == inode(t, filepath.Join(to, "copy")); got != test.shared {
			t.Errorf("%s with %+v: shared is %v, want %v", test.name, test.options, got, test.shared)
		}
		if got, _, err := slides.Get(t.Context(), "copy", 100); err != nil || string(got) != "pixels" {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
	}
	o := put(t, uploads, "new", "pixels")
	_, err := slides.Copy(t.Context(), uploads, o, "there", objectstore.PutOptions{MayShare: true, OnlyIfAbsent: true})
	wantKind(t, "sharing over what is there", err, fault.Changed)
	o.ETag = "another"
	_, err = slides.Copy(t.Context(), uploads, o, "new", objectstore.PutOptions{MayShare: true})
	wantKind(t, "sharing another version", err, fault.Changed)
}

func TestFolderMadeAnewIsUsed(t *testing.T) {
	s, path := folder(t)
	put(t, s, "old", "old")
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	_, err := s.Stat(t.Context(), "old")
	wantKind(t, "stat without a folder", err, fault.NotFound)
	write(t, filepath.Join(path, "new"), "new")
	if got, _, err := s.Get(t.Context(), "new", 10); err != nil || string(got) != "new" {
		t.Errorf("from the new folder: %q, %v", got, err)
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	put(t, s, "newest", "newest") // a write makes the folder itself
	if got, err := os.ReadFile(filepath.Join(path, "newest")); err != nil || string(got) != "newest" {
		t.Errorf("written %q, %v", got, err)
	}
}

func TestTwoQuickWritesHaveTwoVersions(t *testing.T) {
	s, _ := folder(t)
	seen := map[string]bool{}
	for range 200 { // within ticks of the kernel's clock, inodes used again
		o := put(t, s, "k", "same size")
		if seen[o.ETag] {
			t.Fatalf("the ETag %s came twice", o.ETag)
		}
		seen[o.ETag] = true
	}
}

func TestFolderThatCanNotBeUsed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	write(t, file, "x")
	_, err := dir.Open(file)
	wantKind(t, "open of a file", err, fault.Invalid)
}

func TestPath(t *testing.T) {
	s, path := folder(t)
	put(t, s, "a/b c", "x")
	d, err := dir.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	local, ok := dir.Path(objectstore.Standard(d, objectstore.Config{}), "a/b c")
	if got, err := os.ReadFile(local); !ok || err != nil || !bytes.Equal(got, []byte("x")) {
		t.Errorf("%q, %v: %q, %v", local, ok, got, err)
	}
}

func BenchmarkReadRange(b *testing.B) {
	d, err := dir.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	s := objectstore.New(objectstore.Standard(d, objectstore.Config{Concurrency: 128}))
	o, err := s.Put(b.Context(), "upload-1/slide.svs", bytes.NewReader(make([]byte, 1<<20)), 1<<20, objectstore.PutOptions{})
	if err != nil {
		b.Fatal(err)
	}
	r := s.Source(o)
	ranges := []source.Range{{Offset: 12345, Length: 17_000}}
	b.SetBytes(17_000)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.ReadRanges(b.Context(), ranges); err != nil {
			b.Fatal(err)
		}
	}
}
