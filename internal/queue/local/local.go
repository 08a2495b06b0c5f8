// Package local is the import queue of one process: messages are kept in
// memory and written to an append-only journal first, so that neither a crash
// nor kill -9 loses one.
//
// A Queue is safe for concurrent use. Send returns after fsync; Ack, Bury and
// Revive too. Deliveries are written but not synced: a power failure may give
// a message one more attempt, never one less delivery.
//
// The folder holds:
//
//	journal.log            one record a line, CRC-32C and JSON
//	journal.damaged-*.log  a journal with damage inside, as it was found
//	lock                   held by the process that has the queue open
package local

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/queue"
)

// MaxBodyBytes is the longest body that Send takes, the same as SQS's.
const MaxBodyBytes = 256 << 10

// Config says how a queue treats its messages. The zero value means the
// defaults.
type Config struct {
	// Visibility is how long a received message stays invisible when nobody
	// extends it; 2 minutes when zero.
	Visibility time.Duration
	// MaxAttempts is how often a message is delivered before the queue itself
	// makes it a dead letter; 20 when zero. Consumers bury earlier: this is for
	// a message that kills every process that takes it.
	MaxAttempts int
	// MaxDead is how many dead letters are kept, the oldest go first; 1000
	// when zero.
	MaxDead int
	// CompactBytes is the journal size from which a journal that is mostly
	// history is rewritten; 4 MiB when zero.
	CompactBytes int64
	// Clock is the machine's when nil.
	Clock queue.Clock
	// Log gets what the operator should know; nothing when nil.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Visibility <= 0 {
		c.Visibility = 2 * time.Minute
	}
	if c.MaxAttempts <= 0 {
		c.MaxAttempts = 20
	}
	if c.MaxDead <= 0 {
		c.MaxDead = 1000
	}
	if c.CompactBytes <= 0 {
		c.CompactBytes = 4 << 20
	}
	if c.Clock == nil {
		c.Clock = queue.SystemClock{}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Queue is a journaled queue. Close it when done.
type Queue struct {
	dir    string
	config Config
	lock   *os.File

	mu      sync.Mutex // guards everything below
	journal *journal
	state   *state
	broken  error         // set once the journal can no longer be trusted
	changed chan struct{} // closed and replaced whenever a message may have become visible
	written int64         // records appended since opening

	syncing sync.Mutex // held by the one that syncs; taken before mu
	synced  int64      // value of written that is durable; guarded by syncing
}

// Open opens the queue in a folder, which is made if needed. Kind Busy, code
// queue-locked, when another process (or this one) has it open; kind Internal
// when the folder cannot be used.
func Open(dir string, config Config) (*Queue, error) {
	config = config.withDefaults()
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, unusable(dir, err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, unusable(dir, err)
	}
	held, err := lock(dir)
	if err != nil {
		return nil, err
	}
	q := &Queue{dir: dir, config: config, lock: held, state: newState(), changed: make(chan struct{})}
	journal, read, err := openJournal(dir, q.state.apply)
	if err != nil {
		held.Close()
		return nil, err
	}
	q.journal = journal
	if read.damaged > 0 {
		config.Log.Warn("the import queue's journal is damaged; whole records were kept, a copy is beside it",
			"folder", dir, "lost", read.damaged)
	}
	if err := q.compactIfWorth(); err != nil {
		return nil, errors.Join(err, q.Close())
	}
	return q, nil
}

// Close gives the folder up. Messages being worked on come back when it is
// opened again. Waiting receivers fail with kind Internal.
func (q *Queue) Close() error {
	q.syncing.Lock()
	defer q.syncing.Unlock()
	q.mu.Lock()
	defer q.mu.Unlock()
	if errors.Is(q.broken, errClosed) {
		return nil
	}
	q.broken = errClosed
	q.wake()
	return errors.Join(q.journal.file.Sync(), q.journal.file.Close(), q.lock.Close())
}

var errClosed = fault.New(fault.Internal, "queue-closed", "the import queue is closed")

// Describe is "local:" and the folder.
func (q *Queue) Describe() string { return "local:" + q.dir }

// Send stores a message; it returns after fsync. Kind TooLarge over
// MaxBodyBytes, kind Internal when the journal cannot be written.
func (q *Queue) Send(ctx context.Context, body []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if len(body) > MaxBodyBytes {
		return fault.New(fault.TooLarge, "queue-body-too-large",
			"the message has %d bytes, at most %d fit into the queue", len(body), MaxBodyBytes)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return fault.New(fault.Internal, "queue-no-id", "no message id could be made").Because(err)
	}
	r := record{Op: opSend, ID: id.String(), At: q.config.Clock.Now(), Body: append([]byte(nil), body...)}
	at, err := q.write(r, func() { q.state.messages[r.ID].unsynced = true })
	if err != nil {
		return err
	}
	if err := q.makeDurable(at); err != nil {
		return err
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if m := q.state.messages[r.ID]; m != nil {
		m.unsynced = false
	}
	q.wake()
	return nil
}

// write appends a record, applies it to the state and runs then, all under
// the lock. It gives the number to pass to makeDurable.
func (q *Queue) write(r record, then func()) (int64, error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.writeLocked(r, then)
}

func (q *Queue) writeLocked(r record, then func()) (int64, error) {
	if q.broken != nil {
		return 0, q.broken
	}
	if err := q.journal.append(r); err != nil {
		return 0, err
	}
	q.state.apply(r)
	if then != nil {
		then()
	}
	q.written++
	return q.written, nil
}

// makeDurable returns once record number at is on the disk. Senders that wait
// together share one fsync.
func (q *Queue) makeDurable(at int64) error {
	q.syncing.Lock()
	defer q.syncing.Unlock()
	if q.synced >= at {
		return nil
	}
	q.mu.Lock()
	upTo, file, broken := q.written, q.journal.file, q.broken
	q.mu.Unlock()
	if broken != nil {
		return broken
	}
	if err := file.Sync(); err != nil {
		// After a failed fsync nobody knows what the disk has, and a second
		// one may wrongly succeed: stop rather than promise.
		q.mu.Lock()
		defer q.mu.Unlock()
		q.broken = unusable(q.dir, err)
		q.wake()
		return q.broken
	}
	q.synced = upTo
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.compactIfWorth()
}

// compactIfWorth rewrites the journal when most of it is history. The caller
// holds syncing and mu, or nobody else has the queue yet.
func (q *Queue) compactIfWorth() error {
	if q.broken != nil || q.journal.size < q.config.CompactBytes || q.journal.size < 2*q.state.liveBytes() {
		return nil
	}
	q.state.trimDead(q.config.MaxDead)
	if err := q.journal.rewrite(q.state.records()); err != nil {
		return err
	}
	q.synced = q.written
	return nil
}

// wake lets every waiting receiver look again. The caller holds mu.
func (q *Queue) wake() {
	close(q.changed)
	q.changed = make(chan struct{})
}
