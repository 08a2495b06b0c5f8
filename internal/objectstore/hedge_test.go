package objectstore_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
	"github.com/pims-cloud/pims/source"
)

// slowStore is a driver whose slow reads last until they are cancelled or let go,
// and the clock of a hedge: slow reads make its timers fire.
type slowStore struct {
	objectstore.Driver
	mu     sync.Mutex // guards the rest
	now    time.Time
	timers []*manualTimer
	delays []time.Duration // that timers were made with

	reads     atomic.Int64
	cancelled atomic.Int64
	slow      func(n int64) bool // whether the nth read, from 1, waits
	stuck     func(n int64) bool // whether the nth read lasts until it is cancelled
	took      func(n int64) time.Duration
	fails     error // of slow reads that are let go
	letGo     chan struct{}
}

type manualTimer struct {
	s       *slowStore
	f       func()
	started bool
	stopped bool
}

func (m *manualTimer) Stop() bool {
	m.s.mu.Lock()
	defer m.s.mu.Unlock()
	m.stopped = true
	return !m.started
}

func (s *slowStore) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *slowStore) AfterFunc(d time.Duration, f func()) objectstore.Timer {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := &manualTimer{s: s, f: f}
	s.timers, s.delays = append(s.timers, m), append(s.delays, d)
	return m
}

// fire lets all timers that wait run out.
func (s *slowStore) fire() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.timers {
		if !m.started && !m.stopped {
			m.started = true
			go m.f()
		}
	}
}

func (s *slowStore) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	n := s.reads.Add(1)
	if s.took != nil {
		s.mu.Lock()
		s.now = s.now.Add(s.took(n))
		s.mu.Unlock()
	}
	if s.stuck != nil && s.stuck(n) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	if s.slow != nil && s.slow(n) {
		s.fire()
		select {
		case <-ctx.Done():
			s.cancelled.Add(1)
			return nil, ctx.Err()
		case <-s.letGo:
			if s.fails != nil {
				return nil, s.fails
			}
		}
	}
	return s.Driver.ReadRanges(ctx, key, etag, ranges)
}

func (s *slowStore) hedge(p objectstore.HedgePolicy) *objectstore.Hedged {
	p.Now, p.AfterFunc = s.Now, s.AfterFunc
	return objectstore.Hedge(s, p)
}

func newSlowStore(t *testing.T) (*slowStore, objectstore.Object) {
	s := &slowStore{Driver: memory.New(), letGo: make(chan struct{})}
	return s, put(t, objectstore.New(s.Driver), "k", "0123456789")
}

var firstThree = []source.Range{{Offset: 0, Length: 3}}

func TestSecondReadAnswersForASlowOne(t *testing.T) {
	s, o := newSlowStore(t)
	s.slow = func(n int64) bool { return n == 21 } // by then, 20 reads have paid for one more
	h := s.hedge(objectstore.HedgePolicy{After: 80 * time.Millisecond})
	for range 25 {
		got, err := h.ReadRanges(t.Context(), "k", o.ETag, firstThree)
		if err != nil || string(got[0]) != "012" {
			t.Fatalf("%q, %v", got, err)
		}
	}
	if s.reads.Load() != 26 || s.cancelled.Load() != 1 || h.Started.Load() != 1 || h.Won.Load() != 1 {
		t.Errorf("%d reads, %d cancelled, %d second reads of which %d won; want 26, 1, 1, 1",
			s.reads.Load(), s.cancelled.Load(), h.Started.Load(), h.Won.Load())
	}
	if s.delays[0] != 80*time.Millisecond {
		t.Errorf("it waited %s", s.delays[0])
	}
}

func TestSecondReadsAreBounded(t *testing.T) {
	s, o := newSlowStore(t)
	// Every first read is slow: only what was saved up may be asked for again.
	h := s.hedge(objectstore.HedgePolicy{After: time.Second})
	for range 400 {
		if _, err := h.ReadRanges(t.Context(), "k", o.ETag, firstThree); err != nil {
			t.Fatal(err)
		}
	}
	s.reads.Store(0)
	close(s.letGo)
	s.slow = func(int64) bool { return true }
	for range 100 {
		if _, err := h.ReadRanges(t.Context(), "k", o.ETag, firstThree); err != nil {
			t.Fatal(err)
		}
	}
	if started := h.Started.Load(); started > 8+5 {
		t.Errorf("%d second reads for 100 slow ones, want at most 13: 8 saved and 1 in 20", started)
	}
}

func TestThePercentileFollowsTheReads(t *testing.T) {
	s, o := newSlowStore(t)
	s.took = func(n int64) time.Duration { return time.Duration(n%100+1) * time.Millisecond }
	h := s.hedge(objectstore.HedgePolicy{Percentile: 0.95})
	read := func(n int) {
		for range n {
			if _, err := h.ReadRanges(t.Context(), "k", o.ETag, firstThree); err != nil {
				t.Fatal(err)
			}
		}
	}
	read(64)
	if len(s.delays) != 0 {
		t.Errorf("%d timers before there were 64 times", len(s.delays))
	}
	read(1000)
	if last := s.delays[len(s.delays)-1]; last < 93*time.Millisecond || last > 98*time.Millisecond {
		t.Errorf("p95 of 1 to 100 ms is %s", last)
	}
	s.took = func(int64) time.Duration { return 5 * time.Millisecond }
	read(600)
	if last := s.delays[len(s.delays)-1]; last != 5*time.Millisecond {
		t.Errorf("after 600 reads of 5 ms it waits %s", last)
	}
}

func TestErrorsOfHedgedReads(t *testing.T) {
	// A definite answer needs no second opinion, and would wait for ever for the
	// one that is stuck; a busy store may have one.
	for name, test := range map[string]struct {
		fails error
		ok    bool
	}{
		"busy":    {slow, true},
		"changed": {objectstore.Changed("k"), false},
	} {
		s, o := newSlowStore(t)
		s.fails = test.fails
		s.slow = func(n int64) bool { return n == 2 }
		s.stuck = func(n int64) bool { return n == 3 && !test.ok }
		close(s.letGo)
		h := s.hedge(objectstore.HedgePolicy{After: time.Second, Share: 1})
		if _, err := h.ReadRanges(t.Context(), "k", o.ETag, firstThree); err != nil {
			t.Fatal(err)
		}
		if _, err := h.ReadRanges(t.Context(), "k", o.ETag, firstThree); (err == nil) != test.ok {
			t.Errorf("%s: %v", name, err)
		}
	}
	s, o := newSlowStore(t)
	s.slow = func(int64) bool { return true }
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := objectstore.New(s.hedge(objectstore.HedgePolicy{After: time.Second, Share: 1})).ReadRanges(ctx, "k", o.ETag, firstThree)
	if fault.KindOf(err) != fault.Canceled {
		t.Errorf("cancelled: %v", err)
	}
}

func TestOnlyPinnedSmallReadsAreHedged(t *testing.T) {
	s, o := newSlowStore(t)
	big := put(t, objectstore.New(s.Driver), "big", strings.Repeat("x", 1<<20+1))
	h := s.hedge(objectstore.HedgePolicy{After: time.Second})
	if _, err := h.ReadRanges(t.Context(), "k", "", firstThree); err != nil {
		t.Fatal(err)
	}
	if _, err := h.ReadRanges(t.Context(), "big", big.ETag, []source.Range{{Offset: 0, Length: big.Size}}); err != nil {
		t.Fatal(err)
	}
	if len(s.delays) != 0 {
		t.Errorf("%d timers for reads that are not hedged", len(s.delays))
	}
	got, err := h.ReadRanges(t.Context(), "k", o.ETag, []source.Range{{Offset: 0, Length: 1}, {Offset: 5, Length: 2}})
	if err != nil || string(got[0]) != "0" || string(got[1]) != "56" || len(s.delays) != 2 {
		t.Errorf("%q, %v, %d timers", got, err, len(s.delays))
	}
	if data, at, err := h.ReadPrefix(t.Context(), "k", 4); err != nil || string(data) != "0123" || at.ETag != o.ETag || len(s.delays) != 3 {
		t.Errorf("%q, %+v, %v, %d timers", data, at, err, len(s.delays))
	}
}

func TestParseHedge(t *testing.T) {
	for text, want := range map[string]objectstore.HedgePolicy{
		"": {}, "80ms": {After: 80 * time.Millisecond}, "p95": {Percentile: 0.95}, "p99.5": {Percentile: 0.995},
	} {
		got, err := objectstore.ParseHedge(text)
		if err != nil || got.After != want.After || got.Percentile != want.Percentile {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"p", "p100", "p49", "pNaN", "0", "-1s", "1µs", "fast", "95"} {
		if _, err := objectstore.ParseHedge(text); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}
