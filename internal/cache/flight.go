package cache

import (
	"context"
	"sync"
)

// Flights lets concurrent callers that want the same thing share one load.
// Unlike a plain single flight, the load is cancelled only when every caller
// that waits for it is gone: one impatient client does not fail the others.
// The zero value is ready; it is safe for concurrent use.
type Flights[V any] struct {
	mu      sync.Mutex // guards running and every flight's waiters
	running map[string]*flight[V]
}

type flight[V any] struct {
	waiters int
	cancel  context.CancelFunc
	done    chan struct{}
	value   V
	err     error
}

// Do returns what load gives for key, running it at most once at a time. The
// values of the first caller's context are seen by load. shared tells that
// another caller's load answered this one.
func (f *Flights[V]) Do(ctx context.Context, key string, load func(context.Context) (V, error)) (value V, shared bool, err error) {
	f.mu.Lock()
	current, shared := f.running[key]
	if shared {
		current.waiters++
	} else {
		current = f.start(ctx, key, load)
	}
	f.mu.Unlock()

	select {
	case <-current.done:
		return current.value, shared, current.err
	case <-ctx.Done():
		f.leave(key, current)
		return value, shared, ctx.Err()
	}
}

// Waiting is how many callers wait for key's load.
func (f *Flights[V]) Waiting(key string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if current, ok := f.running[key]; ok {
		return current.waiters
	}
	return 0
}

// start is called with mu held.
func (f *Flights[V]) start(ctx context.Context, key string, load func(context.Context) (V, error)) *flight[V] {
	loadCtx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	current := &flight[V]{waiters: 1, cancel: cancel, done: make(chan struct{})}
	if f.running == nil {
		f.running = make(map[string]*flight[V])
	}
	f.running[key] = current
	go func() {
		defer cancel()
		defer f.land(key, current)
		current.value, current.err = load(loadCtx)
	}()
	return current
}

// land removes the flight before its waiters wake, so that a caller who comes
// later starts a new load and never sees an old error.
func (f *Flights[V]) land(key string, current *flight[V]) {
	if failure := recover(); failure != nil {
		current.err = panicError(failure)
	}
	f.mu.Lock()
	if f.running[key] == current {
		delete(f.running, key)
	}
	f.mu.Unlock()
	close(current.done)
}

func (f *Flights[V]) leave(key string, current *flight[V]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	current.waiters--
	if current.waiters == 0 {
		current.cancel()
		if f.running[key] == current {
			delete(f.running, key)
		}
	}
}
