package site

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func TestPageAndAssets(t *testing.T) {
	nowhere := func(context.Context) string { return "" }
	s := New(fstest.MapFS{
		"index.html":         {Data: []byte("<!doctype html>page")},
		"assets/app-1a2b.js": {Data: []byte("code")},
	}, nowhere)
	for _, row := range []struct {
		method, path string
		served       bool
		cache, kind  string
	}{
		{"GET", "/", true, "no-cache", "text/html; charset=utf-8"},
		{"HEAD", "/index.html", true, "no-cache", "text/html; charset=utf-8"},
		{"GET", "/assets/app-1a2b.js", true, "public, max-age=31536000, immutable", "text/javascript; charset=utf-8"},
		{"GET", "/assets/none.js", false, "", ""},
		{"GET", "/assets", false, "", ""},
		{"GET", "/../index.html", true, "no-cache", "text/html; charset=utf-8"},
		{"POST", "/", false, "", ""},
	} {
		w := httptest.NewRecorder()
		served := s.Serve(w, httptest.NewRequest(row.method, "/", nil), row.path)
		if served != row.served || w.Header().Get("Cache-Control") != row.cache || w.Header().Get("Content-Type") != row.kind {
			t.Errorf("%s %s: served %t with %v", row.method, row.path, served, w.Header())
		}
		if served && !strings.Contains(w.Header().Get("Content-Security-Policy"), "default-src 'self'") {
			t.Errorf("%s has no content security policy", row.path)
		}
	}
}

func TestUnbuiltPageSaysHowToBuild(t *testing.T) {
	w := httptest.NewRecorder()
	if !New(nil, func(context.Context) string { return "" }).Serve(w, httptest.NewRequest(http.MethodGet, "/", nil), "/") || !strings.Contains(w.Body.String(), "make build") {
		t.Errorf("an unbuilt page answers %q", w.Body)
	}
}
