package queue

import (
	"context"
	"time"
)

// DeadLetter is a message that was given up.
type DeadLetter struct {
	ID       string    // of the message as a dead letter; names it for Redrive
	Body     []byte    // as it was sent
	SentAt   time.Time // zero when the queue does not tell, like the following
	BuriedAt time.Time
	Attempts int
	Reason   string
}

// DeadLetters is a Queue that keeps its dead letters where they can be looked
// at. It is safe for concurrent use, also with the queue's own work.
type DeadLetters interface {
	// DeadLetters gives at most max of them, the oldest first as far as that is
	// known. They stay where they are, though some queues show none of them to
	// anybody else for as long as this call takes.
	DeadLetters(ctx context.Context, max int) ([]DeadLetter, error)
	// Redrive lets dead letters wait in the queue again, with no attempts
	// counted: those with these ids, or all when there are none. It gives how
	// many; when it fails some may wait again already, and none is lost.
	// Unknown ids are kind NotFound, after the others were dealt with.
	Redrive(ctx context.Context, ids ...string) (int, error)
}
