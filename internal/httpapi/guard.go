package httpapi

import (
	"log/slog"
	"net/http"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/access"
	"github.com/pims-cloud/pims/internal/httpapi/pims"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/httpapi/session"
	"github.com/pims-cloud/pims/internal/slide"
)

// need is what a route asks of its caller.
type need struct {
	right  access.Rights
	public bool // asks nothing
	// whole tells that the route concerns no slide in particular but all, or new
	// ones: who may see some of them only must not use it.
	whole bool
}

// needs lists every route once; a pattern that ends in "*" stands for all that
// begin so. A route that is not here is refused to everybody.
var needs = []struct {
	need
	routes []string
}{
	{need{public: true}, []string{"GET /ping", "GET /ready", "GET /session", "POST /session", "DELETE /session"}},
	// What is the same for every slide, and the list, which has only the slides
	// that the caller may see.
	{need{right: access.Read}, []string{
		"GET /info", "GET /formats", "GET /formats/{id}", "GET /filters", "GET /filters/{id}",
		"GET /colormaps", "GET /colormaps/{id}", "GET /colormaps/{id}/representation{ext}",
		"GET /slides", "GET /imports/{id}", "GET /imports/{id}/events",
	}},
	{need{right: access.Read}, []string{
		"GET /file/{p...}/info", "GET /image/{p...}/info", "GET /image/{p...}/info/*",
		"GET /image/{p...}/metadata", "GET /image/{p...}/metadata/annotations",
		"GET /image/{p...}/associated/{name}", // the label and the macro need more, see admit
		"GET /image/{p...}/tile/*", "POST /image/{p...}/tile/*", "POST /image/{p...}/tile{ext}",
		"GET /image/{p...}/normalized-tile/*", "POST /image/{p...}/normalized-tile/*", "POST /image/{p...}/normalized-tile{ext}",
		"GET /image/tile.jpg", "GET /slice/tile",
		"GET /image/{p...}/thumb{ext}", "POST /image/{p...}/thumb{ext}",
		"GET /image/{p...}/resized{ext}", "POST /image/{p...}/resized{ext}",
		"POST /image/{p...}/window{ext}", "POST /image/{p...}/annotation/*",
		"GET /image/{p...}/histogram/*", "GET /image/{p...}/pixel",
		"GET /image/{p...}.dzi", "GET /image/{p...}_files/{level:int}/{tile}",
	}},
	{need{right: access.Read, whole: true}, []string{
		"GET /disk-usage", "GET /directory/{d...}/disk-usage", "GET /storage/size.json",
	}},
	{need{right: access.Export}, []string{"GET /file/{p...}/export", "GET /image/{p...}/export"}},
	{need{right: access.Write}, []string{"POST /image/{p...}/histogram"}},
	{need{right: access.Write, whole: true}, []string{
		"POST /upload", "POST /import", "GET /uploads", "POST /uploads", "GET /uploads/{id}", "DELETE /uploads/{id}",
		"POST /uploads/{id}/parts", "POST /uploads/{id}/complete",
	}},
	{need{right: access.Admin}, []string{"DELETE /image/{p...}", "DELETE /file/{p...}"}},
}

// routeKey names a route.
type routeKey struct{ method, pattern string }

// guard admits requests to routes. It is immutable.
type guard struct {
	checker *access.Checker
	needs   map[routeKey]need
}

func newGuard(checker *access.Checker, routes []route.Route) *guard {
	if checker == nil {
		return nil
	}
	g := &guard{checker: checker, needs: map[routeKey]need{}}
	for _, r := range routes {
		if n, ok := needOf(r.Method, r.Pattern); ok {
			g.needs[routeKey{r.Method, r.Pattern}] = n
		}
	}
	return g
}

// needOf is the need of a route; ok is false when none is declared.
func needOf(method, pattern string) (n need, ok bool) {
	text := method + " " + pattern
	for _, class := range needs {
		for _, listed := range class.routes {
			if start, many := strings.CutSuffix(listed, "*"); listed == text || many && strings.HasPrefix(text, start) {
				return class.need, true
			}
		}
	}
	return need{}, false
}

// admit gives the request with its caller, or the error that refuses it. It
// decides before anything is looked up, so that nobody learns from an answer
// whether a slide that he may not see exists.
func (g *guard) admit(r *http.Request, match route.Match) (*http.Request, error) {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	n, declared := g.needs[routeKey{method, match.Pattern}]
	if n.public {
		return r, nil
	}
	caller, err := g.checker.Caller(r)
	if err != nil {
		return nil, err
	}
	if caller.ByCookie {
		if err := session.FromThisPage(r); err != nil {
			return nil, err
		}
	}
	if !declared {
		return nil, fault.New(fault.Denied, "access-denied", "Nobody has the right to this.")
	}
	right := n.right
	if name := match.Vars.Get("name"); name == "label" || name == "macro" {
		right |= access.Label
	}
	if !caller.May(right) {
		return nil, fault.New(fault.Denied, "access-denied",
			"This needs the rights %s; the credential gives %s.", right, orNone(caller.Rights))
	}
	if n.whole && !caller.CoversAll() {
		return nil, fault.New(fault.Denied, "access-denied-slide", "This concerns all slides; the credential is for some of them only.")
	}
	if !caller.CoversAll() && !coversNamed(caller, r, match.Vars) {
		return nil, fault.New(fault.Denied, "access-denied-slide", "The credential is not for this slide.")
	}
	return r.WithContext(access.With(r.Context(), caller)), nil
}

func orNone(r access.Rights) string {
	if r == 0 {
		return "none"
	}
	return r.String()
}

// coversNamed reports whether the caller may see every slide that the request
// could mean: a path is tried in several spellings, and older addresses have it
// in the query. What is no slide's path names nothing.
func coversNamed(caller access.Caller, r *http.Request, vars route.Vars) bool {
	paths := []string{vars.Get("p"), vars.Get("id")}
	if len(vars) == 0 {
		query := r.URL.Query()
		paths = append(append(paths, query["zoomify"]...), query["fif"]...)
	}
	for _, path := range paths {
		for _, spelling := range pims.Spellings(path) {
			if id, _, err := slide.PathID(spelling); err == nil && !caller.Covers(string(id)) {
				return false
			}
		}
	}
	return true
}

// refused turns what the checker says into the problem that is answered.
func refused(err error) error {
	if who, ok := err.(*access.Unauthenticated); ok {
		return problem.Unauthenticated(who.Challenge(), who.Error())
	}
	return err
}

// adopt turns a grant in the query of a page's address into a cookie, and sends
// the browser to the address without it: the page's own requests carry it then,
// and it stays in no history.
func (g *guard) adopt(w http.ResponseWriter, r *http.Request) bool {
	text, given := access.QueryGrant(r)
	if g == nil || !given || r.Method != http.MethodGet {
		return false
	}
	caller, err := g.checker.Grant(text)
	if err != nil {
		return false // the page tells what its requests are answered
	}
	session.Keep(w, r, text, caller.Expires)
	query := r.URL.Query()
	query.Del(access.GrantParameter)
	w.Header().Set("Cache-Control", "no-store")
	// Relative, as the browser knows the path, behind any proxy.
	w.Header().Set("Location", "?"+query.Encode())
	w.WriteHeader(http.StatusSeeOther)
	return true
}

// ForOperators lets callers with the right Admin through to next: counters and
// profiles tell of all slides. Without a checker, everybody.
func ForOperators(checker *access.Checker, log *slog.Logger, next http.Handler) http.Handler {
	if checker == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		caller, err := checker.Caller(r)
		if err == nil && (!caller.May(access.Admin) || !caller.CoversAll()) {
			err = fault.New(fault.Denied, "access-denied", "This needs the right admin, for all slides.")
		}
		if err != nil {
			problem.Write(w, r, log, refused(err))
			return
		}
		next.ServeHTTP(w, r)
	})
}
