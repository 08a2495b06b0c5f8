package pims

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/pims-cloud/pims/internal/httpapi/problem"
)

// form is the parameters of a request, from the query or from a JSON body, read
// with the same rules; what is wrong is collected, so that a client learns all
// of it at once (pims-api §2.5, §2.6).
type form struct {
	where  string // "query" or "body"
	fields map[string]field
	found  *problem.Validation
}

// field is one parameter: a list, a scalar (a list of one) or an explicit null.
type field struct {
	null   bool
	values []any // string, json.Number, bool, map[string]any
}

// queryForm reads list parameters in the form style: one occurrence, the last
// one, as a row of CSV. Blanks and one pair of brackets are dropped, because
// Cytomine core sends Java's list notation (§9.3 no. 25).
func queryForm(query url.Values, found *problem.Validation) *form {
	f := &form{where: "query", fields: map[string]field{}, found: found}
	for name, occurrences := range query {
		text := strings.TrimSpace(occurrences[len(occurrences)-1])
		if strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]") {
			text = text[1 : len(text)-1]
		}
		f.fields[name] = field{values: splitRow(text)}
	}
	return f
}

func splitRow(text string) []any {
	if text == "" {
		return nil
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.LazyQuotes = true
	row, err := reader.Read()
	if err != nil {
		row = strings.Split(text, ",")
	}
	out := make([]any, len(row))
	for i, v := range row {
		out[i] = strings.TrimSpace(v)
	}
	return out
}

// bodyForm reads a JSON object. The error is a 422 for what is no JSON object.
func bodyForm(r *http.Request, limit int64, found *problem.Validation) (*form, error) {
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, limit))
	if err != nil {
		var tooLong *http.MaxBytesError
		if errors.As(err, &tooLong) {
			return nil, err
		}
		return nil, problem.BadRequest("body-unreadable", "The body could not be read to its end.").Because(err)
	}
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, invalid(problem.Missing(nil, "body"))
	}
	if !isJSON(r.Header.Get("Content-Type")) {
		return nil, invalid(problem.NotObject(string(body), "body"))
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var object map[string]any
	var notObject *json.UnmarshalTypeError
	err = decoder.Decode(&object)
	switch {
	case errors.As(err, &notObject) || (err == nil && object == nil):
		return nil, invalid(problem.NotObject(string(body), "body"))
	case err != nil:
		return nil, invalid(problem.BadJSON(decoder.InputOffset(), err.Error()))
	case decoder.More():
		return nil, invalid(problem.BadJSON(decoder.InputOffset(), "Extra data"))
	}
	return objectForm(object, found), nil
}

func objectForm(object map[string]any, found *problem.Validation) *form {
	f := &form{where: "body", fields: map[string]field{}, found: found}
	for name, v := range object {
		switch v := v.(type) {
		case nil:
			f.fields[name] = field{null: true}
		case []any:
			f.fields[name] = field{values: v}
		default:
			f.fields[name] = field{values: []any{v}}
		}
	}
	return f
}

func isJSON(contentType string) bool {
	if contentType == "" {
		return true
	}
	mediaType, _, err := mime.ParseMediaType(contentType)
	return err == nil && (mediaType == "application/json" ||
		(strings.HasPrefix(mediaType, "application/") && strings.HasSuffix(mediaType, "+json")))
}

func invalid(issue problem.Issue) error { return &problem.Validation{Issues: []problem.Issue{issue}} }

// scalar is the one value of a parameter; ok is false when it is absent, null
// where that is allowed, or wrong, which is noted.
func (f *form) scalar(name string, nullable bool) (v any, ok bool) {
	p, present := f.fields[name]
	switch {
	case !present || (p.null && nullable):
		return nil, false
	case p.null:
		f.found.Add(problem.Issue{Type: "value_error", Loc: []any{f.where, name}, Msg: "Input should not be null"})
		return nil, false
	case len(p.values) == 0:
		return nil, false
	case len(p.values) > 1:
		f.found.Add(problem.NotInt(p.values, f.where, name))
		return nil, false
	}
	return p.values[0], true
}

// list is the values of a parameter; present is false when it is absent.
func (f *form) list(name string, nullable bool) (values []any, present bool) {
	p, present := f.fields[name]
	if p.null && !nullable {
		f.found.Add(problem.Issue{Type: "list_type", Loc: []any{f.where, name}, Msg: "Input should be a valid list"})
	}
	return p.values, present
}

// natural reads an integer of at least 0.
func (f *form) natural(v any, loc ...any) (int, bool) {
	n, ok := toInt(v)
	switch {
	case !ok:
		f.found.Add(problem.NotInt(v, loc...))
	case n < 0:
		f.found.Add(problem.AtLeast(v, 0, loc...))
		ok = false
	}
	return n, ok
}

// within reads a number in [least, greatest].
func (f *form) within(v any, least, greatest float64, loc ...any) (float64, bool) {
	x, ok := toFloat(v)
	switch {
	case !ok:
		f.found.Add(problem.NotFloat(v, loc...))
	case !(x >= least):
		f.found.Add(problem.AtLeast(v, least, loc...))
		ok = false
	case x > greatest:
		f.found.Add(problem.AtMost(v, greatest, loc...))
		ok = false
	}
	return x, ok
}

// text reads a string.
func (f *form) text(v any, loc ...any) (string, bool) {
	s, ok := v.(string)
	if !ok {
		f.found.Add(problem.NotString(v, loc...))
	}
	return s, ok
}

// boolean reads true, false and the words that pydantic takes for them.
func (f *form) boolean(name string, otherwise bool) bool {
	v, ok := f.scalar(name, false)
	if !ok {
		return otherwise
	}
	switch v := v.(type) {
	case bool:
		return v
	case string:
		if b, ok := boolWord(v); ok {
			return b
		}
	case json.Number:
		if b, ok := boolWord(v.String()); ok {
			return b
		}
	}
	f.found.Add(problem.NotBool(v, f.where, name))
	return otherwise
}

func boolWord(text string) (value, ok bool) {
	switch strings.ToLower(text) {
	case "true", "1", "yes", "on", "t", "y":
		return true, true
	case "false", "0", "no", "off", "f", "n":
		return false, true
	}
	return false, false
}

func toInt(v any) (int, bool) {
	x, ok := toFloat(v)
	if !ok || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		return 0, false
	}
	return int(x), true
}

func toFloat(v any) (float64, bool) {
	var text string
	switch v := v.(type) {
	case string:
		text = strings.TrimSpace(v)
	case json.Number:
		text = v.String()
	default:
		return 0, false
	}
	if strings.ContainsAny(text, "xXpP_") { // Go's hexadecimal forms
		return 0, false
	}
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil && !math.IsInf(x, 0)
}
