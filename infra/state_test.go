package infra_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// statesVariable names the folder with the states of the examples, NAME.json as
// terraform show -json prints them. scripts/test-infra.sh makes them.
const statesVariable = "INFRA_STATES"

// installation is what an example made, as the provider (or its stand-in) says.
type installation struct {
	name      string
	resources []resource
}

type resource struct {
	Address string          `json:"address"`
	Mode    string          `json:"mode"`
	Type    string          `json:"type"`
	Index   any             `json:"index"`
	Raw     json.RawMessage `json:"values"`

	values map[string]any
}

type module struct {
	Resources []resource `json:"resources"`
	Children  []module   `json:"child_modules"`
}

// eachInstallation runs test on every example.
func eachInstallation(t *testing.T, test func(t *testing.T, in installation)) {
	t.Helper()
	folder := os.Getenv(statesVariable)
	if folder == "" {
		t.Skipf("%s is not set: make test-infra applies the examples and sets it", statesVariable)
	}
	for _, name := range []string{"minimal", "full"} {
		t.Run(name, func(t *testing.T) { test(t, readInstallation(t, name, filepath.Join(folder, name+".json"))) })
	}
}

func readInstallation(t *testing.T, name, path string) installation {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var state struct {
		Values struct {
			Root module `json:"root_module"`
		} `json:"values"`
	}
	if err := json.Unmarshal(text, &state); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	in := installation{name: name}
	in.add(t, state.Values.Root)
	if len(in.resources) == 0 {
		t.Fatalf("%s holds no resources", path)
	}
	return in
}

func (in *installation) add(t *testing.T, m module) {
	t.Helper()
	for _, r := range m.Resources {
		if r.Mode != "managed" {
			continue
		}
		if err := json.Unmarshal(r.Raw, &r.values); err != nil {
			t.Fatalf("%s: %v", r.Address, err)
		}
		in.resources = append(in.resources, r)
	}
	for _, child := range m.Children {
		in.add(t, child)
	}
}

// of gives all resources of a type; there must be at least one.
func (in installation) of(t *testing.T, kind string) []resource {
	t.Helper()
	out := in.any(kind)
	if len(out) == 0 {
		t.Fatalf("%s has no %s", in.name, kind)
	}
	return out
}

func (in installation) any(kind string) []resource {
	var out []resource
	for _, r := range in.resources {
		if r.Type == kind {
			out = append(out, r)
		}
	}
	return out
}

// text is an attribute that is a string, "" when it is not set.
func (r resource) text(name string) string {
	s, _ := r.values[name].(string)
	return s
}

// number is an attribute that is a number, 0 when it is not set.
func (r resource) number(name string) int {
	n, _ := r.values[name].(float64)
	return int(n)
}

// decode reads an attribute into a value of Go.
func (r resource) decode(t *testing.T, name string, into any) {
	t.Helper()
	text, err := json.Marshal(r.values[name])
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %s: %v", r.Address, name, err)
	}
}

// role is the last part of a name: "import" of "pims-import" or "pims-import-image".
func (in installation) role(name string) string {
	return strings.TrimSuffix(strings.TrimPrefix(name, "pims-"), "-image")
}
