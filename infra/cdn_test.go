package infra_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/pims-cloud/pims/internal/testfiles"
)

// keyFunction is the code of the CDN's function with the parameters of settings.json.
func keyFunction(t *testing.T) string {
	t.Helper()
	code, err := os.ReadFile(filepath.Join("terraform", "modules", "cdn", "key.js.tftpl"))
	if err != nil {
		t.Fatal(err)
	}
	names, err := json.Marshal(readSettings(t).CDN.QueryParameters)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Replace(string(code), "${names}", string(names), 1)
}

// TestTheKeyHasWhatPicturesDependOn: a parameter that the key did not have would
// be dropped on its way, and everybody would get the picture without it.
func TestTheKeyHasWhatPicturesDependOn(t *testing.T) {
	spec, err := openapi3.NewLoader().LoadFromFile(filepath.Join(testfiles.Root(t), "internal", "httpapi", "docs", "openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	have := readSettings(t).CDN.QueryParameters
	if !slices.IsSorted(have) {
		t.Errorf("cdn.query_parameters is not sorted: %v", have)
	}
	if !slices.Contains(have, "v") {
		t.Error("cdn.query_parameters has no v, the version of a slide: nothing would be kept for long")
	}
	checked := 0
	for path, item := range spec.Paths.Map() {
		if !ofPictures(path) {
			continue
		}
		if item.Get != nil {
			for _, p := range append(slices.Clone(item.Parameters), item.Get.Parameters...) {
				if p.Value.In == "query" {
					checked++
					if !slices.Contains(have, p.Value.Name) {
						t.Errorf("GET %s takes %s, which cdn.query_parameters does not have", path, p.Value.Name)
					}
				}
			}
		}
		// What a tile takes in a body it takes in the query as well.
		if item.Post != nil && item.Get != nil && item.Post.RequestBody != nil {
			for name := range properties(item.Post.RequestBody.Value.Content.Get("application/json").Schema.Value) {
				checked++
				if !slices.Contains(have, name) {
					t.Errorf("POST %s takes %s, which cdn.query_parameters does not have", path, name)
				}
			}
		}
	}
	if checked < 50 {
		t.Errorf("only %d parameters were seen", checked)
	}
}

// ofPictures tells whether a path of openapi.yaml is kept by the CDN.
func ofPictures(path string) bool {
	for _, part := range []string{"/tile/", "/normalized-tile/", "_files/", "/thumb", "/resized", "/associated/"} {
		if strings.HasPrefix(path, "/image/{path}") && strings.Contains(path, part) {
			return true
		}
	}
	return false
}

func properties(s *openapi3.Schema) map[string]bool {
	out := map[string]bool{}
	for name := range s.Properties {
		out[name] = true
	}
	for _, part := range s.AllOf {
		for name := range properties(part.Value) {
			out[name] = true
		}
	}
	return out
}

func TestTheKeyFunction(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("there is no node to run the CDN's function with")
	}
	run := func(uri, query string) string {
		script := keyFunction(t) + `
var query = {};
JSON.parse(process.argv[2]).forEach(function (p) { query[p[0]] = { value: p[1] }; });
var r = handler({ request: { uri: process.argv[1], querystring: query, headers: { accept: { value: 'image/webp' } } } });
console.log(Object.keys(r.querystring).map(function (n) { return n + '=' + r.querystring[n].value; }).join('&') + ' ' + r.headers.accept.value);`
		out, err := exec.Command(node, "-e", script, uri, query).CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		return strings.TrimSpace(string(out))
	}
	for _, c := range []struct{ what, uri, query, want string }{
		{"unknown parameters are dropped", "/image/a/b.svs/tile/level/0/ti/1", `[["utm","1"],["v","7"]]`, "v=7 image/webp"},
		{"the order does not matter", "/image/a/b.svs/tile/level/0/ti/1", `[["v","7"],["channels","0"]]`, "channels=0&v=7 image/webp"},
		{"an extension decides the format", "/image/a/b.svs_files/3/0_0.jpg", `[["v","7"]]`, "v=7 */*"},
		{"a slide's extension decides nothing", "/image/a/b.svs/thumb", `[]`, "image/webp"},
	} {
		if got := run(c.uri, c.query); got != strings.TrimSpace(c.want) {
			t.Errorf("%s: the key is %q, want %q", c.what, got, c.want)
		}
	}
}

func TestTheCDNSpeaksTLSAndDropsNothingItMustNot(t *testing.T) {
	eachInstallation(t, func(t *testing.T, in installation) {
		if in.name == "minimal" {
			if len(in.any("aws_cloudfront_distribution")) > 0 {
				t.Error("minimal has a CDN")
			}
			return
		}
		d := in.of(t, "aws_cloudfront_distribution")[0]
		type behaviour struct {
			Path    string   `json:"path_pattern"`
			Origin  string   `json:"target_origin_id"`
			Viewer  string   `json:"viewer_protocol_policy"`
			Methods []string `json:"allowed_methods"`
		}
		var first, others []behaviour
		d.decode(t, "default_cache_behavior", &first)
		d.decode(t, "ordered_cache_behavior", &others)
		origins := map[string][]string{}
		for _, b := range append(first, others...) {
			origins[b.Origin] = append(origins[b.Origin], b.Path)
			if b.Viewer != "redirect-to-https" {
				t.Errorf("behaviour %q takes %s", b.Path, b.Viewer)
			}
			if b.Origin == "tiles" && slices.Contains(b.Methods, "POST") {
				t.Errorf("behaviour %q takes bodies, whose digest clients do not send", b.Path)
			}
		}
		if !slices.Contains(origins["tiles"], "/image/*/tile/*") || !slices.Contains(origins["api"], "") {
			t.Errorf("origins and their paths: %v", origins)
		}
		code := in.of(t, "aws_cloudfront_function")[0].text("code")
		s := readSettings(t).CDN
		for _, name := range append(s.QueryParameters, s.Credentials.QueryParameters...) {
			if !strings.Contains(code, `"`+name+`"`) {
				t.Errorf("the key function drops %s", name)
			}
		}
	})
}
