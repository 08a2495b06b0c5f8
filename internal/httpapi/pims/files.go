package pims

import (
	"net/http"
	"path"
	"strings"

	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
)

// fileInfo describes a file as PIMS does (pims-api §3.1).
type fileInfo struct {
	FileType   string `json:"file_type"`
	Filepath   string `json:"filepath"`
	Stem       string `json:"stem"`
	Extension  string `json:"extension"`
	CreatedAt  string `json:"created_at"`
	Size       int64  `json:"size"`
	IsSymbolic bool   `json:"is_symbolic"`
	Role       string `json:"role"`
}

// createdLayout is Python's for a time without zone.
const createdLayout = "2006-01-02T15:04:05.000000"

// fileOf describes one path of a slide as PIMS' folder would hold it: the
// upload is a file, original and visualisation are links to it (pims-api §2.2).
func fileOf(s *slide.Slide, role string) fileInfo {
	m := s.Manifest()
	out := fileInfo{FileType: "SINGLE", Role: role, CreatedAt: m.CreatedAt.Format(createdLayout)}
	switch role {
	case roleOriginal:
		out.Filepath, out.IsSymbolic = string(s.ID())+"/"+originalPath(m), true
	case roleSpatial:
		out.Filepath, out.IsSymbolic = string(s.ID())+"/"+spatialPath(m), m.Spatial == ""
		if m.Spatial != "" { // a file of its own, no link to the upload
			for _, source := range m.Sources {
				out.Size += source.Size
			}
		}
	case roleNone:
		out.Filepath = string(s.ID()) + "/processed/histogram"
	default:
		out.Filepath = s.Path()
		for _, source := range m.Uploaded() {
			out.Size += source.Size
			out.IsSymbolic = out.IsSymbolic || source.In == slide.InFile
		}
	}
	out.Stem, out.Extension = splitName(path.Base(out.Filepath))
	if role == roleUpload {
		// As the user named it: the path has a name that every store takes.
		out.Stem, out.Extension = splitName(path.Base(m.OriginalName))
	}
	return out
}

// splitName cuts at the first dot, so that ".ome.tif" is one extension.
func splitName(name string) (stem, extension string) {
	stem, rest, dotted := strings.Cut(name, ".")
	if dotted {
		extension = "." + rest
	}
	return stem, extension
}

type representation struct {
	Role    string       `json:"role"`
	File    fileInfo     `json:"file"`
	Pyramid *pyramidInfo `json:"pyramid,omitempty"`
}

func representationOf(s *slide.Slide, role string) representation {
	out := representation{Role: role, File: fileOf(s, role)}
	if role == roleSpatial {
		pyramid := pyramidOf(render.Native(&s.Manifest().Description))
		out.Pyramid = &pyramid
	}
	return out
}

func representationsOf(s *slide.Slide) []representation {
	return []representation{
		representationOf(s, roleUpload), representationOf(s, roleOriginal), representationOf(s, roleSpatial),
	}
}

func (a *API) representations(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.withSlide(r, v, func(f found) error {
		return reply.JSON(w, r, reply.CollectionOf(representationsOf(f.Slide)))
	})
}

func (a *API) representation(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.withSlide(r, v, func(f found) error {
		switch role := v.Get("role"); role {
		case roleUpload, roleOriginal, roleSpatial:
			return reply.JSON(w, r, representationOf(f.Slide, role))
		case roleSpectral, roleNone:
			return problem.NoRepresentation(f.path, role)
		default:
			var bad problem.Validation
			bad.Add(problem.Enum(role, []string{roleUpload, roleOriginal, roleSpatial, roleSpectral, roleNone}, "path", "representation"))
			return &bad
		}
	})
}
