package lambdaadapter

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/queue"
)

// Holder is a queue whose messages an event source hands to the function;
// *sqs.Queue is one.
type Holder interface {
	Extend(ctx context.Context, m queue.Message, d time.Duration) error
	Release(ctx context.Context, m queue.Message, after time.Duration) error
	Describe() string
}

// settleTime is for giving one message back, out of reserve.
const settleTime = 2 * time.Second

// Delays before a message comes back, as a worker has them.
const (
	firstDelay = 5 * time.Second
	busyDelay  = 20 * time.Second
	maxDelay   = 10 * time.Minute
)

// backoff is how long to wait after an error.
func backoff(err error, attempt int) time.Duration {
	switch fault.KindOf(err) {
	case fault.Busy: // somebody works on it
		return busyDelay
	case fault.Canceled: // this function's time was over
		return 0
	}
	return min(firstDelay<<min(max(attempt-1, 0), 16), maxDelay)
}

// holder is the queue that a message came from; nil when it is not ours to ask.
func (f *Imports) holder(m record) Holder {
	name := m.EventSourceARN[strings.LastIndexByte(m.EventSourceARN, ':')+1:]
	if name == "" || m.ReceiptHandle == "" {
		return nil
	}
	for _, q := range f.queues {
		if strings.HasSuffix(q.Describe(), "/"+name) {
			return q
		}
	}
	return nil
}

// deliveries are the messages of a batch that are not done. They are kept
// invisible until each is settled, for a time that is renewed: when the function
// dies, they come back after that and not after the queue's whole visibility
// time. Safe for concurrent use.
type deliveries struct {
	log  *slog.Logger
	hold time.Duration // how long at a time

	mu   sync.Mutex // guards held
	held map[string]delivery
}

type delivery struct {
	queue   Holder
	message queue.Message
}

// keep begins to keep a batch invisible, until stop is called.
func (f *Imports) keep(ctx context.Context, batch []record) (d *deliveries, stop func()) {
	d = &deliveries{log: f.log, hold: f.hold, held: map[string]delivery{}}
	for _, m := range batch {
		if q := f.holder(m); q != nil {
			d.held[m.MessageID] = delivery{q, queue.Message{ID: m.MessageID, Receipt: m.ReceiptHandle}}
		}
	}
	if len(d.held) == 0 {
		return d, func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(queue.RenewEvery(f.hold))
		defer tick.Stop()
		for {
			d.extend(ctx)
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			}
		}
	}()
	return d, func() {
		cancel()
		<-done
	}
}

// extend renews everything that is held. A message that is done or given back
// meanwhile is not touched any more.
func (d *deliveries) extend(ctx context.Context) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.held {
		if err := h.queue.Extend(ctx, h.message, d.hold); err != nil && ctx.Err() == nil {
			d.log.WarnContext(ctx, "visibility could not be extended", "message", h.message.ID, "error", err.Error())
		}
	}
}

// settle ends the keeping of a message: with an error it comes back after a
// delay that fits it.
func (d *deliveries) settle(ctx context.Context, id string, attempt int, err error) {
	d.mu.Lock()
	h, ok := d.held[id]
	delete(d.held, id)
	d.mu.Unlock()
	if !ok || err == nil {
		return // the event source deletes it
	}
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTime)
	defer cancel()
	if err := h.queue.Release(after, h.message, backoff(err, attempt)); err != nil {
		d.log.WarnContext(ctx, "message could not be given back early; its visibility time has to pass", "message", id, "error", err.Error())
	}
}
