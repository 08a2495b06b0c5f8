// Package docs serves the API documentation: the OpenAPI document, which is
// kept by hand beside this file, and the page that shows it. The page comes
// out of the web build and loads nothing from other hosts.
package docs

import (
	"bytes"
	_ "embed"
	"io/fs"
	"net/http"
	"strconv"
	"sync"
)

//go:embed openapi.yaml
var document []byte

// notBuilt is the page of a binary without web pages: the document is enough
// for a reader who wants it now.
const notBuilt = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>HTTP API</title>
<p>This binary was built without its documentation page (<code>make build</code> makes it).
The document itself: <a href="openapi.yaml">openapi.yaml</a>, <a href="openapi.json">openapi.json</a>.</p></html>
`

// Handler answers GET and HEAD of /docs, /openapi.yaml and /openapi.json,
// which are addressed relative to each other, so that any base path may be
// stripped before. Other paths are answered 404. pages is the web build; the
// page is docs.html in it. Safe for concurrent use.
func Handler(pages fs.FS) http.Handler {
	// Few ask for it, and it takes as long as the rest of a function's start.
	asJSON := sync.OnceValue(func() http.Handler {
		body, err := yamlToJSON(document)
		if err != nil {
			panic(err) // the document is part of the program, and tests read it
		}
		return static("application/json", body)
	})
	page, err := fs.ReadFile(pages, "docs.html")
	if err != nil {
		page = []byte(notBuilt)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /docs", static("text/html; charset=utf-8", page))
	// The page's addresses are relative to its folder, so there is one spelling.
	mux.HandleFunc("GET /docs/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", "../docs")
		w.WriteHeader(http.StatusPermanentRedirect)
	})
	mux.Handle("GET /openapi.yaml", static("application/yaml", document))
	mux.HandleFunc("GET /openapi.json", func(w http.ResponseWriter, r *http.Request) { asJSON().ServeHTTP(w, r) })
	return mux
}

func static(mediaType string, body []byte) http.Handler {
	length := strconv.Itoa(len(body))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", mediaType)
		h.Set("Content-Length", length)
		// The next version of the server may say something else.
		h.Set("Cache-Control", "no-cache")
		if r.Method == http.MethodHead {
			return
		}
		// The client may be gone; there is nobody left to tell.
		_, _ = bytes.NewReader(body).WriteTo(w)
	})
}
