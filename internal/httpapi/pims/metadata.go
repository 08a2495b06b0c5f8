package pims

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
)

// maxStoredJSON bounds metadata.json and annotations.json, in bytes.
const maxStoredJSON = 256 << 20

// metadata answers with the raw key and values that the import stored; they
// are passed on as they are, number by number.
func (a *API) metadata(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.withSlide(r, v, func(f found) error {
		return a.cachedJSON(w, r, f, "metadata", func(ctx context.Context) (any, error) {
			items, err := storedItems[json.RawMessage](ctx, f, f.ID().MetadataKey())
			return reply.CollectionOf(items), err
		})
	})
}

// storedItems reads {"items":[…]}; nothing stored is an empty list.
func storedItems[T any](ctx context.Context, f found, key string) ([]T, error) {
	body, err := f.ReadObject(ctx, key, maxStoredJSON)
	if fault.KindOf(err) == fault.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var stored struct {
		Items []T `json:"items"`
	}
	if err := json.Unmarshal(body, &stored); err != nil {
		return nil, fault.New(fault.Corrupt, "stored-json", "%s is not what an import writes; import the slide again (pims import --reindex).", key).Because(err)
	}
	return stored.Items, nil
}

type storedAnnotation struct {
	Geometry   string          `json:"geometry"`
	Terms      []string        `json:"terms"`
	Properties map[string]any  `json:"properties"`
	Planes     []formats.Plane `json:"planes"`
}

type fileAnnotation struct {
	Geometry   string         `json:"geometry"`
	Terms      []string       `json:"terms"`
	Properties map[string]any `json:"properties"`
	Channels   []int          `json:"channels"`
	ZSlices    []int          `json:"z_slices"`
	Timepoints []int          `json:"timepoints"`
}

// annotations answers with those found inside the file. PIMS counts apparent
// channels, so a stored RGB plane is three of them.
func (a *API) annotations(w http.ResponseWriter, r *http.Request, v route.Vars) error {
	return a.withSlide(r, v, func(f found) error {
		return a.cachedJSON(w, r, f, "annotations", func(ctx context.Context) (any, error) {
			stored, err := storedItems[storedAnnotation](ctx, f, f.ID().AnnotationsKey())
			if err != nil {
				return nil, err
			}
			items := make([]fileAnnotation, len(stored))
			for i, s := range stored {
				items[i] = annotationOf(s, f.Manifest().Description.Samples)
			}
			return reply.CollectionOf(items), nil
		})
	})
}

func annotationOf(s storedAnnotation, samples int) fileAnnotation {
	out := fileAnnotation{
		Geometry: s.Geometry, Terms: s.Terms, Properties: s.Properties,
		Channels: []int{}, ZSlices: []int{}, Timepoints: []int{},
	}
	if out.Terms == nil {
		out.Terms = []string{}
	}
	if out.Properties == nil {
		out.Properties = map[string]any{}
	}
	for _, p := range s.Planes {
		for c := p.C * samples; c < (p.C+1)*samples; c++ {
			out.Channels = addOnce(out.Channels, c)
		}
		out.ZSlices = addOnce(out.ZSlices, p.Z)
		out.Timepoints = addOnce(out.Timepoints, p.T)
	}
	return out
}

func addOnce(list []int, n int) []int {
	for _, have := range list {
		if have == n {
			return list
		}
	}
	return append(list, n)
}
