// Package queue is the contract of the queues that imports run on: at least
// once, in no order, with a time after which an unacknowledged message comes
// back. Drivers: local (journaled, in process) and sqs. queuetest holds them to
// this contract.
package queue

import (
	"context"
	"time"
)

// Message is one delivery of one message.
type Message struct {
	ID      string // of the message, the same in every delivery
	Body    []byte
	Attempt int       // 1 for the first delivery
	Receipt string    // of this delivery; opaque
	Sent    time.Time // when it was sent first; zero when the queue does not tell
}

// RenewEvery is how often who works on a message extends it when it keeps it
// invisible for hold at a time: three renewals in a row may fail or come late.
func RenewEvery(hold time.Duration) time.Duration { return hold / 4 }

// Queue is safe for concurrent use by any number of senders and receivers.
type Queue interface {
	// Send returns once the message is durable.
	Send(ctx context.Context, body []byte) error
	// Receive waits until at least one message is there or ctx ends, and gives
	// at most max. A message is invisible to others until it is acknowledged,
	// released, or its visibility time passes.
	Receive(ctx context.Context, max int) ([]Message, error)
	// Ack removes the message for good. Acknowledging twice is no error.
	Ack(ctx context.Context, m Message) error
	// Release gives the message back, visible again after the delay.
	Release(ctx context.Context, m Message, after time.Duration) error
	// Extend keeps the message invisible for d from now.
	Extend(ctx context.Context, m Message, d time.Duration) error
	// Bury moves a message that can never succeed to the dead letters, with the reason.
	Bury(ctx context.Context, m Message, reason string) error
	// Depth is about how many messages wait, and how many are being worked on.
	Depth(ctx context.Context) (waiting, working int, err error)
	// Describe names the queue for logs, without secrets.
	Describe() string
}
