// Package site serves the built web page.
package site

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"

	"github.com/pims-cloud/pims/web"
)

// policy lets the page load only what it brings and what this server renders.
// Inline styles are what the viewer library sets on its elements.
// What may be connected to is put in for the %s.
const policy = "default-src 'self'; img-src 'self' blob: data:; style-src 'self' 'unsafe-inline'; " +
	"script-src 'self'; connect-src 'self'%s; object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"

// Site serves a folder of static files. It is safe for concurrent use.
type Site struct {
	files   fs.FS
	connect func(context.Context) string
}

// New serves files, whose index.html stands for the folder itself; nil serves
// how to build them. connect names another origin to which the page may send
// files, or "".
func New(files fs.FS, connect func(context.Context) string) *Site {
	return &Site{files: files, connect: connect}
}

// policy is the header for a request.
func (s *Site) policy(r *http.Request) string {
	origin := s.connect(r.Context())
	if origin != "" {
		origin = " " + origin
	}
	return fmt.Sprintf(policy, origin)
}

// Serve answers a GET or HEAD of a file that the site has, or of "/"; false
// leaves the request to others, nothing written.
func (s *Site) Serve(w http.ResponseWriter, r *http.Request, urlPath string) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	name := strings.TrimPrefix(path.Clean("/"+urlPath), "/")
	if name == "" {
		name = "index.html"
	}
	body, err := s.read(name)
	switch {
	case err == nil:
		s.write(w, r, name, body)
		return true
	case name == "index.html" && errors.Is(err, fs.ErrNotExist):
		s.unbuilt(w, r)
		return true
	}
	return false
}

func (s *Site) read(name string) ([]byte, error) {
	if s.files == nil {
		return nil, fs.ErrNotExist
	}
	return fs.ReadFile(s.files, name)
}

func (s *Site) write(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	h := w.Header()
	h.Set("Content-Security-Policy", s.policy(r))
	h.Set("Referrer-Policy", "same-origin")
	// Names below assets/ carry a hash of their content.
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(name, "assets/") {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	serveBytes(w, r, name, body)
}

func (s *Site) unbuilt(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Security-Policy", s.policy(r))
	w.Header().Set("Cache-Control", "no-store")
	serveBytes(w, r, "page.html", []byte(`<!doctype html><html lang="en"><meta charset="utf-8"><title>PIMS</title>`+
		`<body><h1>The page is not built</h1><p>`+strings.ReplaceAll(web.HowToBuild, "&", "&amp;")+`</p></body></html>`))
}
