package pims

import (
	"strings"

	"github.com/pims-cloud/pims/internal/color"
	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/render/colormap"
	"github.com/pims-cloud/pims/internal/slide"
)

// colors gives every channel its colormap (pims-api §3.0.6).
func (o operations) colors(m *slide.Manifest, v *render.View) error {
	for i, c := range v.Channels {
		id := pick(o.colormaps, i)
		if id == nil {
			continue
		}
		var err error
		if v.Colormaps[i], err = mapOf(*id, m, c); err != nil {
			return err
		}
	}
	return nil
}

// mapOf is a keyword, a table or a colour. DEFAULT is the channel's own
// colour; inverted, a channel without colour is shown from white.
func mapOf(id string, m *slide.Manifest, channel int) (*colormap.Map, error) {
	own := render.ChannelColormap(&m.Description, channel)
	switch id {
	case "NONE":
		return nil, nil
	case "DEFAULT":
		return own, nil
	case "!DEFAULT":
		if own == nil {
			own = colormap.Of(color.Color{R: 255, G: 255, B: 255})
		}
		return own.Inverse(), nil
	}
	found, ok := colormap.Parse(id)
	if !ok {
		return nil, problem.ColormapNotFound(strings.ToUpper(id))
	}
	return found, nil
}
