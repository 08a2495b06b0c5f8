package render

import (
	"context"
	"errors"
	"runtime"
	"testing"

	"github.com/pims-cloud/pims/fault"
)

func TestGateRefusesWhoWouldWaitTooLong(t *testing.T) {
	g := newGate(Config{Concurrency: 1, Queue: 2})
	leave, err := g.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	entered := make(chan error, 3)
	wait := func(enter func(context.Context) (func(), error)) {
		before := g.waiting.Load()
		go func() {
			leave, err := enter(t.Context())
			if err == nil {
				defer leave()
			}
			entered <- err
		}()
		for g.waiting.Load() == before {
			runtime.Gosched() // until it waits
		}
	}
	wait(g.begin)
	wait(g.begin)
	if _, err := g.begin(t.Context()); fault.KindOf(err) != fault.Busy {
		t.Errorf("a third that would wait got %v, want kind busy", err)
	}
	if fault.KindOf(g.full()) != fault.Busy {
		t.Error("a full gate does not say so before something is read")
	}
	wait(g.proceed) // a picture that has begun is finished
	leave()
	for range 3 {
		if err := <-entered; err != nil {
			t.Errorf("one that waited got %v", err)
		}
	}
	if err := g.full(); err != nil {
		t.Errorf("an empty gate is full: %v", err)
	}
}

func TestWaitingAtTheGateEndsWithTheClient(t *testing.T) {
	g := newGate(Config{Concurrency: 1})
	leave, err := g.begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer leave()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := g.begin(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want canceled", err)
	}
	if n := g.waiting.Load(); n != 0 {
		t.Errorf("%d still wait", n)
	}
}
