package main

import (
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/access"
)

// TestGrantIsPrintedInThreeForms holds each to what the service takes.
func TestGrantIsPrintedInThreeForms(t *testing.T) {
	checker, err := access.New(access.Config{Auth: "signed", GrantKeys: strings.TrimPrefix(grantKeys, "GRANT_KEYS=")})
	if err != nil {
		t.Fatal(err)
	}
	c := newCLI(t, grantKeys)
	for _, row := range []struct{ flag, address, before string }{
		{"", "", ""},
		{"--url", "https://slides.example/image/x.dzi", "https://slides.example/image/x.dzi?grant="},
		{"--url", "https://slides.example/?a=b", "https://slides.example/?a=b&grant="},
		{"--page", "https://slides.example", "https://slides.example/#/grant="},
		{"--page", "https://slides.example/ims/#/slide/x", "https://slides.example/ims/#/grant="},
	} {
		args := []string{"grant", "--rights", "read,label", "--slides", "upload-0e"}
		if row.flag != "" {
			args = append(args, row.flag, row.address)
		}
		grant, ok := strings.CutPrefix(strings.TrimSpace(c.must(args...)), row.before)
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Authorization", "Bearer "+grant)
		caller, err := checker.Caller(r)
		if !ok || err != nil || caller.Rights != access.Read|access.Label || caller.Slides != "upload-0e" {
			t.Errorf("%s %s: %s (%v), which gives %+v", row.flag, row.address, grant, err, caller)
		}
	}
	for _, args := range [][]string{
		{"grant", "--page", "slides"}, {"grant", "--for", "0s"}, {"grant", "--rights", "fly"}, {"grant", "--slides", "../x"},
		{"grant", "--page", "https://a.example", "--url", "https://a.example"},
	} {
		if code, out, errs := c.run(args...); code == 0 || strings.Contains(out, "1.test.") || errs == "" {
			t.Errorf("%v: exit code %d\n%s%s", args, code, out, errs)
		}
	}
}
