package queuetest

import (
	"slices"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/queue"
)

// buried makes dead letters of messages and gives the queue as what keeps them.
func buried(t *testing.T, h Harness, bodies ...string) queue.DeadLetters {
	t.Helper()
	for _, body := range bodies {
		send(t, h, body)
		done(t, h.Queue.Bury(contextFor(t), receive(t, h), "because"))
	}
	d, ok := h.Queue.(queue.DeadLetters)
	if !ok {
		t.Fatalf("%T shows no dead letters", h.Queue)
	}
	return d
}

func letters(t *testing.T, d queue.DeadLetters, max int) (bodies []string, all []queue.DeadLetter) {
	t.Helper()
	all, err := d.DeadLetters(contextFor(t), max)
	done(t, err)
	for _, l := range all {
		bodies = append(bodies, string(l.Body))
		if l.ID == "" || l.Reason != "because" {
			t.Errorf("dead letter %+v: want an id and the reason", l)
		}
	}
	slices.Sort(bodies)
	return bodies, all
}

func testDeadLetters(t *testing.T, h Harness) {
	d := buried(t, h)
	if got, _ := letters(t, d, 10); len(got) != 0 {
		t.Errorf("dead letters %q of an empty queue", got)
	}
	binary := string([]byte{0, 0xff, 'x'})
	want := []string{binary, "a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"} // more than one batch of SQS
	d = buried(t, h, want...)
	for range 2 { // looking changes nothing
		if got, _ := letters(t, d, 100); !slices.Equal(got, want) {
			t.Errorf("dead letters %q, want %q", got, want)
		}
	}
	if got, _ := letters(t, d, 3); len(got) != 3 {
		t.Errorf("%d dead letters where at most 3 were asked for", len(got))
	}
	nothing(t, h)
}

func testRedrive(t *testing.T, h Harness) {
	d := buried(t, h, "a", "b")
	n, err := d.Redrive(contextFor(t))
	done(t, err)
	if n != 2 {
		t.Errorf("%d wait again, want 2", n)
	}
	var got []string
	for range 2 {
		m := receive(t, h)
		if m.Attempt != 1 {
			t.Errorf("attempt %d of what waits again, want 1", m.Attempt)
		}
		got = append(got, string(m.Body))
		done(t, h.Queue.Ack(contextFor(t), m))
	}
	slices.Sort(got)
	if !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("got %q", got)
	}
	nothing(t, h)
	if n, err := d.Redrive(contextFor(t)); n != 0 || err != nil {
		t.Errorf("a second time: %d, %v", n, err)
	}
}

func testRedriveSome(t *testing.T, h Harness) {
	d := buried(t, h, "a", "b", "c")
	_, all := letters(t, d, 10)
	chosen := all[slices.IndexFunc(all, func(l queue.DeadLetter) bool { return string(l.Body) == "b" })].ID
	n, err := d.Redrive(contextFor(t), chosen, "nobody")
	if n != 1 || fault.KindOf(err) != fault.NotFound {
		t.Errorf("%d wait again, %v; want 1, and not-found for the other", n, err)
	}
	if m := receive(t, h); string(m.Body) != "b" {
		t.Errorf("got %q, want the chosen one", m.Body)
	}
	if got, _ := letters(t, d, 10); !slices.Equal(got, []string{"a", "c"}) {
		t.Errorf("dead letters %q, want the others", got)
	}
}
