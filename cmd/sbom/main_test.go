package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"runtime/debug"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const status = `Package: libvips42
Status: install ok installed
Architecture: amd64
Version: 8.14.1-3+deb12u2
Description: image processing
 Package: not a field

Package: removed
Status: deinstall ok config-files
Architecture: amd64
Version: 1

Package: libc6
Status: install ok installed
Architecture: amd64
Version: 1:2.36
`

func TestPackagesAndModulesAreListed(t *testing.T) {
	root := t.TempDir()
	put := func(name string, text []byte) {
		t.Helper()
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	put("var/lib/dpkg/status", []byte(status))
	put("etc/os-release", []byte("NAME=\"Debian\"\nVERSION_ID=\"12\"\n"))
	self, err := os.Executable() // a Go binary
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.ReadFile(self)
	if err != nil {
		t.Fatal(err)
	}
	put("usr/bin/app", binary)

	var first, second bytes.Buffer
	for _, out := range []*bytes.Buffer{&first, &second} {
		if err := write(out, root, "app", []string{"/usr/bin/app", "/usr/bin/app"}); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("the same files give different bytes")
	}
	var got document
	if err := json.Unmarshal(first.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	count := map[string]int{}
	var debian []string
	for _, c := range got.Components {
		count[c.Name]++
		if c.PURL[:8] == "pkg:deb/" {
			debian = append(debian, c.PURL)
		}
	}
	want := []string{"pkg:deb/debian/libc6@1%3A2.36?arch=amd64&distro=debian-12",
		"pkg:deb/debian/libvips42@8.14.1-3%2Bdeb12u2?arch=amd64&distro=debian-12"}
	if diff := cmp.Diff(want, debian); diff != "" {
		t.Errorf("Debian packages (-want +got):\n%s", diff)
	}
	if count["std"] != 1 {
		t.Errorf("components %v: want the standard library once, although two binaries have it", count)
	}
}

func TestModulesAreThoseThatWereBuilt(t *testing.T) {
	got := goModules(&debug.BuildInfo{GoVersion: "go1.26.1", Deps: []*debug.Module{
		{Path: "example.com/a", Version: "v1.2.3+incompatible"},
		{Path: "example.com/b", Version: "v1.0.0", Replace: &debug.Module{Path: "example.com/fork", Version: "v1.0.1"}},
	}})
	var purls []string
	for _, c := range got {
		purls = append(purls, c.PURL)
	}
	want := []string{"pkg:golang/std@1.26.1", "pkg:golang/example.com/a@v1.2.3%2Bincompatible", "pkg:golang/example.com/fork@v1.0.1"}
	if diff := cmp.Diff(want, purls); diff != "" {
		t.Errorf("modules (-want +got):\n%s", diff)
	}
}

func TestAFileSystemWithoutPackagesIsAnError(t *testing.T) {
	if err := write(&bytes.Buffer{}, t.TempDir(), "app", nil); err == nil {
		t.Error("no error for a file system without dpkg")
	}
}
