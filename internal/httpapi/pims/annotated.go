package pims

import (
	"net/http"

	"github.com/pims-cloud/pims/internal/annotation"
	"github.com/pims-cloud/pims/internal/httpapi/route"
)

// surroundings is how a region is found around annotations (pims-api §4.9).
type surroundings struct {
	factor float64
	square bool
}

func (s surroundings) region(annotations []annotation.Annotation, envelope float64, widthPx, heightPx int) annotation.Region {
	out := annotation.Around(annotations, envelope).Grow(s.factor)
	if s.square {
		out = out.Square()
	}
	return out.Within(widthPx, heightPx)
}

// maskOperations are those of a mask: 8 bits, no parameters.
func (f *form) maskOperations() operations {
	return objectForm(nil, f.found).display()
}

// postMask answers POST /image/{p}/annotation/mask (pims-api §3.8).
func (a *API) postMask(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.body(r, v, func(f *form) error {
		around := surroundings{factor: f.optionalFloat("context_factor", 0, 1)}
		return a.annotated(w, r, v, f, f.maskOperations(), around, style{mode: modeMask, envelope: 1})
	})
}

// postCrop answers POST /image/{p}/annotation/crop (pims-api §3.9).
func (a *API) postCrop(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.body(r, v, func(f *form) error {
		around := surroundings{factor: f.optionalFloat("context_factor", 0, 1)}
		return a.annotated(w, r, v, f, f.processing(), around,
			style{mode: modeCrop, envelope: 1, transparency: f.transparencyPercent()})
	})
}

// postDrawing answers POST /image/{p}/annotation/drawing (pims-api §3.10).
func (a *API) postDrawing(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.body(r, v, func(f *form) error {
		around := surroundings{factor: f.optionalFloat("context_factor", 0, 1), square: f.optionalBool("try_square")}
		return a.annotated(w, r, v, f, f.display(), around,
			style{mode: modeDrawing, envelope: f.envelope(), symbol: f.symbol()})
	})
}

// annotated answers with a picture of the region of annotations. Geometries are
// told about before formats and sizes (pims-api §2.5).
func (a *API) annotated(w http.ResponseWriter, r *http.Request, v route.Vars, f *form, ops operations, around surroundings, style style) error {
	q := a.regionRequest(r, v, f, ops, false)
	return a.withSlide(r, v, func(s found) error {
		if err := f.found.Err(); err != nil {
			return err
		}
		d := &s.Manifest().Description
		p := regionPicture{style: style}
		var err error
		if p.annotations, err = parseShapes(q.shapes, q.origin, d.Height); err != nil {
			return err
		}
		types := a.types
		if style.mode == modeMask {
			types = a.computing
		}
		if p.mediaType, err = a.mediaTypeOf(types, w, r, q.ext); err != nil {
			return err
		}
		p.region = around.region(p.annotations, style.envelope, d.Width, d.Height)
		return a.writeRegion(w, r, s.Slide, q, p)
	})
}
