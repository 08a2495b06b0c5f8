package pims

import (
	"net/http"

	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/render"
)

type pixelValue struct {
	Channel         int     `json:"channel"`
	ConcreteChannel int     `json:"concrete_channel"`
	Sample          int     `json:"sample"`
	SuggestedName   *string `json:"suggested_name"`
	Value           any     `json:"value"` // a whole number unless the slide has floats
}

// pixel answers with the stored values of one pixel of a level, before any
// operation: what a viewer shows under the cursor. PIMS has no such request.
func (a *API) pixel(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	var bad problem.Validation
	f := queryForm(r.URL.Query(), &bad)
	x, y := f.coordinate("x"), f.coordinate("y")
	tier, selected := f.tier(), f.planes()
	return a.withSlide(r, v, func(s found) error {
		if err := bad.Err(); err != nil {
			return err
		}
		m := s.Manifest()
		d := &m.Description
		level := 0
		if tier != nil {
			var err error
			if level, _, _, err = tier.locate(render.Native(d)); err != nil {
				return err
			}
		}
		view, err := selected.view(m)
		if err != nil {
			return err
		}
		if l := d.Levels[level]; x >= l.Width || y >= l.Height {
			return problem.BadRequest("no-such-pixel", "Pixel (%d, %d) does not exist, level %d has %d×%d pixels.", x, y, level, l.Width, l.Height)
		}
		values, err := a.Renderer.Samples(r.Context(), s.Slide, level, x, y, view.Z, view.T)
		if err != nil {
			return err
		}
		items := []pixelValue{}
		for _, c := range view.Channels {
			if c < len(values) {
				items = append(items, pixelValue{c, c / d.Samples, c % d.Samples, textOrNull(d.Channels[c].Name), reply.Whole(&values[c])})
			}
		}
		return reply.JSON(w, r, struct {
			X         int          `json:"x"`
			Y         int          `json:"y"`
			Level     int          `json:"level"`
			ZSlice    int          `json:"z_slice"`
			Timepoint int          `json:"timepoint"`
			PixelType string       `json:"pixel_type"`
			Items     []pixelValue `json:"items"`
			Size      int          `json:"size"`
		}{x, y, level, view.Z, view.T, d.PixelType.String(), items, len(items)})
	})
}

// coordinate reads a required integer of at least 0.
func (f *form) coordinate(name string) int {
	v, ok := f.scalar(name, false)
	if !ok {
		f.found.Add(problem.Missing(nil, f.where, name))
		return 0
	}
	n, _ := f.natural(v, f.where, name)
	return n
}
