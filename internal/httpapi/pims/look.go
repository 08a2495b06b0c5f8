package pims

import (
	"context"
	"net/http"
	"strconv"

	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
)

// look is what requests without operations show of a slide. It follows from the
// manifest alone, so it is worked out once for each open slide: almost every
// tile that a viewer asks for needs it.
type look struct {
	native, normalised, deepZoom []render.Tier

	view      render.View
	key       string // of view
	unchanged bool   // view shows stored samples as they are
}

type lookKey struct{}

func lookOf(s *slide.Slide) *look {
	return s.Memo(lookKey{}, func() any {
		m := s.Manifest()
		d := &m.Description
		l := &look{
			native: render.Native(d), normalised: normalisedOf(m), deepZoom: render.DeepZoom(d.Width, d.Height),
			view: render.Default(m),
		}
		l.key = l.view.Key()
		l.unchanged = render.Unchanged(context.Background(), s, l.view)
		return l
	}).(*look)
}

// tiers is the pyramid that a grid counts in.
func (l *look) tiers(grid render.Grid) []render.Tier {
	if grid == render.NativeGrid {
		return l.native
	}
	return l.normalised
}

// DeepZoom is the slide's pyramid down to 1×1, finest tier first.
func (a *API) DeepZoom(s *slide.Slide) []render.Tier { return lookOf(s).deepZoom }

// WritePlainTile answers with a tile that exists of the default view, through
// the cache.
func (a *API) WritePlainTile(w http.ResponseWriter, r *http.Request, s *slide.Slide, mediaType string, q render.TileRequest) error {
	l := lookOf(s)
	q.View = l.view
	return a.writeTile(w, r, s, l, mediaType, q, l.key)
}

// WriteTile answers with a tile that exists of an open slide, through the cache.
func (a *API) WriteTile(w http.ResponseWriter, r *http.Request, s *slide.Slide, mediaType string, q render.TileRequest) error {
	return a.writeTile(w, r, s, lookOf(s), mediaType, q, q.View.Key())
}

func (a *API) writeTile(w http.ResponseWriter, r *http.Request, s *slide.Slide, l *look, mediaType string, q render.TileRequest, view string) error {
	q.MediaType = canonical(mediaType)
	answer := reply.Answer{Identity: tileIdentity(s, &q, view), MediaType: mediaType, Version: s.Version()}
	// A default view written out with parameters is the default view.
	if l.unchanged && view == l.key {
		tiers := l.native
		if q.Grid == render.NormalisedGrid {
			tiers = l.deepZoom
		}
		answer.Fixed = render.Fixed(s.Manifest(), tiers[q.Level], q)
	}
	if a.Cached.Ready(w, r, answer) {
		return nil
	}
	return a.makeTile(w, r, s, answer, q)
}

func (a *API) makeTile(w http.ResponseWriter, r *http.Request, s *slide.Slide, answer reply.Answer, q render.TileRequest) error {
	answer.Load = func(ctx context.Context) ([]byte, error) {
		picture, err := a.Renderer.Tile(ctx, s, q)
		return picture.Bytes, err
	}
	return a.Cached.Make(w, r, answer)
}

// tileIdentity names a tile of a view in caches: everything that its bytes
// depend on.
func tileIdentity(s *slide.Slide, q *render.TileRequest, view string) string {
	var buffer [320]byte
	key := append(buffer[:0], "tile:"...)
	key = append(key, s.ID()...)
	key = append(key, ':')
	key = append(key, s.Version()...)
	key = append(key, ':')
	for _, n := range [...]int{int(q.Grid), q.Level, q.TX, q.TY, q.Width, q.Height, q.Quality} {
		key = strconv.AppendInt(key, int64(n), 10)
		key = append(key, '/')
	}
	key = append(key, view...)
	key = append(key, ' ')
	key = append(key, q.MediaType...)
	return string(key)
}
