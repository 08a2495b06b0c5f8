package runtimetest

import (
	"context"
	"io"
	"sync"
	"testing"
)

// Environment is a place where the platform keeps one process of a function:
// when that has ended, the next invocation starts another one, as after a crash.
// It is safe for concurrent use: invocations wait for each other.
type Environment struct {
	t       testing.TB
	binary  string
	environ []string

	mu      sync.Mutex // guards the rest
	present *Function
	starts  int
}

// Keep makes an environment; the first invocation starts the process. What runs
// at the end of the test ends with it.
func Keep(t testing.TB, binary string, environ ...string) *Environment {
	return &Environment{t: t, binary: binary, environ: environ}
}

// process is the running process.
func (e *Environment) process() *Function {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.present == nil || e.present.Ended() {
		e.present = Start(e.t, e.binary, e.environ...)
		e.starts++
	}
	return e.present
}

// Invoke is Function.Invoke of the process of the moment.
func (e *Environment) Invoke(ctx context.Context, payload []byte) (Reply, error) {
	return e.process().Invoke(ctx, payload)
}

// InvokeJSON is Invoke for a reply in whole, which it reads.
func (e *Environment) InvokeJSON(ctx context.Context, payload []byte) ([]byte, error) {
	reply, err := e.Invoke(ctx, payload)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	return io.ReadAll(reply.Body)
}

// Kill ends the process of the moment, if there is one.
func (e *Environment) Kill() {
	e.mu.Lock()
	f := e.present
	e.mu.Unlock()
	if f != nil {
		f.Kill()
	}
}

// Starts is how many processes there were.
func (e *Environment) Starts() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.starts
}
