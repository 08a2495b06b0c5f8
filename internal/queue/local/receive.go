package local

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/queue"
)

// Receive waits until a message is visible. It gives the oldest first, at most
// max, each invisible for Config.Visibility.
func (q *Queue) Receive(ctx context.Context, max int) ([]queue.Message, error) {
	if max < 1 {
		return nil, fault.New(fault.Invalid, "queue-receive-max", "Receive was asked for %d messages, at least 1 is needed", max)
	}
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		got, next, changed, err := q.take(max)
		if err != nil || len(got) > 0 {
			return got, err
		}
		var due <-chan time.Time
		if !next.IsZero() {
			due = q.config.Clock.At(next)
		}
		select {
		case <-ctx.Done():
		case <-changed:
		case <-due:
		}
	}
}

// take delivers what is visible now. When nothing is, it says when to look
// again and gives the channel that closes when that may be earlier.
func (q *Queue) take(max int) (got []queue.Message, next time.Time, changed <-chan struct{}, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken != nil {
		return nil, time.Time{}, nil, q.broken
	}
	now := q.config.Clock.Now()
	visible, next := q.state.visible(now, max)
	for _, m := range visible {
		if m.attempts >= q.config.MaxAttempts {
			reason := fmt.Sprintf("delivered %d times and never acknowledged", m.attempts)
			if _, err := q.writeLocked(record{Op: opBury, ID: m.id, At: now, Reason: reason}, nil); err != nil {
				return got, next, nil, err
			}
			q.config.Log.Warn("import queue: message made a dead letter", "message", m.id, "reason", reason)
			continue
		}
		if _, err := q.writeLocked(record{Op: opDeliver, ID: m.id, Attempt: m.attempts + 1}, nil); err != nil {
			return got, next, nil, err
		}
		m.visibleAt = now.Add(q.config.Visibility)
		m.receipt = uuid.NewString()
		got = append(got, queue.Message{ID: m.id, Body: append([]byte(nil), m.body...), Attempt: m.attempts, Receipt: m.receipt, Sent: m.sentAt})
	}
	if len(got) == 0 && len(visible) > 0 {
		next = now // all of them were buried: others may be behind them
	}
	return got, next, q.changed, nil
}

// Ack removes the message for good, also when its visibility has passed but
// nobody else received it meanwhile; when somebody did, it stays theirs and
// that is no error.
func (q *Queue) Ack(ctx context.Context, m queue.Message) error {
	return q.finish(ctx, m, record{Op: opAck, ID: m.ID})
}

// Bury makes the message a dead letter with the reason.
func (q *Queue) Bury(ctx context.Context, m queue.Message, reason string) error {
	return q.finish(ctx, m, record{Op: opBury, ID: m.ID, At: q.config.Clock.Now(), Reason: reason})
}

// finish writes the record that ends a delivery, if that delivery is the last
// one. It ignores a context that has ended: a worker that is told to stop must
// still be able to say that it is done.
func (q *Queue) finish(_ context.Context, m queue.Message, r record) error {
	q.mu.Lock()
	held := q.state.messages[m.ID]
	if held == nil || held.receipt != m.Receipt {
		q.mu.Unlock()
		return nil
	}
	at, err := q.writeLocked(r, nil)
	q.mu.Unlock()
	if err != nil {
		return err
	}
	return q.makeDurable(at)
}

// Release gives the message back, visible after the delay. A delivery that is
// no longer the last one is left alone.
func (q *Queue) Release(_ context.Context, m queue.Message, after time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken != nil {
		return q.broken
	}
	if held := q.state.messages[m.ID]; held != nil && held.receipt == m.Receipt {
		held.visibleAt = q.config.Clock.Now().Add(max(after, 0))
		held.receipt = ""
		q.wake()
	}
	return nil
}

// Extend keeps the message invisible for d from now. Kind NotFound, code
// queue-receipt-stale, when the message is done or somebody else received it.
func (q *Queue) Extend(_ context.Context, m queue.Message, d time.Duration) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken != nil {
		return q.broken
	}
	held := q.state.messages[m.ID]
	if held == nil || held.receipt != m.Receipt {
		return fault.New(fault.NotFound, "queue-receipt-stale",
			"message %s is no longer held by this delivery (attempt %d)", m.ID, m.Attempt)
	}
	held.visibleAt = q.config.Clock.Now().Add(max(d, 0))
	q.wake()
	return nil
}

// Depth counts exactly.
func (q *Queue) Depth(context.Context) (waiting, working int, err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken != nil {
		return 0, 0, q.broken
	}
	now := q.config.Clock.Now()
	for _, m := range q.state.messages {
		if m.receipt != "" && m.visibleAt.After(now) {
			working++
		} else {
			waiting++
		}
	}
	return waiting, working, nil
}

// Dead lists the dead letters, the oldest first.
func (q *Queue) Dead() []DeadLetter {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.state.deadLetters()
}

// Revive lets a dead letter wait again, with no attempts counted. Kind
// NotFound when there is none of that id.
func (q *Queue) Revive(id string) error {
	q.mu.Lock()
	if q.state.dead[id] == nil {
		q.mu.Unlock()
		return fault.New(fault.NotFound, "queue-no-dead-letter", "the import queue has no dead letter %s", id)
	}
	at, err := q.writeLocked(record{Op: opRevive, ID: id}, nil)
	q.wake()
	q.mu.Unlock()
	if err != nil {
		return err
	}
	return q.makeDurable(at)
}
