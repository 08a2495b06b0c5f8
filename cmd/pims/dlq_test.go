package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/queue/local"
)

// TestDeadLettersAreShownAndRedriven on the local queue; the suite of queuetest
// holds the drivers to the rest.
func TestDeadLettersAreShownAndRedriven(t *testing.T) {
	folder := t.TempDir()
	c := cli{t, []string{"STORE_URL=memory:", "UPLOADS_URL=memory:", "QUEUE_URL=local:" + folder}}
	if out := c.must("dlq", "list"); !strings.Contains(out, "no dead letters") {
		t.Errorf("an empty queue: %s", out)
	}
	q, err := local.Open(folder, local.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := q.Send(context.Background(), []byte("poi\nson\x1b")); err != nil {
			t.Fatal(err)
		}
		m, err := q.Receive(context.Background(), 1)
		if err != nil {
			t.Fatal(err)
		}
		if err := q.Bury(context.Background(), m[0], "it is no slide"); err != nil {
			t.Fatal(err)
		}
	}
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	if out := c.must("dlq", "list"); strings.Count(out, "it is no slide  poi son") != 2 || strings.Contains(out, "\x1b") {
		t.Errorf("the table: %q", out)
	}
	var letter letterJSON
	first, _, _ := strings.Cut(c.must("dlq", "list", "--json", "--max=1"), "\n")
	if err := json.Unmarshal([]byte(first), &letter); err != nil || letter.Body != "poi\nson\x1b" || letter.Attempts != 1 || letter.BuriedAt == nil {
		t.Fatalf("%+v, %v", letter, err)
	}
	if out := c.must("dlq", "redrive", letter.ID); out != "1 messages wait again\n" {
		t.Errorf("redriving one: %s", out)
	}
	if code, _, errs := c.run("dlq", "redrive"); code != 1 || !strings.Contains(errs, "--all") {
		t.Errorf("redriving nothing: exit code %d, %s", code, errs)
	}
	if out := c.must("dlq", "redrive", "--all"); out != "1 messages wait again\n" {
		t.Errorf("redriving the rest: %s", out)
	}
	if code, _, errs := c.run("dlq", "redrive", letter.ID); code != 1 || !strings.Contains(errs, letter.ID) {
		t.Errorf("redriving what is gone: exit code %d, %s", code, errs)
	}
}
