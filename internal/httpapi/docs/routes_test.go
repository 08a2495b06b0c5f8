package docs

import (
	"regexp"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"github.com/pims-cloud/pims/internal/httpapi/deepzoom"
	"github.com/pims-cloud/pims/internal/httpapi/pims"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/httpapi/session"
	"github.com/pims-cloud/pims/internal/httpapi/uploads"
)

var variable = regexp.MustCompile(`\{([a-z]+)[^}]*\}`)

// Every route that a handler is registered for is described. Patterns and paths
// are compared without the names of their variables.
func TestEveryRouteIsDescribed(t *testing.T) {
	shape := func(method, path string) string {
		// The router sees one variable where a tile's name has three parts.
		path = strings.NewReplacer("{ext}", "", "{column}_{row}.{format}", "{tile}").Replace(path)
		return method + " " + variable.ReplaceAllString(path, "{}")
	}
	described := map[string]bool{}
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			described[shape(method, path)] = true
		}
	}
	everything := func(string) bool { return true }
	api := pims.New(pims.Deps{}, everything)
	var routes []route.Route
	routes = append(routes, api.Routes()...)
	routes = append(routes, deepzoom.New(api, nil, everything).Routes()...)
	routes = append(routes, uploads.New(uploads.Deps{}).Routes()...)
	routes = append(routes, session.New(nil).Routes()...)
	registered := map[string]bool{}
	for _, r := range routes {
		key := shape(r.Method, r.Pattern)
		registered[key] = true
		if !described[key] {
			t.Errorf("%s %s is answered, but openapi.yaml does not describe it", r.Method, r.Pattern)
		}
	}
	if len(registered) < 60 {
		t.Errorf("only %d routes were found", len(registered))
	}
}
