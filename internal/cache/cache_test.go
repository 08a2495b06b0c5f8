package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/cache"
)

func newCache(t *testing.T, maxBytes int64) *cache.Cache {
	t.Helper()
	c, err := cache.New(maxBytes)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestConcurrentAskersShareOneLoad(t *testing.T) {
	c := newCache(t, 1<<20)
	var loads atomic.Int32
	release := make(chan struct{})
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			value, _, err := c.Get(context.Background(), "k", func(context.Context) ([]byte, error) {
				loads.Add(1)
				<-release
				return []byte("tile"), nil
			})
			if err != nil || string(value) != "tile" {
				t.Errorf("got %q, %v", value, err)
			}
		})
	}
	close(release)
	group.Wait()
	if n := loads.Load(); n != 1 {
		t.Errorf("50 askers caused %d loads, want 1", n)
	}
}

func TestLoadGoesOnWhileOneAskerWaits(t *testing.T) {
	var flights cache.Flights[string]
	started, release := make(chan struct{}), make(chan struct{})
	load := func(ctx context.Context) (string, error) {
		close(started)
		select {
		case <-release:
			return "ok", nil
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	impatient, leave := context.WithCancel(context.Background())
	left := make(chan error, 1)
	go func() {
		_, _, err := flights.Do(impatient, "k", load)
		left <- err
	}()
	<-started
	stayed := make(chan string, 1)
	joined := make(chan struct{})
	go func() {
		close(joined)
		value, _, _ := flights.Do(context.Background(), "k", func(context.Context) (string, error) {
			return "a second load", nil
		})
		stayed <- value
	}()
	<-joined
	for flights.Waiting("k") < 2 {
		runtime.Gosched() // the second asker is on its way into Do
	}
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Fatalf("the one who left got %v", err)
	}
	close(release)
	if value := <-stayed; value != "ok" {
		t.Errorf("the one who stayed got %q, want the first load's value", value)
	}
}

func TestLoadIsCancelledWhenAllLeft(t *testing.T) {
	var flights cache.Flights[string]
	ctx, leave := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	started := make(chan struct{})
	go func() {
		_, _, _ = flights.Do(ctx, "k", func(ctx context.Context) (string, error) {
			close(started)
			<-ctx.Done()
			ended <- ctx.Err()
			return "", ctx.Err()
		})
	}()
	<-started
	leave()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the load ended with %v", err)
	}
}

func TestErrorsAreNotKept(t *testing.T) {
	c := newCache(t, 1<<20)
	_, _, err := c.Get(context.Background(), "k", func(context.Context) ([]byte, error) { return nil, errors.New("once") })
	if err == nil {
		t.Fatal("the error was lost")
	}
	value, hit, err := c.Get(context.Background(), "k", func(context.Context) ([]byte, error) { return []byte("v"), nil })
	if err != nil || hit || string(value) != "v" {
		t.Errorf("after an error: %q, hit %v, %v", value, hit, err)
	}
	if _, hit, _ := c.Get(context.Background(), "k", nil); !hit {
		t.Error("the value was not kept")
	}
}

func TestPanicOfALoadIsAnErrorForAll(t *testing.T) {
	c := newCache(t, 1<<20)
	_, _, err := c.Get(context.Background(), "k", func(context.Context) ([]byte, error) { panic("broken tile") })
	if fault.KindOf(err) != fault.Internal {
		t.Errorf("got %v, want kind internal", err)
	}
	if !bytes.Contains([]byte(err.Error()), []byte("broken tile")) || bytes.Contains([]byte(fault.Sentence(err)), []byte("broken tile")) {
		t.Errorf("the panic belongs in the log and not in the sentence: %v / %s", err, fault.Sentence(err))
	}
}

func TestWeightIsBounded(t *testing.T) {
	const bound = 1 << 20
	c := newCache(t, bound)
	for i := range 400 {
		c.Put(fmt.Sprint(i), make([]byte, 10_000))
	}
	c.Settle()
	if w := c.WeightBytes(); w > bound || w < bound/2 {
		t.Errorf("the cache weighs %d bytes, want at most %d and not nearly empty", w, bound)
	}
}

func TestKeptValueIsNoWindowOnALargerBuffer(t *testing.T) {
	c := newCache(t, 1<<20)
	whole := make([]byte, 1<<16)
	kept := c.Put("k", whole[:100])
	if cap(kept) > 200 {
		t.Errorf("a value of 100 bytes holds %d", cap(kept))
	}
}

func TestCacheSwitchedOff(t *testing.T) {
	c := newCache(t, 0)
	c.Put("k", []byte("v"))
	if _, hit := c.Peek("k"); hit {
		t.Error("a cache of 0 bytes kept a value")
	}
}
