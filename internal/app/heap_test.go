package app

import (
	"context"
	"runtime"
	"sync"
	"testing"
)

func TestCachedBytesGetNoHeadroom(t *testing.T) {
	const mib = 1 << 20
	for _, row := range []struct {
		live, cached int64
		want         int
	}{
		{10 * mib, 0, 160},          // a small heap may grow by 16 MiB
		{280 * mib, 256 * mib, 8},   // a full cache, and little besides
		{600 * mib, 100 * mib, 83},  // 500 MiB of pictures being made: as Go has it
		{900 * mib, 0, 100},         // no cache: as Go has it
		{4096 * mib, 4090 * mib, 5}, // never all the time
		{mib, mib, 1000},            // nor never
		{0, 0, 1000},                // before the first collection
		{100 * mib, 200 * mib, 16},  // the cache was filled since
	} {
		if got := gcPercent(row.live, row.cached); got != row.want {
			t.Errorf("%d MiB live, %d MiB of them cached: %d %%, want %d %%", row.live/mib, row.cached/mib, got, row.want)
		}
	}
}

func TestHeapIsLookedAtAfterEachCollection(t *testing.T) {
	t.Setenv("GOGC", "")
	ctx, cancel := context.WithCancel(context.Background())
	asked := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		boundHeap(ctx, func() int64 {
			select {
			case asked <- struct{}{}:
			case <-ctx.Done():
			}
			return 0
		})
	})
	for range 3 {
		for heard := false; !heard; {
			runtime.GC()
			select {
			case <-asked:
				heard = true
			default:
				runtime.Gosched() // the finalizer runs in a goroutine of its own
			}
		}
	}
	cancel()
	group.Wait()
}
