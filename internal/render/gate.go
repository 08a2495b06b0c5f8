package render

import (
	"context"
	"sync/atomic"

	"github.com/pims-cloud/pims/fault"
)

// gate lets a bounded number of pictures be worked on, and a bounded number
// wait for it: whoever would wait longer than anybody looks at a screen is told
// so at once. It is safe for concurrent use.
type gate struct {
	slots   chan struct{}
	queue   int64
	waiting atomic.Int64
}

func newGate(c Config) *gate {
	g := &gate{slots: make(chan struct{}, c.slots()), queue: int64(c.Queue)}
	if c.Queue == 0 {
		g.queue = int64(64 * c.slots())
	}
	return g
}

// full tells, before anything is read for a picture, that nobody else may wait.
func (g *gate) full() error {
	if g.waiting.Load() < g.queue {
		return nil
	}
	return fault.New(fault.Busy, "render-busy",
		"%d pictures wait to be made already (RENDER_QUEUE); try again.", g.queue)
}

// begin waits for a slot to begin a picture in; leave gives it back. Kind Busy
// when too many wait.
func (g *gate) begin(ctx context.Context) (leave func(), err error) {
	select {
	case g.slots <- struct{}{}:
		return g.leave, nil
	default:
	}
	if err := g.full(); err != nil {
		return nil, err
	}
	return g.proceed(ctx)
}

// proceed is begin for a further step of a picture: what has been done for it
// is not thrown away because others came.
func (g *gate) proceed(ctx context.Context) (leave func(), err error) {
	select {
	case g.slots <- struct{}{}:
		return g.leave, nil
	default:
	}
	g.waiting.Add(1)
	defer g.waiting.Add(-1)
	select {
	case g.slots <- struct{}{}:
		return g.leave, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (g *gate) leave() { <-g.slots }
