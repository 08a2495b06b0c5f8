package httpapi_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/internal/importer"
)

func TestKeysAndValuesOfAnUploadStayWithTheSlide(t *testing.T) {
	s := newService(t, "")
	s.work()
	contentType, body := form(t, "a.svs", svs(t))
	query := "/upload?sync=true&idStorage=5&keys=stain,block,empty&values=H%26E,%22A,%20B%22,"
	var answers []struct {
		UploadedFile struct {
			ID         string
			Properties []importer.Property
		}
	}
	decode(t, s.send("POST", query, body, "Content-Type: "+contentType).want(t, http.StatusOK), &answers)
	want := []importer.Property{{Key: "stain", Value: "H&E"}, {Key: "block", Value: "A, B"}} // empty ones are left out
	if diff := cmp.Diff(want, answers[0].UploadedFile.Properties); diff != "" {
		t.Errorf("properties in the reply (-want +got):\n%s", diff)
	}
	var report importer.Report
	decode(t, s.get("/imports/"+answers[0].UploadedFile.ID).want(t, http.StatusOK), &report)
	if diff := cmp.Diff(want, report.Properties); diff != "" || report.State != importer.StateDone {
		t.Errorf("properties in the report of an import that is %s (-want +got):\n%s", report.State, diff)
	}
}

func TestUploadParametersAreChecked(t *testing.T) {
	s := newService(t, "")
	contentType, body := form(t, "a.svs", "text")
	for query, want := range map[string]struct {
		status int
		text   string
	}{
		"keys=a,b&values=1": {400, `[{"status":500,"error":"Keys [a, b] and values [1] have varying size.","files":[{"size":0,"error":"Keys [a, b]`},
		"idStorage=five":    {422, `"loc":["query","idStorage"]`},
		"sync=perhaps":      {422, `"loc":["query","sync"]`},
		"keys=a&values=" + strings.Repeat("x", 40<<10): {400, `at most`},
	} {
		got := s.send("POST", "/upload?"+query, body, "Content-Type: "+contentType).want(t, want.status)
		if !strings.Contains(string(got.body), want.text) {
			t.Errorf("%.60s: %.300s, want %s in it", query, got.body, want.text)
		}
	}
	s.send("POST", "/upload", "no form", "Content-Type: text/plain").want(t, http.StatusBadRequest)
	s.send("POST", "/upload", "", "Content-Type: "+contentType).want(t, http.StatusBadRequest)
}

func TestDatasetImportsAreCheckedAndRefused(t *testing.T) {
	s := newService(t, "")
	for _, c := range []struct {
		query, authorization string
		status               int
		text                 string
	}{
		{"", "", 422, `"loc":["query","storage_id"]`},
		{"?storage_id=a", "", 422, `int_parsing`},
		{"?storage_id=5", "", 401, `{"title":"Auth failed","details":null`},
		{"?storage_id=5", "Bearer x", 401, `Auth failed`},
		{"?storage_id=5", "CYTOMINE nocolon", 401, `Auth failed`},
		{"?storage_id=5", "CYTOMINE key:signature", 501, `"code":"datasets-not-offered"`},
	} {
		got := s.send("POST", "/import"+c.query, "", "Authorization: "+c.authorization).want(t, c.status)
		if !strings.Contains(string(got.body), c.text) {
			t.Errorf("/import%s with %q: %s, want %s in it", c.query, c.authorization, got.body, c.text)
		}
	}
}
