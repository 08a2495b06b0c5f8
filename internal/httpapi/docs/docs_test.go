package docs

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/getkin/kin-openapi/openapi3"
	"go.yaml.in/yaml/v3"
)

func TestDocumentIsValidOpenAPI(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		t.Fatalf("openapi.yaml cannot be loaded: %v", err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Errorf("openapi.yaml is not valid: %v", err)
	}
}

func TestJSONSaysWhatTheYAMLSays(t *testing.T) {
	text, err := yamlToJSON(document)
	if err != nil {
		t.Fatal(err)
	}
	var fromJSON, fromYAML any
	if err := json.Unmarshal(text, &fromJSON); err != nil {
		t.Fatalf("openapi.json is not JSON: %v", err)
	}
	if err := yaml.Unmarshal(document, &fromYAML); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(fromYAML)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(again, &fromYAML); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(fromJSON, fromYAML) {
		t.Error("openapi.json differs from openapi.yaml")
	}
	if first, last := strings.Index(string(text), `"/slides"`), strings.Index(string(text), `"/disk-usage"`); first < 0 || first > last {
		t.Errorf("the order of the paths is lost: /slides at %d, /disk-usage at %d", first, last)
	}
}

func TestYAMLWithAliasesIsRefused(t *testing.T) {
	if text, err := yamlToJSON([]byte("a: &x {b: 1}\nc: *x\n")); err == nil {
		t.Errorf("got %s, want an error", text)
	}
}

func TestPages(t *testing.T) {
	handler := Handler(fstest.MapFS{"docs.html": {Data: []byte("<title>the page</title>")}})
	tests := []struct {
		method, path string
		status       int
		mediaType    string
		contains     string
	}{
		{"GET", "/docs", 200, "text/html; charset=utf-8", "the page"},
		{"HEAD", "/docs", 200, "text/html; charset=utf-8", ""},
		{"GET", "/openapi.yaml", 200, "application/yaml", "openapi: 3."},
		{"GET", "/openapi.json", 200, "application/json", `{"openapi":"3.`},
		{"GET", "/docs/", 308, "", ""},
		{"GET", "/docs/other", 404, "", ""},
		{"POST", "/docs", 405, "", ""},
	}
	for _, test := range tests {
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, httptest.NewRequest(test.method, test.path, nil))
		if w.Code != test.status {
			t.Errorf("%s %s: status %d, want %d", test.method, test.path, w.Code, test.status)
		}
		if test.mediaType != "" && w.Header().Get("Content-Type") != test.mediaType {
			t.Errorf("%s %s: media type %q, want %q", test.method, test.path, w.Header().Get("Content-Type"), test.mediaType)
		}
		if !strings.Contains(w.Body.String(), test.contains) {
			t.Errorf("%s %s: body %.80q lacks %q", test.method, test.path, w.Body, test.contains)
		}
		if test.method == http.MethodHead && w.Body.Len() > 0 {
			t.Errorf("%s %s: %d bytes of body", test.method, test.path, w.Body.Len())
		}
	}
}

func TestWithoutWebPagesTheDocumentIsStillFound(t *testing.T) {
	handler := Handler(fstest.MapFS{})
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/docs", nil))
	if w.Code != 200 || !strings.Contains(w.Body.String(), `href="openapi.yaml"`) {
		t.Errorf("status %d, body %q", w.Code, w.Body)
	}
}
