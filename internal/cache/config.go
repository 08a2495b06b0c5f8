package cache

import (
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/config/units"
)

// Config bounds the memory cache, and says whether a Redis stands behind it.
type Config struct {
	// Memory is what all cached tiles and index pages together may take, with the
	// collector's headroom beside them.
	Memory units.Bytes `env:"CACHE_MEMORY" envDefault:"256MiB" desc:"Memory for encoded tiles and index pages, with what the garbage collector needs beside them; 0 switches the cache off"`
	// URL of the shared cache; empty for none.
	URL string `env:"CACHE_URL" desc:"Redis that several processes share behind their memory caches: redis://[user:password@]host[:port][/db] or rediss:// for TLS; empty for none. The service works on without it when it does not answer."`
	// Timeout bounds one question to the shared cache, so that a slow one costs
	// less than what it saves.
	Timeout time.Duration `env:"CACHE_TIMEOUT" envDefault:"50ms" desc:"How long one read or write of Redis may take; what takes longer is a miss"`
	// TTL is how long the shared cache keeps a value; 0 for as long as it likes.
	TTL time.Duration `env:"CACHE_TTL" envDefault:"168h" desc:"How long Redis keeps a value; 0 leaves it to Redis' own eviction"`
	// Prefix lets several installations share one Redis.
	Prefix string `env:"CACHE_PREFIX" envDefault:"pims" desc:"First part of every key in Redis, so that several installations can share one"`
	// Backlog is what may wait to be written to the shared cache.
	Backlog units.Bytes `env:"CACHE_BACKLOG" envDefault:"16MiB" desc:"Memory for values that wait to be written to Redis; beyond it they are not written"`
}

// Validate says which variable is wrong, what it holds and what is expected.
func (c Config) Validate() error {
	bad := func(format string, args ...any) error {
		return fault.New(fault.Invalid, "config", format, args...)
	}
	switch {
	case c.Memory < 0:
		return bad("CACHE_MEMORY is %d, expected 0 or more bytes, for example 256MiB.", int64(c.Memory))
	case c.URL == "":
		return nil
	case c.Timeout < time.Millisecond || c.Timeout > time.Minute:
		return bad("CACHE_TIMEOUT is %s, expected 1ms to 1m.", c.Timeout)
	case c.TTL < 0 || (c.TTL > 0 && c.TTL < time.Second):
		return bad("CACHE_TTL is %s, expected 0, or at least 1s.", c.TTL)
	case c.Prefix == "":
		return bad("CACHE_PREFIX is empty, expected a word such as pims: without one, keys of others could be taken for ours.")
	case c.Backlog < 0:
		return bad("CACHE_BACKLOG is %d, expected 0 or more bytes, for example 16MiB.", int64(c.Backlog))
	}
	if _, err := redis.ParseURL(c.URL); err != nil {
		// The URL may hold a password, and so may the parser's error.
		return bad("CACHE_URL is not the URL of a Redis: expected redis://host:6379/0, or rediss:// for TLS.")
	}
	return nil
}
