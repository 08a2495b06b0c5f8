package pims

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
	"github.com/pims-cloud/pims/internal/slide"
)

// signing is a store whose addresses say what was asked for.
type signing struct{ objectstore.Driver }

func (signing) PresignGet(_ context.Context, key string, o objectstore.PresignOptions) (string, error) {
	return "https://store.example/" + key + "?valid=" + o.ValidFor.String() + "&as=" + o.ContentType + "&with=" + o.ContentDisposition, nil
}

func TestWhatTheStoreMaySendItself(t *testing.T) {
	addresses, none := objectstore.New(signing{memory.New()}), objectstore.New(memory.New())
	for name, row := range map[string]struct {
		store    *objectstore.Store
		validFor time.Duration
		method   string
		header   string
		in       string
		want     bool
	}{
		"as configured":                {addresses, time.Hour, "GET", "", slide.InSlides, true},
		"a part":                       {addresses, time.Hour, "GET", "Range", slide.InSlides, true},
		"not configured":               {addresses, 0, "GET", "", slide.InSlides, false},
		"a store without addresses":    {none, time.Hour, "GET", "", slide.InSlides, false},
		"HEAD, which is not signed":    {addresses, time.Hour, "HEAD", "", slide.InSlides, false},
		"what may be there already":    {addresses, time.Hour, "GET", "If-None-Match", slide.InSlides, false},
		"what may be there by a date":  {addresses, time.Hour, "GET", "If-Modified-Since", slide.InSlides, false},
		"an upload that is not pinned": {addresses, time.Hour, "GET", "", slide.InUploads, false},
	} {
		a := &API{Deps: Deps{Slides: row.store, Limits: Limits{ExportLink: row.validFor}}}
		r := httptest.NewRequest(row.method, "/", nil)
		if row.header != "" {
			r.Header.Set(row.header, "x")
		}
		if got := a.linked(r, slide.SourceObject{In: row.in}); got != row.want {
			t.Errorf("%s: %t, want %t", name, got, row.want)
		}
	}
}

func TestAnExportsAddressIsNotKept(t *testing.T) {
	a := &API{Deps: Deps{Slides: objectstore.New(signing{memory.New()}), Limits: Limits{ExportLink: time.Hour}}}
	w := httptest.NewRecorder()
	if err := a.exportLink(w, httptest.NewRequest("GET", "/", nil), "upload-1/x.svs", "image/tiff", "x.svs"); err != nil {
		t.Fatal(err)
	}
	want := `https://store.example/upload-1/x.svs?valid=1h0m0s&as=image/tiff&with=attachment; filename="x.svs"`
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != want || w.Header().Get("Cache-Control") != "private,no-store" {
		t.Errorf("status %d, Location %s, Cache-Control %s", w.Code, w.Header().Get("Location"), w.Header().Get("Cache-Control"))
	}
}
