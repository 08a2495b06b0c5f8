package uploads

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/access"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/slide"
)

// Bounds of one page of the list.
const (
	defaultListLimit = 100
	maxListLimit     = 1000
	listParallel     = 8 // slides looked at in parallel
)

type listItem struct {
	ID            slide.ID         `json:"id"`
	Path          string           `json:"path"`
	Name          string           `json:"name"`
	State         string           `json:"state"`
	Progress      reply.Float      `json:"progress"`
	Viewable      bool             `json:"viewable"`
	Version       *string          `json:"version"` // for ?v= in URLs of the slide
	Format        *string          `json:"format"`
	Width         *int             `json:"width"`
	Height        *int             `json:"height"`
	SizeBytes     int64            `json:"sizeBytes"`
	Magnification any              `json:"magnification"`
	MPP           *reply.Float     `json:"mpp"` // µm per pixel
	CreatedAt     time.Time        `json:"createdAt"`
	Error         *importer.Reason `json:"error"`
}

// list gives slides and imports in id order, a page at a time. "next" is what
// goes into "after" for the following page, null on the last one.
func (a *API) list(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	limit, err := listLimit(r)
	if err != nil {
		return err
	}
	after := slide.ID(r.URL.Query().Get("after"))
	ids, more, err := a.page(r.Context(), after, limit)
	if err != nil {
		return err
	}
	found := make([]*listItem, len(ids))
	group, ctx := errgroup.WithContext(r.Context())
	group.SetLimit(listParallel)
	for i, id := range ids {
		group.Go(func() error {
			item, err := a.item(ctx, id)
			found[i] = item
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	items := []listItem{}
	for _, item := range found {
		if item != nil {
			items = append(items, *item)
		}
	}
	var next *slide.ID
	if more {
		next = &ids[len(ids)-1]
	}
	w.Header().Set("Cache-Control", "no-store")
	return reply.JSON(w, r, struct {
		Items []listItem `json:"items"`
		Size  int        `json:"size"`
		Next  *slide.ID  `json:"next"`
	}{items, len(items), next})
}

func listLimit(r *http.Request) (int, error) {
	text := r.URL.Query().Get("limit")
	if text == "" {
		return defaultListLimit, nil
	}
	n, err := strconv.Atoi(text)
	var bad problem.Validation
	switch {
	case err != nil:
		bad.Add(problem.NotInt(text, "query", "limit"))
	case n < 1:
		bad.Add(problem.AtLeast(text, 1, "query", "limit"))
	case n > maxListLimit:
		bad.Add(problem.AtMost(text, maxListLimit, "query", "limit"))
	}
	return n, bad.Err()
}

func (a *API) page(ctx context.Context, after slide.ID, limit int) (ids []slide.ID, more bool, err error) {
	for id, err := range a.Catalog.List(ctx) {
		if err != nil {
			return nil, false, err
		}
		if id <= after || !access.Of(ctx).Covers(string(id)) {
			continue
		}
		if len(ids) == limit {
			return ids, true, nil
		}
		ids = append(ids, id)
	}
	return ids, false, nil
}

// item is nil for a folder that holds neither slide nor import. A slide or a
// report that can not be read is listed with the reason: it must not hide the
// others.
func (a *API) item(ctx context.Context, id slide.ID) (*listItem, error) {
	var item *listItem
	if a.Importer != nil {
		report, err := a.Importer.Report(ctx, id)
		switch {
		case err == nil:
			item = reportItem(report)
		case ctx.Err() != nil:
			return nil, err
		case fault.KindOf(err) != fault.NotFound:
			item = brokenItem(id, err)
		}
	}
	if item != nil && item.State != string(importer.StateDone) {
		return item, nil
	}
	s, err := a.Catalog.Open(ctx, id)
	switch {
	case err == nil:
		return slideItem(s, item), nil
	case ctx.Err() != nil:
		return nil, err
	case fault.KindOf(err) == fault.NotFound:
		return item, nil
	default:
		return brokenItem(id, err), nil
	}
}

func reportItem(r *importer.Report) *listItem {
	item := &listItem{
		ID: r.ID, Path: r.Path, Name: r.Name, State: string(r.State), Progress: reply.Float(r.Progress),
		Viewable: r.Viewable, SizeBytes: r.SourceBytes, CreatedAt: r.CreatedAt, Error: r.Error,
	}
	if r.Format != "" {
		item.Format = &r.Format
	}
	if r.Width > 0 {
		item.Width, item.Height = &r.Width, &r.Height
	}
	return item
}

// slideItem completes what the report says, if there is one, by the manifest.
func slideItem(s *slide.Slide, item *listItem) *listItem {
	m := s.Manifest()
	d := &m.Description
	if item == nil {
		item = &listItem{
			ID: s.ID(), Name: m.OriginalName, State: string(importer.StateDone), Progress: 1,
			Viewable: true, CreatedAt: m.CreatedAt,
		}
	}
	item.Path, item.Format, item.Width, item.Height = s.Path(), &d.Format, &d.Width, &d.Height
	item.Magnification, item.MPP = reply.Whole(d.NominalMagnification), reply.Rounded6(d.PhysicalSizeX)
	version := s.Version()
	item.Version, item.SizeBytes = &version, 0
	for _, source := range m.Uploaded() {
		item.SizeBytes += source.Size
	}
	return item
}

func brokenItem(id slide.ID, err error) *listItem {
	return &listItem{
		ID: id, Path: string(id), Name: string(id), State: string(importer.StateFailed),
		Error: &importer.Reason{Code: fault.CodeOf(err), Kind: fault.KindOf(err).String(), Detail: fault.Sentence(err)},
	}
}
