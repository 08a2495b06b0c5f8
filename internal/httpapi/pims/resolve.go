package pims

import (
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/slide"
)

// Roles of a path below an upload (pims-api §2.2).
const (
	roleUpload   = "UPLOAD"
	roleOriginal = "ORIGINAL"
	roleSpatial  = "SPATIAL"
	roleSpectral = "SPECTRAL"
	roleNone     = "NONE"
)

// found is a path that names something of an open slide.
type found struct {
	*slide.Slide
	path string // as the client gave it, decoded
	role string
}

// withSlide runs do on the slide that the path names, and once more when the
// slide turns out to have been replaced. A path that names nothing is tried
// again percent-decoded, because Cytomine core encodes file names twice
// (pims-api §2.1).
func (a *API) withSlide(r *http.Request, v route.Vars, do func(found) error) error {
	return a.resolve(r, v, false, do)
}

// withTiles is withSlide for a do that will ask for tiles.
func (a *API) withTiles(r *http.Request, v route.Vars, do func(found) error) error {
	return a.resolve(r, v, true, do)
}

// resolve is withTiles or withSlide. It calls the catalogue by name, so that what
// it hands over stays on the stack: it runs for every tile.
func (a *API) resolve(r *http.Request, v route.Vars, tiles bool, do func(found) error) error {
	path := v.Get("p")
	var known slide.ID
	var one [1]string // almost every path has one spelling
	for _, candidate := range appendSpellings(one[:0], path) {
		id, rest, err := slide.PathID(candidate)
		if err != nil {
			continue
		}
		entered := false
		opened := func(s *slide.Slide) error {
			role, ok := roleOf(s, rest)
			if !ok {
				return problem.FilepathNotFound(candidate)
			}
			entered = true
			if err := named(r, s); err != nil {
				return err
			}
			return do(found{Slide: s, path: candidate, role: role})
		}
		if tiles {
			err = a.Catalog.FreshForTiles(r.Context(), id, opened)
		} else {
			err = a.Catalog.Fresh(r.Context(), id, opened)
		}
		if entered || (err != nil && problem.Status(err) != http.StatusNotFound) {
			return err
		}
		if known == "" && fault.KindOf(err) == fault.NotFound {
			known = id
		}
	}
	if known != "" {
		if state, ok := a.Importing(r.Context(), known); ok {
			return problem.NoRepresentation(path, roleSpatial, problem.Member{Name: "state", Value: state})
		}
	}
	return problem.FilepathNotFound(path)
}

// trustVersion is how old an open slide may be and still prove that a client
// names an outdated version, rather than one that this process has not seen yet.
const trustVersion = time.Second

// named holds the version that a URL names against the slide's. When they
// differ and the slide was not opened just now, the error makes Catalog.Fresh
// open it again; then the client is sent to the URL of the present version.
func named(r *http.Request, s *slide.Slide) error {
	asked := reply.VersionAsked(r)
	if asked == "" || asked == s.Version() {
		return nil
	}
	if s.Age() > trustVersion {
		return fault.New(fault.Changed, "slide-version", "The slide %s is not of the version that was asked for.", s.ID())
	}
	// A query alone keeps the path as the client knows it, behind any proxy.
	return problem.Moved("?" + reply.WithVersion(r, s.Version()))
}

// Spellings are the path as it came and as it reads decoded once more, with
// "+" as itself and as a space.
func Spellings(path string) []string { return appendSpellings(nil, path) }

func appendSpellings(out []string, path string) []string {
	out = append(out, path)
	if !strings.ContainsAny(path, "%+") {
		return out
	}
	add := func(text string, err error) {
		if err == nil {
			for _, have := range out {
				if have == text {
					return
				}
			}
			out = append(out, text)
		}
	}
	add(url.PathUnescape(path))
	add(url.QueryUnescape(path))
	return out
}

// roleOf says what the rest of a path below the slide's id names. The id alone
// stands for the upload.
func roleOf(s *slide.Slide, rest string) (role string, ok bool) {
	m := s.Manifest()
	switch rest {
	case "", m.Name, m.OriginalName:
		return roleUpload, true
	case originalPath(m):
		return roleOriginal, true
	case spatialPath(m):
		return roleSpatial, true
	case "processed", "processed/histogram":
		return roleNone, true
	}
	return "", false
}

func originalPath(m *slide.Manifest) string { return "processed/original." + m.Description.Format }

func spatialPath(m *slide.Manifest) string { return "processed/visualisation." + m.SpatialFormat() }

// WithSlide opens the slide that the variable "p" names for another protocol of tiles,
// with the same rules for paths and for slides that are replaced meanwhile.
func (a *API) WithSlide(r *http.Request, v route.Vars, do func(*slide.Slide) error) error {
	return a.withTiles(r, v, func(f found) error { return do(f.Slide) })
}
