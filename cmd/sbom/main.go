// Command sbom writes the bill of materials of an image: the Debian packages of
// its root file system and the Go modules of its binaries, as CycloneDX 1.5 JSON
// on standard output.
//
//	sbom -root / -name pims-server /usr/local/bin/pims
package main

import (
	"debug/buildinfo"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

func main() {
	root := flag.String("root", "/", "root of the file system to describe")
	name := flag.String("name", "image", "name of what is described")
	flag.Parse()
	if err := write(os.Stdout, *root, *name, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "sbom:", err)
		os.Exit(1)
	}
}

// document is what of CycloneDX 1.5 is written (https://cyclonedx.org/docs/1.5/json/).
type document struct {
	BOMFormat   string      `json:"bomFormat"`
	SpecVersion string      `json:"specVersion"`
	Version     int         `json:"version"`
	Metadata    metadata    `json:"metadata"`
	Components  []component `json:"components"`
}

type metadata struct {
	Component component `json:"component"`
}

type component struct {
	Type    string `json:"type"`
	BOMRef  string `json:"bom-ref,omitempty"`
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	PURL    string `json:"purl,omitempty"`
}

// write describes root and the binaries in it. The same files give the same
// bytes: nothing of the time or the machine is in them.
func write(w io.Writer, root, name string, binaries []string) error {
	found, err := debianPackages(root)
	if err != nil {
		return err
	}
	version := ""
	for _, binary := range binaries {
		info, err := buildinfo.ReadFile(filepath.Join(root, binary))
		if err != nil {
			return err
		}
		version = info.Main.Version
		found = append(found, goModules(info)...)
	}
	slices.SortFunc(found, func(a, b component) int { return strings.Compare(a.PURL, b.PURL) })
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(document{
		BOMFormat: "CycloneDX", SpecVersion: "1.5", Version: 1,
		Metadata:   metadata{component{Type: "container", BOMRef: name, Name: name, Version: version}},
		Components: slices.Compact(found),
	})
}

// debianPackages reads what dpkg says is installed.
func debianPackages(root string) ([]component, error) {
	text, err := os.ReadFile(filepath.Join(root, "var", "lib", "dpkg", "status"))
	if err != nil {
		return nil, err
	}
	release, err := os.ReadFile(filepath.Join(root, "etc", "os-release"))
	if err != nil {
		return nil, err
	}
	distribution := "debian-" + fieldOf(string(release), "VERSION_ID=")
	var out []component
	for _, paragraph := range strings.Split(string(text), "\n\n") {
		name, version := fieldOf(paragraph, "Package: "), fieldOf(paragraph, "Version: ")
		if name == "" || !strings.HasSuffix(fieldOf(paragraph, "Status: "), " installed") {
			continue
		}
		purl := fmt.Sprintf("pkg:deb/debian/%s@%s?arch=%s&distro=%s", name, escape(version), fieldOf(paragraph, "Architecture: "), distribution)
		out = append(out, component{Type: "library", BOMRef: purl, Name: name, Version: version, PURL: purl})
	}
	return out, nil
}

// fieldOf is the rest of the line that begins so, without quotes.
func fieldOf(text, begin string) string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, begin); ok {
			return strings.Trim(strings.TrimSpace(rest), `"`)
		}
	}
	return ""
}

// goModules lists the modules in a binary, and the standard library.
func goModules(info *buildinfo.BuildInfo) []component {
	var out []component
	add := func(path, version string) {
		purl := "pkg:golang/" + path + "@" + escape(version)
		out = append(out, component{Type: "library", BOMRef: purl, Name: path, Version: version, PURL: purl})
	}
	add("std", strings.TrimPrefix(info.GoVersion, "go"))
	for _, m := range info.Deps {
		if m.Replace != nil {
			m = m.Replace
		}
		add(m.Path, m.Version)
	}
	return out
}

// escape writes a version as a package URL has it: of the characters that
// versions have, "+" and ":" mean something else there.
func escape(version string) string {
	return strings.NewReplacer("+", "%2B", ":", "%3A").Replace(version)
}
