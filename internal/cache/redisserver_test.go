package cache_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/cache"
)

// realRedis starts redis-server on a port and gives what kills it.
func realRedis(t *testing.T, port string) (kill func()) {
	t.Helper()
	command := exec.Command("redis-server", "--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", t.TempDir())
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	once := sync.OnceFunc(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	t.Cleanup(once)
	return once
}

func TestRealRedisKilledAndRestartedUnderLoad(t *testing.T) {
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is not installed")
	}
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(free.Addr().String())
	_ = free.Close()
	kill := realRedis(t, port)

	log := &logged{}
	redis, err := cache.OpenRedis(redisConfig("redis://127.0.0.1:"+port), slog.New(slog.NewTextHandler(log, nil)), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	defer redis.Close()
	// A memory cache of 0 bytes lets every ask reach Redis.
	c, err := cache.NewTiered(0, redis)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var askers sync.WaitGroup
	for asker := range 4 {
		askers.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				key := fmt.Sprintf("tile:%d", (asker+n)%100)
				got, _, err := c.Get(ctx, key, value("pixels of "+key))
				if ctx.Err() == nil && (err != nil || string(got) != "pixels of "+key) {
					t.Errorf("%s: %q, %v", key, got, err)
					return
				}
				if n%10 == 0 {
					time.Sleep(time.Millisecond) // leave the processor to redis-server
				}
			}
		})
	}
	defer func() { stop(); askers.Wait() }()

	more := func() bool { hits := redis.Stats().Hits; return hits > 100 }
	eventually(t, "tiles come from Redis", more)
	kill()
	eventually(t, "the outage is known", func() bool { return redis.Stats().Away })
	before := redis.Stats().Hits
	realRedis(t, port)
	eventually(t, "tiles come from Redis again", func() bool { return redis.Stats().Hits > before+100 })
	stop()
	askers.Wait()
	// A machine so busy that Redis misses its time-outs has more outages than the
	// kill; each is still told by one line, and not by one for each ask.
	eventually(t, "every outage that was told has its recovery", func() bool {
		_, _, _ = c.Get(context.Background(), "tile:0", value("pixels of tile:0"))
		return log.count("does not answer") == log.count("answers again")
	})
	if down := log.count("does not answer"); down < 1 || down > 10 {
		t.Errorf("the log tells %d outages of one kill", down)
	}
}
