package infra_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var declaration = regexp.MustCompile(`(?m)^(variable|output) "(\w+)"`)

// TestReadmesNameEveryInputAndOutput also wants every variable and output to
// have a description, which the pages repeat.
func TestReadmesNameEveryInputAndOutput(t *testing.T) {
	var modules []string
	for _, pattern := range []string{"terraform/modules/*", "terraform/examples/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		modules = append(modules, found...)
	}
	if len(modules) < 11 {
		t.Fatalf("only %v were found", modules)
	}
	for _, folder := range modules {
		page := read(t, filepath.Join(folder, "README.md"))
		for _, file := range []string{"variables.tf", "outputs.tf"} {
			text := read(t, filepath.Join(folder, file))
			for _, m := range declaration.FindAllStringSubmatchIndex(text, -1) {
				name := text[m[4]:m[5]]
				body, _, _ := strings.Cut(text[m[0]:], "\n}\n")
				described := regexp.MustCompile(`description\s*=\s*"((?:[^"\\]|\\.)+)"`).FindStringSubmatch(body)
				if described == nil {
					t.Errorf("%s/%s: %s has no description", folder, file, name)
					continue
				}
				what := strings.ReplaceAll(described[1], `\"`, `"`)
				if !strings.Contains(page, "| `"+name+"` |") || !strings.Contains(page, what) {
					t.Errorf("%s/README.md does not have %s as %s describes it", folder, name, file)
				}
			}
		}
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
