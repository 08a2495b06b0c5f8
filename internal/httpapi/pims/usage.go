package pims

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pims-cloud/pims/internal/objectstore"
)

const (
	// usageMaxAge is how old a walk over the store may be before a request
	// starts another: readiness probes ask for the disk usage every few seconds.
	usageMaxAge = time.Minute
	// usagePatience is how long a request waits for the first walk. A bucket of
	// millions of objects takes minutes; until then what was counted so far is
	// told.
	usagePatience = 2 * time.Second
	// usageWalk bounds a walk that hangs.
	usageWalk = 15 * time.Minute
)

// usage knows how many bytes the store holds. Requests never walk over it
// themselves: they start a walk when the last one is old, and answer with what
// is known.
type usage struct {
	store    *objectstore.Store
	patience time.Duration
	now      func() time.Time

	mu      sync.Mutex // guards what follows
	known   bool
	total   int64 // of the last complete walk
	at      time.Time
	walking *walk // nil when none runs
}

// walk is one pass over the store.
type walk struct {
	counted atomic.Int64
	done    chan struct{} // closed at its end
	err     error         // valid after done
}

func newUsage(store *objectstore.Store) *usage {
	return &usage{store: store, patience: usagePatience, now: time.Now}
}

// bytes is the size of all objects together: of the last walk, or what the
// first one has counted when that takes long. The error is that of a first walk
// that failed.
func (u *usage) bytes(ctx context.Context) (int64, error) {
	u.mu.Lock()
	if u.known && u.now().Sub(u.at) < usageMaxAge {
		defer u.mu.Unlock()
		return u.total, nil
	}
	current := u.walking
	if current == nil {
		current = &walk{done: make(chan struct{})}
		u.walking = current
		// The walk serves requests to come as well, so it outlives this one. It
		// ends by itself, at usageWalk at the latest, and there is only one.
		go u.run(context.WithoutCancel(ctx), current)
	}
	known, total := u.known, u.total
	u.mu.Unlock()
	if known {
		return total, nil
	}
	patience := time.NewTimer(u.patience)
	defer patience.Stop()
	select {
	case <-current.done:
		return current.counted.Load(), current.err
	case <-patience.C:
		return current.counted.Load(), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (u *usage) run(ctx context.Context, w *walk) {
	ctx, cancel := context.WithTimeout(ctx, usageWalk)
	defer cancel()
	for object, err := range u.store.List(ctx, "") {
		if err != nil {
			w.err = err
			break
		}
		w.counted.Add(object.Size)
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if w.err == nil {
		u.known, u.total, u.at = true, w.counted.Load(), u.now()
	}
	u.walking = nil
	close(w.done)
}
