package localstack_test

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/lambdaadapter/runtimetest"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// TestSmokeOfABatchOnlyWhatFailedIsDead: a message that no import can come of is
// delivered again and becomes a dead letter; what came with it is done. pims dlq
// shows the letter, and lets it wait again, to be tried and given up anew.
func TestSmokeOfABatchOnlyWhatFailedIsDead(t *testing.T) {
	c := connectTo(t)
	c.quiet(t) // no other test's message may be given up earlier
	pims := c.command(t)
	if out := pims("dlq", "list"); out != "no dead letters\n" {
		t.Fatalf("before the test: %s", out)
	}
	// A minute, so that a slow start of the function is no delivery; it gives the
	// message back by itself.
	c.redeliver(t, 60, 2)
	poison := `{"poison":"` + t.Name() + `"}`
	job := c.put(t, testfiles.Own(t, "svs/blank-tiles.svs"), "beside poison.svs")
	c.send(t, c.event(job), poison, c.event(job))
	if r := c.final(t, job); r.State != importer.StateDone || r.Attempt != 1 {
		t.Errorf("report %+v", r)
	}

	dead := c.settings.Queues["import"].DeadLetterName
	buried := func() bool { return c.attributes(t, dead)["ApproximateNumberOfMessages"] == "1" }
	wait(t, "the dead letter", buried)
	c.quiet(t)
	first := onlyLetter(t, pims("dlq", "list", "--json"))
	if first.Body != poison || first.Attempts != 2 || first.ID == "" {
		t.Errorf("the dead letter is %+v, want %q after 2 attempts", first, poison)
	}
	if out := pims("dlq", "list"); !strings.Contains(out, first.ID) || !strings.Contains(out, poison) {
		t.Errorf("the table does not show the letter:\n%s", out)
	}

	c.redeliver(t, 60, 1)
	if out := pims("dlq", "redrive", first.ID); out != "1 messages wait again\n" {
		t.Errorf("redrive: %s", out)
	}
	c.quiet(t) // it is neither lost nor left: it is tried, and
	wait(t, "the letter to be dead again", buried)
	second := onlyLetter(t, pims("dlq", "list", "--json"))
	if second.Body != poison || second.ID == first.ID {
		t.Errorf("after it was tried again the dead letter is %+v, want another one than %s with the same body", second, first.ID)
	}
	c.empty(t, dead)
}

// letter is a line of pims dlq list --json.
type letter struct {
	ID       string
	Attempts int
	Body     string
}

func onlyLetter(t *testing.T, lines string) (l letter) {
	t.Helper()
	if err := json.Unmarshal([]byte(lines), &l); err != nil {
		t.Fatalf("not one dead letter, but %v: %s", err, lines)
	}
	return l
}

// command builds the program, and gives the function that runs it over the import
// queue; what it says on standard output comes back.
func (c *cloud) command(t *testing.T) func(args ...string) string {
	t.Helper()
	binary := runtimetest.Build(t, testfiles.Root(t), "./cmd/pims")
	return func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), binary, args...)
		cmd.Dir = t.TempDir()
		cmd.Env = append(cmd.Environ(), "STORE_URL=memory:", "UPLOADS_URL=memory:", "QUEUE_URL="+c.queueURL(c.settings.Queues["import"].Name))
		var problem bytes.Buffer
		cmd.Stderr = &problem
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("pims %s: %v: %s", strings.Join(args, " "), err, problem.String())
		}
		return string(out)
	}
}
