package local

import (
	"slices"
	"strings"
	"time"

	"github.com/pims-cloud/pims/internal/queue"
)

// message is one message that is not done.
type message struct {
	id        string
	body      []byte
	sentAt    time.Time
	attempts  int
	visibleAt time.Time // zero: visible
	receipt   string    // of the delivery under way, "" when there is none
	unsynced  bool      // Send has not returned yet
}

// DeadLetter is a message that was given up.
type DeadLetter = queue.DeadLetter

// state is what the journal says. It is not safe for concurrent use.
type state struct {
	messages map[string]*message
	dead     map[string]*DeadLetter
}

func newState() *state {
	return &state{messages: map[string]*message{}, dead: map[string]*DeadLetter{}}
}

// apply performs one record. Records about unknown messages say nothing: a
// compaction dropped what they were about.
func (s *state) apply(r record) {
	m := s.messages[r.ID]
	switch r.Op {
	case opSend:
		s.messages[r.ID] = &message{id: r.ID, body: r.Body, sentAt: r.At, attempts: r.Attempt}
	case opDeliver:
		if m != nil {
			m.attempts = r.Attempt
		}
	case opAck:
		delete(s.messages, r.ID)
		delete(s.dead, r.ID)
	case opBury:
		if m != nil {
			s.dead[r.ID] = &DeadLetter{ID: m.id, Body: m.body, SentAt: m.sentAt, BuriedAt: r.At, Attempts: m.attempts, Reason: r.Reason}
			delete(s.messages, r.ID)
		}
	case opRevive:
		if d := s.dead[r.ID]; d != nil {
			s.messages[r.ID] = &message{id: d.ID, body: d.Body, sentAt: d.SentAt}
			delete(s.dead, r.ID)
		}
	}
}

// records is the shortest journal with this state, in order of sending.
func (s *state) records() []record {
	var out []record
	for _, m := range s.messages {
		out = append(out, record{Op: opSend, ID: m.id, At: m.sentAt, Body: m.body, Attempt: m.attempts})
	}
	for _, d := range s.dead {
		out = append(out,
			record{Op: opSend, ID: d.ID, At: d.SentAt, Body: d.Body, Attempt: d.Attempts},
			record{Op: opBury, ID: d.ID, At: d.BuriedAt, Reason: d.Reason})
	}
	slices.SortStableFunc(out, func(a, b record) int { return strings.Compare(a.ID, b.ID) })
	return out
}

// liveBytes is about how long the journal of records would be.
func (s *state) liveBytes() int64 {
	const perRecord = 160 // names, times and the id around a body
	var n int64
	for _, m := range s.messages {
		n += perRecord + int64(len(m.body))*4/3
	}
	for _, d := range s.dead {
		n += 2*perRecord + int64(len(d.Body))*4/3 + int64(len(d.Reason))
	}
	return n
}

// visible gives at most max messages that may be delivered at now, the oldest
// first, and when the next of the others becomes visible (zero: never).
func (s *state) visible(now time.Time, max int) (out []*message, next time.Time) {
	for _, m := range s.messages {
		switch {
		case m.unsynced:
		case m.visibleAt.After(now):
			if next.IsZero() || m.visibleAt.Before(next) {
				next = m.visibleAt
			}
		default:
			out = append(out, m)
		}
	}
	slices.SortFunc(out, func(a, b *message) int { return strings.Compare(a.id, b.id) })
	return out[:min(len(out), max)], next
}

// deadLetters is a copy of the dead letters, the oldest first.
func (s *state) deadLetters() []DeadLetter {
	out := make([]DeadLetter, 0, len(s.dead))
	for _, d := range s.dead {
		out = append(out, *d)
	}
	slices.SortFunc(out, func(a, b DeadLetter) int {
		if c := a.BuriedAt.Compare(b.BuriedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out
}

// trimDead forgets the oldest dead letters over max.
func (s *state) trimDead(max int) {
	letters := s.deadLetters()
	for _, d := range letters[:len(letters)-min(len(letters), max)] {
		delete(s.dead, d.ID)
	}
}
