package connect_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/connect"
)

func TestOpen(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "sl ides")
	for raw, want := range map[string]string{
		"file://" + strings.ReplaceAll(folder, " ", "%20"): "file://" + folder,
		"memory:":            "memory:",
		"s3://bucket/prefix": "s3://bucket/prefix", // without a request
	} {
		s, err := connect.Open(t.Context(), raw, objectstore.Config{Concurrency: 2})
		if err != nil {
			t.Errorf("%s: %v", raw, err)
			continue
		}
		if s.URL() != want || s.Totals() == nil {
			t.Errorf("%s: opened %s, metered: %v", raw, s.URL(), s.Totals() != nil)
		}
	}
	if _, err := connect.Open(t.Context(), "ftp://x", objectstore.Config{}); fault.CodeOf(err) != "store-url" {
		t.Errorf("ftp: %v", err)
	}
}
