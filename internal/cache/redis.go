package cache

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"log/slog"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/logging"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/pims-cloud/pims/fault"
)

const (
	// layout stands in every key: a program that stores values in another form
	// never reads these.
	layout = "1"
	// maxKeyBytes keeps keys of views with hundreds of channels short.
	maxKeyBytes = 200
	// maxSharedBytes is the greatest value that is worth the time on the wire.
	maxSharedBytes = 4 << 20
	// crcBytes end every value: a checksum of key and value.
	crcBytes = 4
	// backlogValues bounds how many values wait, however small they are.
	backlogValues = 4096
	// connectTimeout bounds dialing, TLS included. Nobody waits for it longer
	// than Config.Timeout; the connection is there for the next one.
	connectTimeout = 2 * time.Second
)

// Shared is a cache that outlives this process and is shared with others; the
// memory cache stands before it. All methods are safe for concurrent use.
type Shared interface {
	// Get gives a value, or false when it is not there or can not be had now:
	// to the caller an unreachable cache is an empty one.
	Get(ctx context.Context, key string) ([]byte, bool)
	// Put hands a value over without waiting. It may be lost.
	Put(key string, value []byte)
}

// Redis is a Shared over a Redis server or a compatible service. It uses GET,
// SET and PING alone, so it can share a server with others and needs no rights
// over their keys.
//
// A server that does not answer makes five questions wait for Config.Timeout at
// most; from then on nothing waits, values are not found, and a PING beside the
// requests finds out when the server is back. The log gets one line when it is
// gone and one when it is back.
type Redis struct {
	config  Config
	client  *redis.Client
	log     *slog.Logger
	breaker breaker

	writes  chan write
	pings   chan struct{} // of capacity 1: a trial is wanted
	stop    context.CancelFunc
	stopped sync.WaitGroup

	waiting   atomic.Int64 // bytes in writes
	unwritten atomic.Bool  // the log knows that the server refuses writes
	stats     redisCounters
}

type write struct {
	key   string
	value []byte
}

type redisCounters struct{ hits, misses, failures, written, dropped atomic.Int64 }

// RedisStats is what a Redis counted since it was opened.
type RedisStats struct {
	Hits, Misses int64
	// Failures are questions that got no answer, or a damaged one.
	Failures int64
	Written  int64
	// Dropped are values that were not written: the backlog was full, or the
	// server is away.
	Dropped int64
	// Away tells that the server is taken for gone.
	Away bool
}

// OpenRedis makes a Redis for a valid configuration with a URL. It does not wait
// for the server. now is the clock, time.Now but in tests. Close ends it.
func OpenRedis(c Config, log *slog.Logger, now func() time.Time) (*Redis, error) {
	options, err := redis.ParseURL(c.URL)
	if err != nil {
		return nil, fault.New(fault.Invalid, "config", "CACHE_URL is not the URL of a Redis.").Because(errors.New("the URL is not shown: it may hold a password"))
	}
	// The client's own log would tell of every failed dial; its log is global,
	// and this is the only place that uses the client.
	logging.Disable()
	options.DialTimeout, options.DialerRetries = connectTimeout, 1
	options.ReadTimeout, options.WriteTimeout, options.PoolTimeout = c.Timeout, c.Timeout, c.Timeout
	options.ContextTimeoutEnabled = true
	options.MaxRetries = -1 // a second try is another time-out before the tile
	options.DisableIdentity = true
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	ctx, stop := context.WithCancel(context.Background())
	r := &Redis{
		config: c, client: redis.NewClient(options), log: log, breaker: breaker{now: now},
		writes: make(chan write, backlogValues), pings: make(chan struct{}, 1), stop: stop,
	}
	r.stopped.Go(func() { r.write(ctx) })
	r.stopped.Go(func() { r.probe(ctx) })
	r.wantPing() // an operator wants to read at the start that it is not there
	return r, nil
}

// Close stops writing and closes the connections. What waits is dropped.
func (r *Redis) Close() error {
	r.stop()
	r.stopped.Wait()
	return r.client.Close()
}

// URL is where the server is, without user and password.
func (r *Redis) URL() string { return SafeURL(r.config.URL) }

// SafeURL is the URL of a shared cache without user and password.
func SafeURL(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return "redis"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}

// Stats tells what was counted.
func (r *Redis) Stats() RedisStats {
	r.breaker.mu.Lock()
	away := r.breaker.open
	r.breaker.mu.Unlock()
	return RedisStats{
		Hits: r.stats.hits.Load(), Misses: r.stats.misses.Load(), Failures: r.stats.failures.Load(),
		Written: r.stats.written.Load(), Dropped: r.stats.dropped.Load(), Away: away,
	}
}

// Get implements Shared.
func (r *Redis) Get(ctx context.Context, key string) ([]byte, bool) {
	if !r.mayAsk() {
		return nil, false
	}
	key = r.key(key)
	ask, cancel := context.WithTimeout(ctx, r.config.Timeout)
	defer cancel()
	stored, err := r.client.Get(ask, key).Bytes()
	switch {
	case err == nil:
		r.answered()
		if value, ok := unseal(key, stored); ok {
			r.stats.hits.Add(1)
			return value, true
		}
		r.stats.failures.Add(1)
	case errors.Is(err, redis.Nil):
		r.answered()
		r.stats.misses.Add(1)
	case ctx.Err() != nil: // the client went away: that says nothing of the server
	default:
		r.stats.failures.Add(1)
		r.failed(err, false)
	}
	return nil, false
}

// Put implements Shared.
func (r *Redis) Put(key string, value []byte) {
	size := int64(len(value))
	if size > maxSharedBytes {
		return
	}
	if r.waiting.Add(size) <= int64(r.config.Backlog) {
		select {
		case r.writes <- write{key, value}:
			return
		default:
		}
	}
	r.waiting.Add(-size)
	r.stats.dropped.Add(1)
}

// write works off the backlog until ctx ends.
func (r *Redis) write(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case w := <-r.writes:
			r.waiting.Add(-int64(len(w.value)))
			if !r.mayAsk() {
				r.stats.dropped.Add(1)
				continue
			}
			r.set(ctx, w)
		}
	}
}

func (r *Redis) set(ctx context.Context, w write) {
	key := r.key(w.key)
	err := r.client.Set(ctx, key, seal(key, w.value), r.config.TTL).Err()
	var refused redis.Error
	switch {
	case err == nil:
		r.answered()
		r.unwritten.Store(false)
		r.stats.written.Add(1)
		return
	case ctx.Err() != nil:
	case errors.As(err, &refused): // it answers: full, or a replica; reading goes on
		r.answered()
		if !r.unwritten.Swap(true) {
			r.log.Warn("the shared cache takes no values", "url", r.URL(), "error", err)
		}
	default:
		r.failed(err, false)
	}
	r.stats.dropped.Add(1)
}

// probe pings when a trial is wanted, until ctx ends.
func (r *Redis) probe(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-r.pings:
			if err := r.client.Ping(ctx).Err(); err == nil {
				r.answered()
			} else if ctx.Err() == nil {
				r.failed(err, true)
			}
		}
	}
}

// mayAsk tells whether the server is taken for alive. When it is time to look
// again, that happens beside the caller, who does not wait for it.
func (r *Redis) mayAsk() bool {
	switch r.breaker.ask() {
	case pass:
		return true
	case try:
		r.wantPing()
	}
	return false
}

func (r *Redis) wantPing() {
	select {
	case r.pings <- struct{}{}:
	default: // one is on its way
	}
}

func (r *Redis) answered() {
	if closed, outage := r.breaker.succeeded(); closed {
		r.log.Info("the shared cache answers again", "url", r.URL(), "away", outage.Round(time.Millisecond).String())
	}
}

func (r *Redis) failed(err error, proof bool) {
	if r.breaker.failed(proof) {
		r.log.Warn("the shared cache does not answer; going on without it until it does", "url", r.URL(), "error", err)
	}
}

// key is the name of a value in Redis: readable, versioned, of bounded length.
func (r *Redis) key(name string) string {
	if len(name) > maxKeyBytes {
		sum := sha256.Sum256([]byte(name))
		name = name[:maxKeyBytes/2] + "#" + base64.RawURLEncoding.EncodeToString(sum[:])
	}
	return r.config.Prefix + ":" + layout + ":" + name
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// seal adds the checksum of key and value: a value that was cut, or that stands
// under another one's key, must not become a picture.
func seal(key string, value []byte) []byte {
	out := make([]byte, 0, len(value)+crcBytes)
	out = append(out, value...)
	return binary.LittleEndian.AppendUint32(out, sealSum(key, value))
}

func unseal(key string, stored []byte) (value []byte, ok bool) {
	n := len(stored) - crcBytes
	if n < 0 {
		return nil, false
	}
	return stored[:n:n], binary.LittleEndian.Uint32(stored[n:]) == sealSum(key, stored[:n])
}

func sealSum(key string, value []byte) uint32 {
	return crc32.Update(crc32.Checksum([]byte(key), castagnoli), castagnoli, value)
}
