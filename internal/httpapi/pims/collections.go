package pims

import (
	"context"
	"net/http"
	"path"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/access"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/slide"
)

// Collection is an archive whose files are slides of their own.
type Collection struct {
	Path      string // "<id>/<name>"
	Name      string // as the user gave it
	Size      int64  // of the archive, in bytes
	CreatedAt time.Time
	Members   []slide.ID // in the archive's order, imported or not
}

// maxChildren bounds the slides that one answer opens.
const maxChildren = 1000

// collectionInfo is a file that has children: the uploads of its slides
// (pims-api §3.1).
type collectionInfo struct {
	fileInfo
	Children []fileInfo `json:"children"`
}

// fileInfo answers GET /file/{p}/info, of slides and of collections.
func (a *API) fileInfo(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	err := a.withSlide(r, v, func(f found) error { return reply.JSON(w, r, fileOf(f.Slide, f.role)) })
	if err == nil || problem.Status(err) != http.StatusNotFound {
		return err
	}
	for _, candidate := range Spellings(v.Get("p")) {
		id, rest, bad := slide.PathID(candidate)
		if bad != nil {
			continue
		}
		c, ok := a.Collection(r.Context(), id)
		if !ok || rest != "" && rest != path.Base(c.Path) && rest != c.Name {
			continue
		}
		out, err := a.collection(r.Context(), c)
		if err != nil {
			return err
		}
		return reply.JSON(w, r, out)
	}
	return err
}

// collection tells of an archive and of those of its slides that are there; the
// others are not imported yet, or never will be.
func (a *API) collection(ctx context.Context, c Collection) (collectionInfo, error) {
	out := collectionInfo{Children: []fileInfo{}, fileInfo: fileInfo{
		FileType: "COLLECTION", Filepath: c.Path, Size: c.Size, Role: roleUpload, CreatedAt: c.CreatedAt.Format(createdLayout),
	}}
	out.Stem, out.Extension = splitName(path.Base(c.Name))
	for _, id := range c.Members {
		if len(out.Children) == maxChildren {
			break
		}
		if !access.Of(ctx).Covers(string(id)) {
			continue // an archive may hold slides that the caller may not see
		}
		err := a.Catalog.Fresh(ctx, id, func(s *slide.Slide) error {
			out.Children = append(out.Children, fileOf(s, roleUpload))
			return nil
		})
		if err != nil && fault.KindOf(err) != fault.NotFound {
			return collectionInfo{}, err
		}
	}
	return out, nil
}
