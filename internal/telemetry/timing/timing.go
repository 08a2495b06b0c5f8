// Package timing is the account of one request: how long its steps took, for the
// Server-Timing header, and what kind of work it was, for the metrics.
package timing

import (
	"context"
	"strconv"
	"sync/atomic"
	"time"
)

// Step is a part of answering a request.
type Step uint8

// The steps, in the order of a tile's way. Steps of reads and pictures that run
// side by side add up, so a step may take longer than the whole.
const (
	Open   Step = iota // opening the slide: the read of its sidecar
	Cache              // asking the shared cache
	Read               // reading index pages and tiles from the store
	Decode             // samples out of stored tiles
	Render             // everything between samples and the picture
	Encode             // the picture's bytes
	steps
)

var names = [steps]string{"open", "cache", "read", "decode", "render", "encode"}

// Steps is the account of one request. The zero value is ready; it is safe for
// concurrent use, since loads may outlive the request that began them.
type Steps struct {
	took  [steps]atomic.Int64
	class atomic.Uint32
	trace *Trace // nil unless somebody follows the request
}

// Key is what a context has a *Steps under.
type Key struct{}

// Of is the context's account, nil when it has none.
func Of(ctx context.Context) *Steps {
	s, _ := ctx.Value(Key{}).(*Steps)
	return s
}

// Add accounts for a time. Nothing happens on a nil account.
func (s *Steps) Add(step Step, took time.Duration) {
	if s != nil {
		s.took[step].Add(int64(took))
	}
}

// Span is a step that runs.
type Span struct {
	steps *Steps
	step  Step
	start time.Time
}

// Start begins a step of the context's request; call Stop at its end. Without
// an account it costs nothing.
func Start(ctx context.Context, step Step) Span {
	s := Of(ctx)
	if s == nil {
		return Span{}
	}
	return Span{s, step, time.Now()}
}

// Stop accounts for the time since Start.
func (s Span) Stop() {
	if s.steps == nil {
		return
	}
	took := time.Since(s.start)
	s.steps.Add(s.step, took)
	if s.steps.trace != nil {
		s.steps.trace.add(Ran{s.step, s.start, took})
	}
}

// Append writes the account as a Server-Timing value (W3C Server Timing §2),
// milliseconds with three decimals: steps that did not happen are left out, and
// total comes last.
func (s *Steps) Append(out []byte, total time.Duration) []byte {
	for step := range steps {
		if took := s.took[step].Load(); took > 0 {
			out = appendOne(out, names[step], time.Duration(took))
			out = append(out, ", "...)
		}
	}
	return appendOne(out, "total", total)
}

func appendOne(out []byte, name string, took time.Duration) []byte {
	out = append(out, name...)
	out = append(out, ";dur="...)
	micros := took.Microseconds()
	out = strconv.AppendInt(out, micros/1000, 10)
	if rest := micros % 1000; rest != 0 {
		out = append(out, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	}
	return out
}
