// Package health answers /ready: whether the process can do its work now. /ping
// tells only that it answers at all.
package health

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/httpapi/reply"
	"github.com/pims-cloud/pims/internal/httpapi/route"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/queue"
)

// ProbeKey is what is looked for in the store. Nothing needs to be there: a
// store that says so has answered. Where something is, one byte of it is read.
const ProbeKey = "readiness-probe"

// Times of a round of questions.
const (
	patience = 2 * time.Second // probes give up after a few seconds themselves
	fresh    = time.Second     // an answer is given again so long: asking often must cost nothing
)

// Store is what is asked of the store of slides; *objectstore.Store is one.
type Store interface {
	ReadPrefix(ctx context.Context, key string, max int64) ([]byte, objectstore.Object, error)
}

// Health asks store and queue. It is safe for concurrent use.
type Health struct {
	parts    []*part
	patience time.Duration
	now      func() time.Time

	mu   sync.Mutex // guards what follows; held while the parts are asked
	at   time.Time  // when they last were
	last error
}

// part is something that must answer.
type part struct {
	ask func(context.Context) error
	// failed is what a client is told; the cause is for the log.
	failed func() *fault.Error
	asking atomic.Bool // an earlier question has no answer yet
}

// New asks the store, and the queues that are not nil.
func New(slides Store, queues ...queue.Queue) *Health {
	h := &Health{patience: patience, now: time.Now}
	h.parts = append(h.parts, &part{
		ask: func(ctx context.Context) error {
			_, _, err := slides.ReadPrefix(ctx, ProbeKey, 1)
			if fault.KindOf(err) == fault.NotFound {
				return nil
			}
			return err
		},
		failed: func() *fault.Error {
			return fault.New(fault.Busy, "store-not-reachable", "The store of slides does not answer; see STORE_URL and the log.")
		},
	})
	for _, q := range queues {
		if q == nil {
			continue
		}
		h.parts = append(h.parts, &part{
			ask: func(ctx context.Context) error {
				_, _, err := q.Depth(ctx)
				return err
			},
			failed: func() *fault.Error {
				return fault.New(fault.Busy, "queue-not-reachable",
					"A queue does not answer, so nothing comes of what waits in it; see QUEUE_URL, QUEUE_CONVERT_URL and the log.")
			},
		})
	}
	return h
}

// Routes are GET and HEAD /ready.
func (h *Health) Routes() []route.Route {
	return []route.Route{{Method: http.MethodGet, Pattern: "/ready", Handle: h.serve}}
}

// serve answers 200, or 503 with the code of the first part that is not ready.
func (h *Health) serve(w http.ResponseWriter, r *http.Request, _ route.Vars) error {
	if err := h.Ready(r.Context()); err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return reply.JSON(w, r, struct {
		Ready bool `json:"ready"`
	}{true})
}

// Ready is nil when all parts have answered within the last second or do now,
// else the fault (kind Busy) of the first that did not. It takes two seconds at
// most, and one round of questions serves all who ask meanwhile.
func (h *Health) Ready(ctx context.Context) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.at.IsZero() && h.now().Sub(h.at) < fresh {
		return h.last
	}
	// Others wait for the same answer: it must not end with this caller.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), h.patience)
	defer cancel()
	answers := make([]<-chan error, len(h.parts))
	for i, p := range h.parts {
		answers[i] = p.begin(ctx)
	}
	h.last = nil
	for i, p := range h.parts {
		var err error
		select {
		case err = <-answers[i]:
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err != nil && h.last == nil {
			// The text alone: a time that is over here is no time-out of the
			// request, which would be answered 504.
			h.last = p.failed().Because(errors.New(err.Error()))
		}
	}
	h.at = h.now()
	return h.last
}

// begin asks the part, unless it still owes an answer: a store that hangs and
// does not heed its context holds one goroutine, however often it is asked.
func (p *part) begin(ctx context.Context) <-chan error {
	answer := make(chan error, 1)
	if !p.asking.CompareAndSwap(false, true) {
		answer <- context.DeadlineExceeded
		return answer
	}
	go func() {
		err := p.ask(ctx)
		p.asking.Store(false) // before whoever gets the answer can ask again
		answer <- err
	}()
	return answer
}
