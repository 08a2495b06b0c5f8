package importer_test

import (
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/importer"
)

func TestCleanName(t *testing.T) {
	for name, want := range map[string]string{
		"slide.svs":               "slide.svs",
		"a b (1)+*@.svs":          "a-b--1----.svs",
		`..\..\x/y:z?"<>|.tif`:    "-.-..-x-y-z-----.tif",
		"Präparat 3µm.svs":        "Präparat-3µm.svs",
		"'$€£°`[]#.ndpi":          "---------.ndpi",
		"":                        "upload",
		".hidden.svs":             "-hidden.svs",
		"...":                     "upload",
		"CON.svs":                 "-CON.svs",
		"processed":               "upload-processed",
		"tab\tnul\x00end\x7f.svs": "tab-nul-end-.svs",
		"bad\xffutf8.svs":         "bad-utf8.svs",
	} {
		if got := importer.CleanName(name); got != want {
			t.Errorf("CleanName(%q) = %q, want %q", name, got, want)
		}
	}
	long := importer.CleanName(strings.Repeat("ä", 300) + ".svs")
	if len(long) > 200 || !strings.HasSuffix(long, "ä.svs") {
		t.Errorf("a long name became %q (%d bytes)", long, len(long))
	}
}
