package uploads

import (
	"encoding/csv"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/pims-cloud/pims/internal/httpapi/problem"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/importer"
)

// Bounds of the properties of one upload: they travel in a queue's message.
const (
	maxProperties    = 200
	maxPropertyBytes = 32 << 10 // all together
)

// wanted is what the query of an upload asks for (pims-api §3.13). Storages and
// projects are Cytomine's; they are checked and otherwise left alone.
type wanted struct {
	sync       bool
	properties []importer.Property
}

func wantedOf(r *http.Request) (wanted, error) {
	query := r.URL.Query()
	var bad problem.Validation
	out := wanted{sync: boolOf(query, "sync", &bad)}
	for _, name := range []string{"idStorage", "storage"} {
		intOf(query, name, &bad)
	}
	if err := bad.Err(); err != nil {
		return wanted{}, err
	}
	var err error
	if out.properties, err = propertiesOf(row(query, "keys"), row(query, "values")); err != nil {
		return wanted{}, problem.UploadFailed(err)
	}
	return out, nil
}

// propertiesOf pairs keys and values; one without a value is left out.
func propertiesOf(keys, values []string) ([]importer.Property, error) {
	if len(keys) != len(values) {
		return nil, problem.BadRequest("properties-size", "Keys [%s] and values [%s] have varying size.",
			strings.Join(keys, ", "), strings.Join(values, ", "))
	}
	var out []importer.Property
	bytes := 0
	for i, key := range keys {
		if key = strings.TrimSpace(key); key == "" || values[i] == "" {
			continue
		}
		out = append(out, importer.Property{Key: key, Value: values[i]})
		bytes += len(key) + len(values[i])
	}
	if len(out) > maxProperties || bytes > maxPropertyBytes {
		return nil, problem.BadRequest("properties-too-many", "%d properties of %d bytes were given, at most %d of %d bytes are kept.",
			len(out), bytes, maxProperties, maxPropertyBytes)
	}
	return out, nil
}

func last(query url.Values, name string) string {
	values := query[name]
	if len(values) == 0 {
		return ""
	}
	return values[len(values)-1]
}

// row reads a list: one row of CSV, so that a quoted value may have commas.
func row(query url.Values, name string) []string {
	text := last(query, name)
	if text == "" {
		return nil
	}
	reader := csv.NewReader(strings.NewReader(text))
	reader.LazyQuotes = true
	fields, err := reader.Read()
	if err != nil {
		return strings.Split(text, ",")
	}
	return fields
}

func boolOf(query url.Values, name string, bad *problem.Validation) bool {
	switch text := strings.ToLower(last(query, name)); text {
	case "true", "1", "yes", "on", "t", "y":
		return true
	case "", "false", "0", "no", "off", "f", "n":
	default:
		bad.Add(problem.NotBool(text, "query", name))
	}
	return false
}

func intOf(query url.Values, name string, bad *problem.Validation) {
	if text := last(query, name); text != "" {
		if _, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64); err != nil {
			bad.Add(problem.NotInt(text, "query", name))
		}
	}
}

// datasets answers PIMS' import of a mounted dataset (pims-api §3.12), which
// needs Cytomine's core: requests are checked as PIMS checks them, and then
// refused.
func (a *API) datasets(_ http.ResponseWriter, r *http.Request, _ route.Vars) error {
	query := r.URL.Query()
	var bad problem.Validation
	if !query.Has("storage_id") {
		bad.Add(problem.Missing(nil, "query", "storage_id"))
	} else {
		intOf(query, "storage_id", &bad)
	}
	if err := bad.Err(); err != nil {
		return err
	}
	scheme, rest, found := strings.Cut(r.Header.Get("Authorization"), " ")
	if scheme != "CYTOMINE" || !found || !strings.Contains(rest, ":") {
		return problem.AuthFailed()
	}
	return problem.NotOffered("datasets-not-offered", "This service does not import datasets for Cytomine; put their files into the uploads store, or send them to /upload.")
}
