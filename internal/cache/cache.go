// Package cache keeps immutable byte values in memory, bounded by what they
// weigh, with a Redis behind it that several processes share, and lets
// concurrent askers of a missing value share one load.
package cache

import (
	"bytes"
	"context"
	"runtime/debug"

	"github.com/maypok86/otter/v2"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/telemetry/timing"
)

// entryOverheadBytes is about what the cache itself holds for one entry.
const entryOverheadBytes = 160

// heldBytes is about what the heap holds for n bytes: Go rounds small ones up to
// a size class, a sixteenth on average, and large ones to pages.
func heldBytes(n int) int {
	const small, page = 32 << 10, 8 << 10
	if n <= small {
		return n + n/16
	}
	return (n + page - 1) / page * page
}

// Cache is a byte-bounded cache with shared loads. It is safe for concurrent
// use. Values that went in are never copied and must never be changed.
type Cache struct {
	entries *otter.Cache[string, []byte] // nil when the cache is off
	shared  Shared                       // nil when there is none
	flights Flights[found]
}

// found is what a flight brings: a value, and whether a cache had it.
type found struct {
	value []byte
	hit   bool
}

// New makes a cache whose keys and values together take at most maxBytes of the
// heap, what the allocator loses included. With 0 nothing is kept, but concurrent loads are still shared.
func New(maxBytes int64) (*Cache, error) { return NewTiered(maxBytes, nil) }

// NewTiered is New with another cache behind the memory: what is not in memory
// is looked for in shared, unless that is nil, before it is loaded.
func NewTiered(maxBytes int64, shared Shared) (*Cache, error) {
	if maxBytes <= 0 {
		return &Cache{shared: shared}, nil
	}
	entries, err := otter.New(&otter.Options[string, []byte]{
		MaximumWeight: uint64(maxBytes),
		Weigher: func(key string, value []byte) uint32 {
			return uint32(min(len(key)+heldBytes(cap(value))+entryOverheadBytes, 1<<31))
		},
	})
	if err != nil {
		return nil, fault.New(fault.Internal, "cache", "The memory cache of %d bytes can not be made.", maxBytes).Because(err)
	}
	return &Cache{entries: entries, shared: shared}, nil
}

// Get returns the value of key: from memory or from the shared cache (hit), or
// from load, which runs at most once at a time for a key. Errors are not kept. A
// value whose backing array is more than a quarter larger than itself is copied
// before it is kept, so that a window on a merged read does not hold the whole
// read. The shared cache gets a loaded value later: nobody waits for it.
func (c *Cache) Get(ctx context.Context, key string, load func(context.Context) ([]byte, error)) (value []byte, hit bool, err error) {
	if value, ok := c.Peek(key); ok {
		return value, true, nil
	}
	landed, _, err := c.flights.Do(ctx, key, func(ctx context.Context) (found, error) {
		return c.find(ctx, key, load)
	})
	return landed.value, landed.hit, err
}

// find is the flight of Get.
func (c *Cache) find(ctx context.Context, key string, load func(context.Context) ([]byte, error)) (found, error) {
	// Another flight may have landed between the look and the start.
	if value, ok := c.Peek(key); ok {
		return found{value, true}, nil
	}
	if value, ok := c.ask(ctx, key); ok {
		return found{c.Put(key, value), true}, nil
	}
	value, err := load(ctx)
	if err != nil {
		return found{}, err
	}
	value = c.Put(key, value)
	if c.shared != nil {
		c.shared.Put(key, value)
	}
	return found{value: value}, nil
}

// ask looks into the shared cache.
func (c *Cache) ask(ctx context.Context, key string) ([]byte, bool) {
	if c.shared == nil {
		return nil, false
	}
	defer timing.Start(ctx, timing.Cache).Stop()
	return c.shared.Get(ctx, key)
}

// Peek returns the value if it is in memory.
func (c *Cache) Peek(key string) ([]byte, bool) {
	if c.entries == nil {
		return nil, false
	}
	return c.entries.GetIfPresent(key)
}

// Put keeps the value in memory and returns what is kept: value itself or a
// trimmed copy.
func (c *Cache) Put(key string, value []byte) []byte {
	if c.entries == nil {
		return value
	}
	if cap(value)-len(value) > len(value)/4 {
		value = bytes.Clone(value)
	}
	c.entries.Set(key, value)
	return value
}

// Remove forgets one key.
func (c *Cache) Remove(key string) {
	if c.entries != nil {
		c.entries.Invalidate(key)
	}
}

// WeightBytes is what the cache weighs now.
func (c *Cache) WeightBytes() int64 {
	if c.entries == nil {
		return 0
	}
	return int64(c.entries.WeightedSize())
}

// Settle finishes pending evictions, which otherwise happen behind the writes.
func (c *Cache) Settle() {
	if c.entries != nil {
		c.entries.CleanUp()
	}
}

// Len is about how many values are kept.
func (c *Cache) Len() int {
	if c.entries == nil {
		return 0
	}
	return c.entries.EstimatedSize()
}

// panicError turns the panic of a load into an error for all who wait for it.
func panicError(failure any) error {
	return fault.New(fault.Internal, "panic", "An unexpected error occurred; the log has the details.").
		Because(&panicked{failure: failure, stack: debug.Stack()})
}
