package cost

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/internal/testfiles"
)

var update = flag.Bool("update", false, "write the tables in docs/costs.md")

// TestPageIsCurrent holds the tables of the page to the counters that stand in
// it: between "<!-- bill of NAME -->" and "<!-- end -->" is the bill of the YAML
// block after "<!-- counters NAME -->".
func TestPageIsCurrent(t *testing.T) {
	path := filepath.Join(testfiles.Root(t), "docs", "costs.md")
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	prices, err := Examples()
	if err != nil {
		t.Fatal(err)
	}
	text := string(page)
	for _, name := range []string{"minimal", "full"} {
		_, rest, found := strings.Cut(text, "<!-- counters "+name+" -->\n```yaml\n")
		counters, _, ended := strings.Cut(rest, "```")
		if !found || !ended {
			t.Fatalf("docs/costs.md has no counters %s", name)
		}
		c, err := parseCounters(name, []byte(counters))
		if err != nil {
			t.Fatal(err)
		}
		bill, err := Of(c, prices)
		if err != nil {
			t.Fatal(err)
		}
		before, rest, found := strings.Cut(text, "<!-- bill of "+name+" -->\n")
		table, after, ended := strings.Cut(rest, "<!-- end -->")
		if !found || !ended {
			t.Fatalf("docs/costs.md has no bill of %s", name)
		}
		want := bill.Markdown()
		if diff := cmp.Diff(want, table); diff != "" && !*update {
			t.Errorf("the bill of %s is not what its counters give; run go test ./internal/cost -run TestPage -update\n%s", name, diff)
		}
		text = before + "<!-- bill of " + name + " -->\n" + want + "<!-- end -->" + after
	}
	if *update {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
