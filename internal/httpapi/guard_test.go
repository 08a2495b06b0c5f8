package httpapi

import (
	"testing"

	"github.com/pims-cloud/pims/internal/httpapi/route"
)

// RoutesOf lets the tests of the whole handler walk all routes.
func RoutesOf(d Deps) []route.Route {
	routes, _ := assemble(d)
	return routes
}

// Public tells whether a route asks nothing of its caller, and Whole whether it
// concerns no slide in particular but all.
func Public(r route.Route) bool { n, _ := needOf(r.Method, r.Pattern); return n.public }

// Whole: see Public.
func Whole(r route.Route) bool { n, _ := needOf(r.Method, r.Pattern); return n.whole }

// TestEveryRouteSaysWhatItNeeds walks all routes: one that somebody adds without
// a line in needs is refused to everybody, and fails here.
func TestEveryRouteSaysWhatItNeeds(t *testing.T) {
	all := RoutesOf(Deps{})
	if len(all) < 60 {
		t.Fatalf("there are %d routes only", len(all))
	}
	used := map[string]bool{}
	for _, r := range all {
		if _, ok := needOf(r.Method, r.Pattern); !ok {
			t.Errorf("%s %s is in no class of needs", r.Method, r.Pattern)
		}
		used[r.Method+" "+r.Pattern] = true
	}
	for _, class := range needs {
		for _, listed := range class.routes {
			if listed[len(listed)-1] != '*' && !used[listed] {
				t.Errorf("needs has %s, which is no route", listed)
			}
		}
	}
}
