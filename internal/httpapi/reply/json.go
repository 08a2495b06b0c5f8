// Package reply writes successful answers: JSON as PIMS' encoder writes it,
// images, and the headers and conditions of cached answers.
package reply

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/httpapi/onewrite"
)

// Float is a number that is always written with a fraction or an exponent, as
// PIMS writes floats: 1.0, not 1. NaN and infinities become null.
type Float float64

// MarshalJSON writes the shortest text that reads back as the same number.
func (f Float) MarshalJSON() ([]byte, error) {
	v := float64(f)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	format := byte('f')
	if abs := math.Abs(v); abs != 0 && (abs < 1e-5 || abs >= 1e16) {
		format = 'e'
	}
	text := strconv.FormatFloat(v, format, -1, 64)
	if !strings.ContainsAny(text, ".e") {
		text += ".0"
	}
	return []byte(text), nil
}

// FloatOrNull makes an optional number writable.
func FloatOrNull(v *float64) *Float {
	if v == nil {
		return nil
	}
	f := Float(*v)
	return &f
}

// Rounded6 is FloatOrNull of the number rounded to 6 decimals, which is how
// PIMS gives physical sizes and wavelengths.
func Rounded6(v *float64) *Float {
	if v == nil {
		return nil
	}
	f := Float(math.RoundToEven(*v*1e6) / 1e6)
	return &f
}

// Whole is a number that is written without fraction when it has none: Cytomine
// core reads magnifications as integers (pims-api §9.1).
func Whole(v *float64) any {
	switch {
	case v == nil || math.IsNaN(*v) || math.IsInf(*v, 0):
		return nil
	case *v == math.Trunc(*v) && math.Abs(*v) < 1<<53:
		return int64(*v)
	default:
		return Float(*v)
	}
}

// Collection is PIMS' list answer, items first.
type Collection[T any] struct {
	Items []T `json:"items"`
	Size  int `json:"size"`
}

// CollectionOf wraps items; none at all is written as an empty list.
func CollectionOf[T any](items []T) Collection[T] {
	if items == nil {
		items = []T{}
	}
	return Collection[T]{Items: items, Size: len(items)}
}

// Encode writes v without spaces and without escaping what JSON need not escape.
func Encode(v any) ([]byte, error) {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, fault.New(fault.Internal, "json-encode", "The answer can not be written as JSON.").Because(err)
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n")), nil
}

// JSON answers 200 with v, not to be cached.
func JSON(w http.ResponseWriter, r *http.Request, v any) error {
	return JSONStatus(w, r, http.StatusOK, v)
}

// JSONStatus answers with a status of the caller's.
func JSONStatus(w http.ResponseWriter, r *http.Request, status int, v any) error {
	body, err := Encode(v)
	if err != nil {
		return err
	}
	Bytes(w, r, status, "application/json", body)
	return nil
}

// Bytes writes a whole body; for HEAD only its headers.
func Bytes(w http.ResponseWriter, r *http.Request, status int, mediaType string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", mediaType)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	send(w, r, status, body)
}

// send writes a whole answer whose headers are set.
func send(w http.ResponseWriter, r *http.Request, status int, body []byte) {
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		onewrite.Expect(r.Context(), len(body))
		// The client may be gone; there is nobody left to tell.
		_, _ = w.Write(body)
	}
}
