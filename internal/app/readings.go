package app

import (
	"context"

	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/queue"
	"github.com/pims-cloud/pims/internal/telemetry"
)

// readings is what a scrape shows besides the instruments: what stores, caches
// and queues count themselves. docs/operations.md has them as a table.
func (a *App) readings() []telemetry.Reading {
	return []telemetry.Reading{
		{Name: "pims_http_at_once_total", Help: "Requests that were answered on their connection, without net/http: tiles in memory and 304s.",
			Counter: true, Read: a.readAtOnce},
		{Name: "pims_store_operations_total", Help: "What was asked of a store, by imports too: read, stat, list, write.",
			Labels: []string{"store", "operation"}, Counter: true, Read: a.readOperations},
		{Name: "pims_store_read_bytes_total", Help: "Bytes that a store gave, to imports too.",
			Labels: []string{"store"}, Counter: true,
			Read: a.eachStore(func(t *objectstore.Tally) int64 { return t.Bytes.Load() })},
		{Name: "pims_store_failures_total", Help: "Operations of a store that failed, missing objects included.",
			Labels: []string{"store"}, Counter: true,
			Read: a.eachStore(func(t *objectstore.Tally) int64 { return t.Errors.Load() })},
		{Name: "pims_cache_memory_bytes", Help: "What the cached tiles and index pages weigh.",
			Read: func(_ context.Context, tell func(float64, ...string)) { tell(float64(a.memory.WeightBytes())) }},
		{Name: "pims_shared_cache_total", Help: "Questions to the shared cache and values for it: hit, miss, failed, written, dropped.",
			Labels: []string{"outcome"}, Counter: true, Read: a.readShared},
		{Name: "pims_shared_cache_up", Help: "1 while the shared cache answers, 0 while the service goes on without it.",
			Read: a.readSharedUp},
		{Name: "pims_queue_messages", Help: "Messages of a queue: waiting, working.",
			Labels: []string{"queue", "state"}, Read: a.readQueues},
	}
}

// stores are those that requests and imports use.
func (a *App) stores() map[string]*objectstore.Tally {
	return map[string]*objectstore.Tally{"slides": a.Slides.Totals(), "uploads": a.Uploads.Totals()}
}

func (a *App) eachStore(value func(*objectstore.Tally) int64) func(context.Context, func(float64, ...string)) {
	return func(_ context.Context, tell func(float64, ...string)) {
		for name, tally := range a.stores() {
			tell(float64(value(tally)), name)
		}
	}
}

func (a *App) readOperations(_ context.Context, tell func(float64, ...string)) {
	for name, tally := range a.stores() {
		tell(float64(tally.Reads.Load()), name, "read")
		tell(float64(tally.Stats.Load()), name, "stat")
		tell(float64(tally.Lists.Load()), name, "list")
		tell(float64(tally.Writes.Load()), name, "write")
	}
}

func (a *App) readAtOnce(_ context.Context, tell func(float64, ...string)) {
	if a.fast != nil {
		tell(float64(a.fast.Answered()))
	}
}

func (a *App) readShared(_ context.Context, tell func(float64, ...string)) {
	if a.shared == nil {
		return
	}
	s := a.shared.Stats()
	tell(float64(s.Hits), "hit")
	tell(float64(s.Misses), "miss")
	tell(float64(s.Failures), "failed")
	tell(float64(s.Written), "written")
	tell(float64(s.Dropped), "dropped")
}

func (a *App) readSharedUp(_ context.Context, tell func(float64, ...string)) {
	switch {
	case a.shared == nil:
	case a.shared.Stats().Away:
		tell(0)
	default:
		tell(1)
	}
}

func (a *App) readQueues(ctx context.Context, tell func(float64, ...string)) {
	for name, q := range map[string]queue.Queue{QueueImport: a.Queue, QueueConvert: a.Convert} {
		if q == nil {
			continue
		}
		waiting, working, err := q.Depth(ctx)
		if err != nil {
			a.Logs.For("queue").WarnContext(ctx, "the queue does not tell how many messages wait", "queue", q.Describe(), "error", err)
			continue
		}
		tell(float64(waiting), name, "waiting")
		tell(float64(working), name, "working")
	}
}
