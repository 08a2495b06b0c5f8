package archive_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/importer/archive"
)

func file(name string, b []byte) archive.File {
	return archive.File{
		Name: name, Size: int64(len(b)), ReaderAt: bytes.NewReader(b),
		Open: func(context.Context) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(b)), nil },
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// walk detects and unpacks: name → content, or the code of the refusal.
func walk(t testing.TB, f archive.File, limits archive.Limits) (archive.Kind, map[string]string, error) {
	t.Helper()
	head := make([]byte, 4096)
	n, _ := f.ReadAt(head, 0)
	kind, err := archive.Detect(context.Background(), f, head[:n])
	must(t, err)
	out := map[string]string{}
	err = archive.Walk(context.Background(), f, kind, limits, func(m archive.Member) error {
		if m.Refused != nil {
			out[m.Name] = fault.CodeOf(m.Refused)
			return nil
		}
		b, err := io.ReadAll(m.Body)
		if fault.KindOf(err) == fault.TooLarge {
			return err
		}
		out[m.Name] = string(b)
		if err != nil {
			out[m.Name] = fault.CodeOf(err)
		}
		return nil
	})
	return kind, out, err
}

func zipped(t testing.TB, add func(*zip.Writer)) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add(w)
	must(t, w.Close())
	return b.Bytes()
}

func tarred(t testing.TB, headers ...tar.Header) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for _, h := range headers {
		body := "content of " + h.Name
		if h.Typeflag == 0 {
			h.Typeflag = tar.TypeReg
		}
		if h.Typeflag == tar.TypeReg {
			h.Size = int64(len(body))
		}
		h.Mode = 0o644
		must(t, w.WriteHeader(&h))
		if h.Size > 0 {
			_, err := io.WriteString(w, body)
			must(t, err)
		}
	}
	must(t, w.Close())
	return b.Bytes()
}

func TestHarmlessFilesComeAndOthersAreRefusedByName(t *testing.T) {
	z := zipped(t, func(w *zip.Writer) {
		for _, name := range []string{"a.svs", "deep/b.svs", "../out", "/etc/passwd", `c:\..\d`, "__MACOSX/._a.svs", "x/.DS_Store", "folder/"} {
			f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Deflate})
			must(t, err)
			if name != "folder/" {
				fmt.Fprint(f, "content of ", name)
			}
		}
		link := &zip.FileHeader{Name: "link"}
		link.SetMode(os.ModeSymlink | 0o777)
		_, err := w.CreateHeader(link)
		must(t, err)
	})
	want := map[string]string{
		"a.svs": "content of a.svs", "deep/b.svs": "content of deep/b.svs",
		"../out": "archive-name", "/etc/passwd": "archive-name", `c:\..\d`: "archive-name", "link": "archive-link",
	}
	kind, got, err := walk(t, file("x.zip", z), archive.DefaultLimits())
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" || kind != archive.ZIP {
		t.Errorf("%s (-want +got):\n%s", kind, diff)
	}
	plain := tarred(t, tar.Header{Name: "a.svs"}, tar.Header{Name: "dir", Typeflag: tar.TypeDir}, tar.Header{Name: "../out"},
		tar.Header{Name: "link", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, tar.Header{Name: "hard", Typeflag: tar.TypeLink, Linkname: "a.svs"},
		tar.Header{Name: "device", Typeflag: tar.TypeChar}, tar.Header{Name: "b.svs"})
	want = map[string]string{
		"a.svs": "content of a.svs", "../out": "archive-name", "link": "archive-link", "hard": "archive-link",
		"device": "archive-device", "b.svs": "content of b.svs",
	}
	kind, got, err = walk(t, file("x.tar", plain), archive.DefaultLimits())
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" || kind != archive.TAR {
		t.Errorf("%s (-want +got):\n%s", kind, diff)
	}
}

func TestEveryCompressionIsRead(t *testing.T) {
	dir := t.TempDir()
	must(t, os.WriteFile(filepath.Join(dir, "plain"), []byte("just one file"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "tar"), tarred(t, tar.Header{Name: "a"}, tar.Header{Name: "b"}), 0o600))
	for _, c := range []struct {
		tool, ext    string
		single, tars archive.Kind
	}{{"gzip", ".gz", archive.GZ, archive.GZTAR}, {"bzip2", ".bz2", archive.BZ2, archive.BZTAR}, {"xz", ".xz", archive.XZ, archive.XZTAR}} {
		t.Run(c.tool, func(t *testing.T) {
			if _, err := exec.LookPath(c.tool); err != nil {
				t.Skip(c.tool + " is not installed")
			}
			for _, name := range []string{"plain", "tar"} {
				b, err := exec.Command(c.tool, "-c", filepath.Join(dir, name)).Output()
				must(t, err)
				kind, got, err := walk(t, file("slide.svs"+c.ext, b), archive.DefaultLimits())
				must(t, err)
				wantKind, want := c.single, map[string]string{"slide.svs": "just one file"}
				if name == "tar" {
					wantKind, want = c.tars, map[string]string{"a": "content of a", "b": "content of b"}
				}
				if diff := cmp.Diff(want, got); diff != "" || kind != wantKind {
					t.Errorf("%s: %s (-want +got):\n%s", name, kind, diff)
				}
			}
		})
	}
}

func TestBombsAreRefused(t *testing.T) {
	zeros := make([]byte, 1<<20)
	bomb := zipped(t, func(w *zip.Writer) {
		f, err := w.Create("zeros")
		must(t, err)
		for range 16 {
			_, err := f.Write(zeros)
			must(t, err)
		}
	})
	limits := archive.Limits{Bytes: 8 << 20, Ratio: 1 << 20, Files: 10}
	if _, _, err := walk(t, file("x.zip", bomb), limits); fault.CodeOf(err) != "archive-bomb" {
		t.Errorf("in total: %v", err)
	}
	// Beyond what small archives may unpack to, the ratio decides.
	endless := archive.File{Name: "x.gz", Size: 1000, Open: func(context.Context) (io.ReadCloser, error) { return gzipOf(zeros, 20), nil }}
	byRatio := archive.DefaultLimits()
	byRatio.Free = 1 << 20
	err := archive.Walk(context.Background(), endless, archive.GZ, byRatio, func(m archive.Member) error {
		_, err := io.Copy(io.Discard, m.Body)
		return err
	})
	if fault.CodeOf(err) != "archive-bomb" {
		t.Errorf("by ratio: %v", err)
	}
	many := zipped(t, func(w *zip.Writer) {
		for i := range 11 {
			_, err := w.Create(fmt.Sprint(i))
			must(t, err)
		}
	})
	if _, _, err := walk(t, file("x.zip", many), limits); fault.CodeOf(err) != "archive-files" {
		t.Errorf("by number: %v", err)
	}
}

// gzipOf is times the block, compressed while it is read.
func gzipOf(block []byte, times int) io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
		for i := 0; i < times && err == nil; i++ {
			_, err = z.Write(block)
		}
		w.CloseWithError(errors.Join(err, z.Close()))
	}()
	return r
}

func TestADamagedMemberDoesNotStopTheOthers(t *testing.T) {
	z := zipped(t, func(w *zip.Writer) {
		for _, name := range []string{"first", "second", "third"} {
			f, err := w.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
			must(t, err)
			fmt.Fprint(f, "the content of ", name)
		}
	})
	at := bytes.Index(z, []byte("the content of second"))
	z[at] ^= 0xFF
	_, got, err := walk(t, file("x.zip", z), archive.DefaultLimits())
	must(t, err)
	if got["first"] != "the content of first" || got["second"] != "archive-damaged" || got["third"] != "the content of third" {
		t.Errorf("got %v", got)
	}
}

func TestWhatIsNoArchiveIsNone(t *testing.T) {
	for _, b := range []string{"", "II*\x00", "\x1f\x8b\x08 is no gzip", "BZh but not bzip2", "\xfd7zXZ\x00 no"} {
		kind, err := archive.Detect(context.Background(), file("x", []byte(b)), []byte(b))
		if kind != archive.None && len(b) > 0 || err != nil {
			t.Errorf("%q: %q, %v", b, kind, err)
		}
	}
}

func FuzzWalk(f *testing.F) {
	f.Add(zipped(f, func(w *zip.Writer) { _, _ = w.Create("a") }))
	f.Add(tarred(f, tar.Header{Name: "a"}))
	f.Fuzz(func(t *testing.T, b []byte) {
		kind, err := archive.Detect(context.Background(), file("x", b), b)
		if err != nil || kind == archive.None {
			return
		}
		limits := archive.Limits{Bytes: 1 << 20, Ratio: 200, Files: 100}
		err = archive.Walk(context.Background(), file("x", b), kind, limits, func(m archive.Member) error {
			if m.Refused != nil {
				return nil
			}
			_, err := io.Copy(io.Discard, m.Body)
			if fault.KindOf(err) == fault.Internal && err != nil {
				t.Errorf("%v", err)
			}
			return nil
		})
		if fault.KindOf(err) == fault.Internal && err != nil {
			t.Errorf("%v", err)
		}
	})
}
