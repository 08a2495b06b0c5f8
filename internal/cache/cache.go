// Package cache keeps immutable byte values in memory, bounded by what they
// weigh, and lets concurrent askers of a missing value share one load.
package cache

import (
	"bytes"
	"context"
	"runtime/debug"

	"github.com/maypok86/otter/v2"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/config/units"
)

// Config bounds the memory cache.
type Config struct {
	// Memory is what all cached tiles and index pages together may weigh.
	Memory units.Bytes `env:"CACHE_MEMORY" envDefault:"256MiB" desc:"memory for encoded tiles and index pages; 0 switches the cache off"`
}

// Validate refuses sizes that can not be meant.
func (c Config) Validate() error {
	if c.Memory < 0 {
		return fault.New(fault.Invalid, "config", "CACHE_MEMORY is %d, expected 0 or more bytes, for example 256MiB.", int64(c.Memory))
	}
	return nil
}

// entryOverheadBytes is about what the cache itself holds for one entry.
const entryOverheadBytes = 160

// Cache is a byte-bounded cache with shared loads. It is safe for concurrent
// use. Values that went in are never copied and must never be changed.
type Cache struct {
	entries *otter.Cache[string, []byte] // nil when the cache is off
	flights Flights[[]byte]
}

// New makes a cache whose keys and values together weigh at most maxBytes. With
// 0 nothing is kept, but concurrent loads are still shared.
func New(maxBytes int64) (*Cache, error) {
	if maxBytes <= 0 {
		return &Cache{}, nil
	}
	entries, err := otter.New(&otter.Options[string, []byte]{
		MaximumWeight: uint64(maxBytes),
		Weigher: func(key string, value []byte) uint32 {
			return uint32(min(len(key)+len(value)+entryOverheadBytes, 1<<31))
		},
	})
	if err != nil {
		return nil, fault.New(fault.Internal, "cache", "The memory cache of %d bytes can not be made.", maxBytes).Because(err)
	}
	return &Cache{entries: entries}, nil
}

// Get returns the value of key, from memory (hit) or from load, which runs at
// most once at a time for a key. Errors are not kept. A value whose backing
// array is more than a quarter larger than itself is copied before it is kept,
// so that a window on a merged read does not hold the whole read.
func (c *Cache) Get(ctx context.Context, key string, load func(context.Context) ([]byte, error)) (value []byte, hit bool, err error) {
	if value, ok := c.Peek(key); ok {
		return value, true, nil
	}
	value, _, err = c.flights.Do(ctx, key, func(ctx context.Context) ([]byte, error) {
		// Another flight may have landed between the look and the start.
		if value, ok := c.Peek(key); ok {
			return value, nil
		}
		value, err := load(ctx)
		if err == nil {
			value = c.Put(key, value)
		}
		return value, err
	})
	return value, false, err
}

// Peek returns the value if it is in memory.
func (c *Cache) Peek(key string) ([]byte, bool) {
	if c.entries == nil {
		return nil, false
	}
	return c.entries.GetIfPresent(key)
}

// Put keeps the value and returns what is kept: value itself or a trimmed copy.
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
