// Package queuetest holds every queue driver to the contract of package queue.
package queuetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/queue"
)

// Harness is one empty queue under test.
type Harness struct {
	Queue queue.Queue
	// Clock is what the queue's time goes by.
	Clock *Clock
	// Visibility is how long the queue keeps a received message at first.
	Visibility time.Duration
	// Dead gives the bodies of the dead letters.
	Dead func(t *testing.T) [][]byte
}

// patience bounds how long a test waits for what must happen.
const patience = 20 * time.Second

// Run proves that open makes a queue that keeps the contract.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	tests := []struct {
		name string
		run  func(*testing.T, Harness)
	}{
		{"a message comes as it was sent", testRoundTrip},
		{"any bytes can be a body", testAnyBytes},
		{"a received message is invisible, then comes back", testVisibility},
		{"an acknowledged message is gone", testAck},
		{"acknowledging twice is no error", testAckTwice},
		{"extending keeps a message invisible", testExtend},
		{"a released message comes back after the delay", testRelease},
		{"attempts are counted", testAttempts},
		{"a buried message is a dead letter", testBury},
		{"dead letters are shown and stay", testDeadLetters},
		{"dead letters wait again", testRedrive},
		{"chosen dead letters wait again", testRedriveSome},
		{"at most max messages are given", testMax},
		{"receiving waits for a message", testReceiveWaits},
		{"receiving ends with its context", testReceiveEnds},
		{"depth tells waiting from working", testDepth},
		{"many senders and receivers lose nothing", testConcurrency},
		{"it has a name for logs", testDescribe},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) { tt.run(t, open(t)) })
	}
}

func contextFor(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

func send(t *testing.T, h Harness, bodies ...string) {
	t.Helper()
	for _, b := range bodies {
		if err := h.Queue.Send(contextFor(t), []byte(b)); err != nil {
			t.Fatalf("Send(%q): %v", b, err)
		}
	}
}

func receive(t *testing.T, h Harness) queue.Message {
	t.Helper()
	got, err := h.Queue.Receive(contextFor(t), 1)
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	if len(got) != 1 {
		t.Fatalf("Receive(1) gave %d messages", len(got))
	}
	return got[0]
}

// nothing proves that no message is visible: one that is sent now comes alone.
func nothing(t *testing.T, h Harness) {
	t.Helper()
	send(t, h, "probe")
	got, err := h.Queue.Receive(contextFor(t), 10)
	if err != nil {
		t.Fatalf("Receive: %v", err)
	}
	if len(got) != 1 || string(got[0].Body) != "probe" {
		t.Fatalf("only the probe should be visible, got %s", bodies(got))
	}
	done(t, h.Queue.Ack(contextFor(t), got[0]))
}

func bodies(ms []queue.Message) string {
	var out []string
	for _, m := range ms {
		out = append(out, string(m.Body))
	}
	return fmt.Sprintf("%q", out)
}

func done(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func testRoundTrip(t *testing.T, h Harness) {
	send(t, h, `{"a":"ü <&>"}`)
	sent := h.Clock.Now()
	h.Clock.Advance(3 * time.Second)
	m := receive(t, h)
	if string(m.Body) != `{"a":"ü <&>"}` || m.ID == "" || m.Attempt != 1 {
		t.Errorf("got %+v, want the body as sent, an id and attempt 1", m)
	}
	if !m.Sent.Equal(sent) {
		t.Errorf("the message says that it was sent at %s, it was at %s", m.Sent, sent)
	}
}

func testAnyBytes(t *testing.T, h Harness) {
	body := make([]byte, 300)
	for i := range body {
		body[i] = byte(i)
	}
	done(t, h.Queue.Send(contextFor(t), body))
	if got := receive(t, h); !bytes.Equal(got.Body, body) {
		t.Errorf("the body came back as %q", got.Body)
	}
}

func testVisibility(t *testing.T, h Harness) {
	send(t, h, "a")
	first := receive(t, h)
	nothing(t, h)
	h.Clock.Advance(h.Visibility - time.Second)
	nothing(t, h)
	h.Clock.Advance(time.Second)
	again := receive(t, h)
	if again.ID != first.ID || again.Attempt != 2 || again.Receipt == first.Receipt {
		t.Errorf("second delivery %+v of %+v: want the same id, attempt 2, another receipt", again, first)
	}
}

func testAck(t *testing.T, h Harness) {
	send(t, h, "a")
	done(t, h.Queue.Ack(contextFor(t), receive(t, h)))
	h.Clock.Advance(2 * h.Visibility)
	nothing(t, h)
}

func testAckTwice(t *testing.T, h Harness) {
	send(t, h, "a")
	m := receive(t, h)
	done(t, h.Queue.Ack(contextFor(t), m))
	done(t, h.Queue.Ack(contextFor(t), m))
}

func testExtend(t *testing.T, h Harness) {
	send(t, h, "a")
	m := receive(t, h)
	h.Clock.Advance(h.Visibility - time.Second)
	done(t, h.Queue.Extend(contextFor(t), m, h.Visibility))
	h.Clock.Advance(h.Visibility - time.Second)
	nothing(t, h)
	h.Clock.Advance(time.Second)
	if again := receive(t, h); again.ID != m.ID {
		t.Errorf("got %q, want the extended message back", again.Body)
	}
}

func testRelease(t *testing.T, h Harness) {
	send(t, h, "a")
	m := receive(t, h)
	done(t, h.Queue.Release(contextFor(t), m, time.Minute))
	h.Clock.Advance(time.Minute - time.Second)
	nothing(t, h)
	h.Clock.Advance(time.Second)
	m = receive(t, h)
	done(t, h.Queue.Release(contextFor(t), m, 0))
	if again := receive(t, h); again.ID != m.ID {
		t.Errorf("got %q, want the released message at once", again.Body)
	}
}

func testAttempts(t *testing.T, h Harness) {
	send(t, h, "a")
	for want := 1; want <= 4; want++ {
		m := receive(t, h)
		if m.Attempt != want {
			t.Fatalf("delivery %d says attempt %d", want, m.Attempt)
		}
		done(t, h.Queue.Release(contextFor(t), m, 0))
	}
}

func testBury(t *testing.T, h Harness) {
	send(t, h, "poison")
	done(t, h.Queue.Bury(contextFor(t), receive(t, h), "it never works"))
	h.Clock.Advance(2 * h.Visibility)
	nothing(t, h)
	if dead := h.Dead(t); len(dead) != 1 || string(dead[0]) != "poison" {
		t.Errorf("dead letters %q, want the buried message", dead)
	}
}

func testMax(t *testing.T, h Harness) {
	send(t, h, "a", "b", "c", "d")
	seen := map[string]bool{}
	for len(seen) < 4 {
		got, err := h.Queue.Receive(contextFor(t), 3)
		done(t, err)
		if len(got) < 1 || len(got) > 3 {
			t.Fatalf("Receive(3) gave %d messages", len(got))
		}
		for _, m := range got {
			if seen[m.ID] {
				t.Fatalf("message %q came twice", m.Body)
			}
			seen[m.ID] = true
		}
	}
}

func testReceiveWaits(t *testing.T, h Harness) {
	got := make(chan string, 1)
	ctx := contextFor(t)
	go func() {
		ms, err := h.Queue.Receive(ctx, 1)
		if err != nil || len(ms) != 1 {
			got <- fmt.Sprintf("%d messages, %v", len(ms), err)
			return
		}
		got <- string(ms[0].Body)
	}()
	send(t, h, "late")
	if body := <-got; body != "late" {
		t.Errorf("the waiting receiver got %s", body)
	}
}

func testReceiveEnds(t *testing.T, h Harness) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		_, err := h.Queue.Receive(ctx, 1)
		ended <- err
	}()
	cancel()
	select {
	case err := <-ended:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Receive ended with %v, want context.Canceled", err)
		}
	case <-time.After(patience):
		t.Error("Receive did not end with its context")
	}
}

func testDepth(t *testing.T, h Harness) {
	send(t, h, "a", "b", "c")
	receive(t, h)
	waiting, working, err := h.Queue.Depth(contextFor(t))
	done(t, err)
	if waiting != 2 || working != 1 {
		t.Errorf("depth is %d waiting, %d working; want 2, 1", waiting, working)
	}
}

func testConcurrency(t *testing.T, h Harness) {
	const senders, each, receivers = 4, 25, 4
	ctx := contextFor(t)
	var sending, receiving sync.WaitGroup
	for s := range senders {
		sending.Go(func() {
			for i := range each {
				if err := h.Queue.Send(ctx, fmt.Appendf(nil, "%d-%d", s, i)); err != nil {
					t.Errorf("Send: %v", err)
				}
			}
		})
	}
	var mu sync.Mutex
	seen := map[string]int{}
	until, stop := context.WithCancel(ctx)
	for range receivers {
		receiving.Go(func() {
			for {
				ms, err := h.Queue.Receive(until, 5)
				if err != nil {
					return
				}
				for _, m := range ms {
					if err := h.Queue.Ack(ctx, m); err != nil {
						t.Errorf("Ack: %v", err)
					}
					mu.Lock()
					seen[string(m.Body)]++
					if len(seen) == senders*each {
						stop()
					}
					mu.Unlock()
				}
			}
		})
	}
	sending.Wait()
	receiving.Wait()
	stop()
	if len(seen) != senders*each {
		t.Errorf("%d of %d messages came", len(seen), senders*each)
	}
	for body, n := range seen {
		if n != 1 {
			t.Errorf("message %s came %d times", body, n)
		}
	}
}

func testDescribe(t *testing.T, h Harness) {
	if h.Queue.Describe() == "" {
		t.Error("Describe is empty")
	}
}
