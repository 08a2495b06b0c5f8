package app

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// minHeadroomBytes is what the heap may always grow by between two collections.
const minHeadroomBytes = 16 << 20

// boundHeap keeps the collector's headroom apart from the cache, until ctx ends.
// Go lets the heap double between two collections, which for a cache of 256 MiB
// is 256 MiB of garbage. Cached bytes live long, hold no pointers and cost a
// collection next to nothing, so after each one the heap may grow by what lives
// besides the cache, and by minHeadroomBytes at least. Who sets GOGC decides
// instead. cached is what the cache weighs.
func boundHeap(ctx context.Context, cached func() int64) {
	if os.Getenv("GOGC") != "" {
		return
	}
	collected := collections(ctx.Done())
	percent := defaultGCPercent
	defer debug.SetGCPercent(percent)
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-collected:
		}
		metrics.Read(live)
		wanted := gcPercent(int64(live[0].Value.Uint64()), cached())
		// Setting it stops the world for some microseconds.
		if off := wanted - percent; off > percent/8 || -off > percent/8 {
			debug.SetGCPercent(wanted)
			percent = wanted
		}
	}
}

const (
	defaultGCPercent = 100
	leastGCPercent   = 5
	mostGCPercent    = 1000
)

// gcPercent is how much of the live heap the headroom is, in percent.
func gcPercent(live, cached int64) int {
	headroom := max(live-cached, minHeadroomBytes)
	return int(min(max(headroom*100/max(live, 1), leastGCPercent), mostGCPercent))
}

// collections gives a signal after each collection, until done is closed. One
// that was not waited for is lost.
func collections(done <-chan struct{}) <-chan struct{} {
	rung := make(chan struct{}, 1)
	runtime.SetFinalizer(&gcBell{rung: rung, done: done}, (*gcBell).ring)
	return rung
}

// gcBell rings after each collection: it is garbage all the time, and its
// finalizer brings it back.
type gcBell struct {
	rung chan<- struct{}
	done <-chan struct{}
}

func (b *gcBell) ring() {
	select {
	case <-b.done:
		return
	case b.rung <- struct{}{}:
	default: // the last one was not heard yet
	}
	runtime.SetFinalizer(b, (*gcBell).ring)
}
