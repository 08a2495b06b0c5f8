// Package web holds the web page and the API documentation page. npm builds
// them from src/ into dist/ (make web); the binary carries what was there when
// it was built.
package web

import (
	"embed"
	"io/fs"
)

//go:embed all:dist
var dist embed.FS

// Files returns the built pages with index.html at the root. Built says
// whether there are any.
func Files() fs.FS {
	sub, err := fs.Sub(dist, "dist")
	if err != nil {
		// Only an invalid path makes fs.Sub fail, and "dist" is valid.
		return dist
	}
	return sub
}

// Built reports whether the binary was built after the pages. When it was
// not, the server should answer with HowToBuild instead of an empty page.
func Built() bool {
	_, err := fs.Stat(dist, "dist/index.html")
	return err == nil
}

// HowToBuild is what to tell a user of a binary without pages.
const HowToBuild = "This binary was built without its web page. Build it with `make build`, or with " +
	"`cd web && npm ci && npm run build` followed by `go build ./cmd/pims`. The HTTP API works without it."
