package cache_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"

	"github.com/pims-cloud/pims/internal/cache"
	"github.com/pims-cloud/pims/internal/config/units"
)

// shared is a Redis tier over a server in this process, with a clock and a log
// that tests look at.
type shared struct {
	*cache.Redis
	server *miniredis.Miniredis
	log    *logged
	ahead  atomic.Int64 // how far the clock runs ahead, in nanoseconds
}

type logged struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *logged) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.text.String(), text)
}

func redisConfig(url string) cache.Config {
	return cache.Config{URL: url, Timeout: 200 * time.Millisecond, TTL: time.Hour, Prefix: "test", Backlog: 1 << 20}
}

func openShared(t *testing.T, change func(*cache.Config)) *shared {
	t.Helper()
	s := &shared{server: miniredis.RunT(t), log: &logged{}}
	c := redisConfig("redis://:secret@" + s.server.Addr())
	s.server.RequireAuth("secret")
	if change != nil {
		change(&c)
	}
	s.open(t, c)
	return s
}

func (s *shared) open(t *testing.T, c cache.Config) {
	t.Helper()
	var err error
	s.Redis, err = cache.OpenRedis(c, slog.New(slog.NewTextHandler(s.log, nil)), func() time.Time {
		return time.Now().Add(time.Duration(s.ahead.Load()))
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
}

// eventually waits for what another goroutine brings about.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("it never came that %s", what)
		}
		time.Sleep(time.Millisecond)
	}
}

func value(text string) func(context.Context) ([]byte, error) {
	return func(context.Context) ([]byte, error) { return []byte(text), nil }
}

func neverLoad(context.Context) ([]byte, error) { return nil, errors.New("loaded again") }

func TestValuesOfAnotherProcessAreFoundInRedis(t *testing.T) {
	s := openShared(t, nil)
	first, err := cache.NewTiered(1<<20, s.Redis)
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	if got, hit, err := first.Get(ctx, "tile:1", value("pixels")); err != nil || hit || string(got) != "pixels" {
		t.Fatalf("first ask: %q, hit %v, %v", got, hit, err)
	}
	eventually(t, "the value is in Redis", func() bool { return s.Stats().Written == 1 })
	second, err := cache.NewTiered(1<<20, s.Redis)
	if err != nil {
		t.Fatal(err)
	}
	if got, hit, err := second.Get(ctx, "tile:1", neverLoad); err != nil || !hit || string(got) != "pixels" {
		t.Fatalf("another process got %q, hit %v, %v", got, hit, err)
	}
	s.server.Close()
	if got, hit, err := second.Get(ctx, "tile:1", neverLoad); err != nil || !hit || string(got) != "pixels" {
		t.Errorf("what Redis gave is not in memory: %q, hit %v, %v", got, hit, err)
	}
}

func TestKeysInRedisAreOursVersionedAndExpire(t *testing.T) {
	s := openShared(t, nil)
	long := "tile:" + strings.Repeat("channel ", 500)
	s.Put("tile:1", []byte("a"))
	s.Put(long, []byte("b"))
	eventually(t, "both are written", func() bool { return s.Stats().Written == 2 })
	for _, key := range s.server.Keys() {
		if !strings.HasPrefix(key, "test:1:tile:") || len(key) > 200 {
			t.Errorf("the key %q is not test:1:…, or longer than 200 bytes", key)
		}
		if ttl := s.server.TTL(key); ttl != time.Hour {
			t.Errorf("%q expires in %s, want 1h", key, ttl)
		}
	}
	if got, ok := s.Get(context.Background(), long); !ok || string(got) != "b" {
		t.Errorf("a value with a long key: %q, %v", got, ok)
	}
	if _, ok := s.Get(context.Background(), long+" and more"); ok {
		t.Error("another long key found the same value")
	}
}

func TestDamagedValueIsAMiss(t *testing.T) {
	s := openShared(t, nil)
	s.Put("k", []byte("the bytes of a tile"))
	s.Put("other", []byte("the bytes of another"))
	eventually(t, "both are written", func() bool { return s.Stats().Written == 2 })
	whole, err := s.server.Get("test:1:k")
	if err != nil {
		t.Fatal(err)
	}
	other, _ := s.server.Get("test:1:other")
	for name, stored := range map[string]string{
		"cut": whole[:len(whole)-1], "of another key": other, "changed": "T" + whole[1:], "empty": "", "not ours": "hello",
	} {
		if err := s.server.Set("test:1:k", stored); err != nil {
			t.Fatal(err)
		}
		if got, ok := s.Get(context.Background(), "k"); ok {
			t.Errorf("a value that is %s became %q", name, got)
		}
	}
}

func TestFullBacklogDropsAndCounts(t *testing.T) {
	s := openShared(t, func(c *cache.Config) { c.Backlog = 10 })
	s.Put("large", make([]byte, 11))
	s.Put("huge", make([]byte, 64<<20))
	if dropped := s.Stats().Dropped; dropped != 1 {
		t.Errorf("%d values were dropped, want 1: one is over the backlog, one is never shared", dropped)
	}
	s.Put("small", make([]byte, 10))
	eventually(t, "the small one is written", func() bool { return s.Stats().Written == 1 })
}

func TestRedisGoneIsToldOnceAndComesBackByItself(t *testing.T) {
	s := openShared(t, nil)
	c, err := cache.NewTiered(0, s.Redis) // no memory: every ask goes to Redis
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for outage := range 2 {
		s.server.Close()
		for range 30 {
			if got, hit, err := c.Get(ctx, "k", value("v")); err != nil || hit || string(got) != "v" {
				t.Fatalf("without Redis: %q, hit %v, %v", got, hit, err)
			}
		}
		eventually(t, "the outage is known and told", func() bool {
			return s.Stats().Away && s.log.count("does not answer") > outage
		})
		if err := s.server.Restart(); err != nil {
			t.Fatal(err)
		}
		eventually(t, "Redis is found again", func() bool {
			s.ahead.Add(int64(time.Minute)) // longer than any pause
			_, _, _ = c.Get(ctx, "k", value("v"))
			return !s.Stats().Away
		})
		eventually(t, "values come from Redis again", func() bool {
			_, hit, _ := c.Get(ctx, "k", value("v"))
			return hit
		})
		eventually(t, "the recovery is told", func() bool { return s.log.count("answers again") > outage })
	}
	if lost, found := s.log.count("does not answer"), s.log.count("answers again"); lost != 2 || found != 2 {
		t.Errorf("the log tells of %d outages and %d recoveries, want 2 and 2", lost, found)
	}
	if n := s.log.count("secret"); n != 0 {
		t.Error("the password is in the log")
	}
}

func TestRedisThatNeverWasThere(t *testing.T) {
	gone := miniredis.RunT(t)
	address := gone.Addr()
	gone.Close()
	s := &shared{server: gone, log: &logged{}}
	s.open(t, redisConfig("redis://"+address))
	eventually(t, "the log tells at the start that it is not there", func() bool { return s.log.count("does not answer") == 1 })
	if _, ok := s.Get(context.Background(), "k"); ok {
		t.Error("a value out of nothing")
	}
	if err := gone.StartAddr(address); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is found when it comes", func() bool {
		s.ahead.Add(int64(time.Minute))
		s.Get(context.Background(), "k")
		return !s.Stats().Away
	})
}

func TestServerThatRefusesWritesStillServesReads(t *testing.T) {
	s := openShared(t, nil)
	s.Put("k", []byte("v"))
	eventually(t, "it is written", func() bool { return s.Stats().Written == 1 })
	s.server.Server().SetPreHook(func(peer *server.Peer, command string, _ ...string) bool {
		if command == "SET" {
			peer.WriteError("OOM command not allowed when used memory > 'maxmemory'.")
		}
		return command == "SET"
	})
	for range 20 {
		s.Put("k2", []byte("v"))
	}
	eventually(t, "all were refused", func() bool { return s.Stats().Dropped == 20 })
	if got, ok := s.Get(context.Background(), "k"); !ok || string(got) != "v" || s.Stats().Away {
		t.Errorf("reads after refused writes: %q, %v, away %v", got, ok, s.Stats().Away)
	}
	if n := s.log.count("takes no values"); n != 1 {
		t.Errorf("%d lines tell that it is full, want 1", n)
	}
}

func TestClientThatWentAwayIsNoFaultOfRedis(t *testing.T) {
	s := openShared(t, nil)
	gone, leave := context.WithCancel(context.Background())
	leave()
	for range 20 {
		s.Get(gone, "k")
	}
	if stats := s.Stats(); stats.Away || stats.Failures != 0 {
		t.Errorf("20 clients that went away count as %d failures, away %v", stats.Failures, stats.Away)
	}
}

func TestConfigRefusesWhatCanNotBeMeant(t *testing.T) {
	good := redisConfig("rediss://user:secret@cache.example:6380/2")
	if err := good.Validate(); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*cache.Config){
		"CACHE_URL":     func(c *cache.Config) { c.URL = "http://:secret@host" },
		"CACHE_TIMEOUT": func(c *cache.Config) { c.Timeout = 0 },
		"CACHE_TTL":     func(c *cache.Config) { c.TTL = -1 },
		"CACHE_PREFIX":  func(c *cache.Config) { c.Prefix = "" },
		"CACHE_BACKLOG": func(c *cache.Config) { c.Backlog = units.Bytes(-1) },
		"CACHE_MEMORY":  func(c *cache.Config) { c.Memory = -1 },
	} {
		c := good
		change(&c)
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "secret") {
			t.Errorf("a bad %s gives %v", name, err)
		}
	}
}
