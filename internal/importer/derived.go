package importer

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

// Bounds on what a file may bring along besides its pixels.
const (
	maxAssociated      = 16
	maxAssociatedSide  = 1 << 15
	maxAssociatedPx    = 64 << 20
	maxMetadataItems   = 100_000
	maxMetadataBytes   = 32 << 20
	maxAnnotations     = 1_000_000
	associatedQuality  = 90
	mediaTypeJSON      = "application/json"
	mediaTypeJPEG      = "image/jpeg"
	mediaTypePNG       = "image/png"
	codeAssociatedSkip = "associated-unusable"
)

// storeAssociated re-encodes label, macro and thumbnail. One that is broken is
// left out with a warning: the slide itself can still be viewed.
func (w *attempt) storeAssociated(ctx context.Context) ([]slide.Associated, error) {
	image, ok := w.image.(formats.AssociatedImages)
	if !ok {
		return nil, nil
	}
	listed, err := image.Associated(ctx)
	if err != nil {
		return nil, w.tolerate(err, "the associated images cannot be listed")
	}
	var out []slide.Associated
	for _, a := range listed[:min(len(listed), maxAssociated)] {
		stored, err := w.storeOneAssociated(ctx, image, a)
		if err != nil {
			if err := w.tolerate(err, "the "+a.Name+" image cannot be used"); err != nil {
				return nil, err
			}
			continue
		}
		out = append(out, stored)
	}
	return out, nil
}

func (w *attempt) storeOneAssociated(ctx context.Context, image formats.AssociatedImages, a formats.Associated) (slide.Associated, error) {
	if a.Name != formats.AssociatedThumb && a.Name != formats.AssociatedLabel && a.Name != formats.AssociatedMacro {
		return slide.Associated{}, fault.New(fault.Unsupported, codeAssociatedSkip, "no associated image is called %q", a.Name)
	}
	if a.Width < 1 || a.Height < 1 || a.Width > maxAssociatedSide || a.Height > maxAssociatedSide || a.Width*a.Height > maxAssociatedPx {
		return slide.Associated{}, fault.New(fault.TooLarge, codeAssociatedSkip, "it is %d×%d pixels", a.Width, a.Height)
	}
	raster, err := image.ReadAssociated(ctx, a.Name)
	if err != nil {
		return slide.Associated{}, err
	}
	mediaType, ext := associatedType(a.Name, raster)
	b, err := codec.Encode(raster, codec.Output{MediaType: mediaType, Quality: associatedQuality})
	if err != nil {
		return slide.Associated{}, err
	}
	key := w.job.ID.AssociatedKey(a.Name, ext)
	if err := w.put(ctx, key, mediaType, b); err != nil {
		return slide.Associated{}, err
	}
	return slide.Associated{
		Name: a.Name, Width: raster.Width, Height: raster.Height, Samples: colours(raster.Samples), Key: key, MediaType: mediaType,
	}, nil
}

// associatedType: a label is mostly text and bar codes, which JPEG blurs.
func associatedType(name string, r *pixel.Raster) (mediaType, ext string) {
	if name == formats.AssociatedLabel || r.Type != pixel.Uint8 || r.Samples != 1 && r.Samples != 3 {
		return mediaTypePNG, "png"
	}
	return mediaTypeJPEG, "jpg"
}

// colours is the number of samples without alpha.
func colours(samples int) int {
	if samples == 2 || samples == 4 {
		return samples - 1
	}
	return samples
}

// tolerate turns an error that only says that a part of the file is broken
// into a warning; errors of stores and of the context stay.
func (w *attempt) tolerate(err error, what string) error {
	switch kind := fault.KindOf(err); kind {
	case fault.Corrupt, fault.Unsupported, fault.TooLarge, fault.Invalid:
		w.note(func(r *Report) {
			r.warn(fault.New(kind, fault.CodeOf(err), "%s: %s", what, fault.Sentence(err)))
		})
		return nil
	}
	return err
}

// MetadataItem is one entry of metadata.json, as /metadata answers it
// (pims-api §3.2).
type MetadataItem struct {
	Key       string `json:"key"`
	Value     any    `json:"value"`
	Type      string `json:"type"`
	Namespace string `json:"namespace"`
}

// storeMetadata writes metadata.json: {"items":[…]} in file order. It is
// written for every slide, empty if need be.
func (w *attempt) storeMetadata(ctx context.Context) error {
	items := []MetadataItem{}
	if image, ok := w.image.(formats.RawMetadata); ok {
		raw, err := image.RawMetadata(ctx)
		if err != nil {
			if err := w.tolerate(err, "the raw metadata cannot be read"); err != nil {
				return err
			}
		}
		for _, m := range raw[:min(len(raw), maxMetadataItems)] {
			items = append(items, metadataItem(m))
		}
	}
	return w.putItems(ctx, w.job.ID.MetadataKey(), items, "the raw metadata")
}

// metadataItem keeps what JSON can say; NaN and the like become text.
func metadataItem(m formats.Metadatum) MetadataItem {
	item := MetadataItem{Key: m.Key, Value: m.Value, Type: m.TypeName(), Namespace: m.Namespace}
	if _, err := json.Marshal(m.Value); err != nil {
		item.Value, item.Type = fmt.Sprint(m.Value), formats.MetadataType("")
	}
	return item
}

// AnnotationItem is one entry of annotations.json.
type AnnotationItem struct {
	Geometry   string          `json:"geometry"` // WKT, origin top left, full resolution
	Terms      []string        `json:"terms"`
	Properties map[string]any  `json:"properties"`
	Planes     []formats.Plane `json:"planes"`
}

// storeAnnotations writes annotations.json: {"items":[…]}.
func (w *attempt) storeAnnotations(ctx context.Context) error {
	items := []AnnotationItem{}
	if image, ok := w.image.(formats.Annotations); ok {
		found, err := image.Annotations(ctx)
		if err != nil {
			if err := w.tolerate(err, "the annotations inside the file cannot be read"); err != nil {
				return err
			}
		}
		for _, a := range found[:min(len(found), maxAnnotations)] {
			items = append(items, AnnotationItem(a))
		}
	}
	return w.putItems(ctx, w.job.ID.AnnotationsKey(), items, "the annotations inside the file")
}

// putItems writes {"items": items}; what is too large or has no JSON
// form is replaced by an empty list, with a warning.
func (w *attempt) putItems(ctx context.Context, key string, items any, what string) error {
	b, err := json.Marshal(map[string]any{"items": items})
	if err != nil || len(b) > maxMetadataBytes {
		problem := fault.New(fault.TooLarge, "metadata-unusable", "they would take %d bytes, at most %d are kept", len(b), maxMetadataBytes)
		if err != nil {
			problem = fault.New(fault.Unsupported, "metadata-unusable", "they have no JSON form")
		}
		w.note(func(r *Report) {
			r.warn(fault.New(problem.Kind, problem.Code, "%s are left out: %s", what, problem.Detail))
		})
		b = []byte(`{"items":[]}`)
	}
	return w.put(ctx, key, mediaTypeJSON, append(b, '\n'))
}
