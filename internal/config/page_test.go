package config_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/internal/config"
	"github.com/pims-cloud/pims/internal/testfiles"
)

var update = flag.Bool("update", false, "write docs/configuration.md")

func TestPageIsCurrent(t *testing.T) {
	want, err := config.Page()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(testfiles.Root(t), "docs", "configuration.md")
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/configuration.md is not what the code says; run go test ./internal/config -run TestPage -update\n%s", diff)
	}
}

func TestSecretsAreMasked(t *testing.T) {
	cfg := load(t, "QUEUE_URL=https://user:password@sqs.example.com/1/imports")
	for _, s := range cfg.Table() {
		if s.Name == "QUEUE_URL" && s.Value != "https://********@sqs.example.com/1/imports" {
			t.Errorf("QUEUE_URL is shown as %q", s.Value)
		}
	}
}
