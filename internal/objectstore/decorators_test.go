package objectstore_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
	"github.com/pims-cloud/pims/internal/objectstore/recording"
	"github.com/pims-cloud/pims/internal/objectstore/storetest"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/source/sourcetest"
)

func TestDecoratedStoreKeepsTheContract(t *testing.T) {
	config := objectstore.Config{Concurrency: 8, CoalesceGap: 100}
	storetest.Run(t, func(*testing.T) objectstore.Driver {
		return objectstore.Standard(recording.Wrap(memory.New()), config)
	})
}

func TestOneAtATimeKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) objectstore.Driver { return objectstore.Limit(memory.New(), 1) })
}

func put(t *testing.T, s *objectstore.Store, key, content string) objectstore.Object {
	t.Helper()
	o, err := s.Put(t.Context(), key, strings.NewReader(content), int64(len(content)), objectstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func TestSourceIsAReader(t *testing.T) {
	sourcetest.Run(t, func(t *testing.T, content []byte) sourcetest.Opened {
		s := objectstore.New(objectstore.Standard(memory.New(), objectstore.Config{Concurrency: 2}))
		return sourcetest.Opened{
			Reader:  s.Source(put(t, s, "k", string(content))),
			Replace: func(other []byte) { put(t, s, "k", string(other)) },
		}
	})
}

func TestBundles(t *testing.T) {
	s := objectstore.New(memory.New())
	files := map[string][]byte{"slide.mrxs": []byte("main"), "slide/Data 1.dat": []byte("data")}
	for name, content := range files {
		put(t, s, "upload-1/"+name, string(content))
	}
	o := put(t, s, "other/x.svs", "x")
	b, err := objectstore.Bundle(t.Context(), s, "upload-1/", "slide.mrxs")
	if err != nil {
		t.Fatal(err)
	}
	sourcetest.RunBundle(t, b, files)
	sourcetest.RunBundle(t, objectstore.SingleBundle(s, o), map[string][]byte{"x.svs": []byte("x")})
	if _, err := objectstore.Bundle(t.Context(), s, "upload-1/", "missing"); fault.KindOf(err) != fault.NotFound {
		t.Errorf("a bundle without its main object: %v", err)
	}
}

func TestCoalesceMergesNeighboursOnly(t *testing.T) {
	content := strings.Repeat("0123456789", 100)
	ask := []source.Range{{Offset: 30, Length: 10}, {Offset: 0, Length: 10}, {Offset: 10, Length: 10}, {Offset: 15, Length: 2}, {Offset: 45, Length: 5}, {Offset: 900, Length: 100}}
	for gap, want := range map[int64][]recording.Read{
		0:   {{Key: "k", Offset: 0, Length: 20}, {Key: "k", Offset: 30, Length: 10}, {Key: "k", Offset: 45, Length: 5}, {Key: "k", Offset: 900, Length: 100}},
		9:   {{Key: "k", Offset: 0, Length: 20}, {Key: "k", Offset: 30, Length: 20}, {Key: "k", Offset: 900, Length: 100}},
		10:  {{Key: "k", Offset: 0, Length: 50}, {Key: "k", Offset: 900, Length: 100}},
		850: {{Key: "k", Offset: 0, Length: 1000}},
	} {
		recorded := recording.Wrap(memory.New())
		s := objectstore.New(objectstore.Coalesce(recorded, gap))
		o := put(t, s, "k", content)
		got, err := s.ReadRanges(t.Context(), "k", o.ETag, ask)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range ask {
			if string(got[i]) != content[r.Offset:r.End()] {
				t.Errorf("gap %d: range %+v has %q", gap, r, got[i])
			}
			if cap(got[i]) > 2*int(r.Length)+64 {
				t.Errorf("gap %d: range %+v keeps %d bytes alive", gap, r, cap(got[i]))
			}
		}
		if diff := cmp.Diff(want, recorded.Reads()); diff != "" {
			t.Errorf("gap %d: reads (-want +got):\n%s", gap, diff)
		}
	}
}

// flaky is a driver whose operations fail with the given errors, in turn,
// before they work.
type flaky struct {
	objectstore.Driver
	mu    sync.Mutex
	fails []error
	tries int
	after bool // do the work first and lose the answer
}

func (f *flaky) next() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.tries++
	if len(f.fails) == 0 {
		return nil
	}
	err := f.fails[0]
	f.fails = f.fails[1:]
	return err
}

func (f *flaky) Stat(ctx context.Context, key string) (objectstore.Object, error) {
	if err := f.next(); err != nil {
		return objectstore.Object{}, err
	}
	return f.Driver.Stat(ctx, key)
}

func (f *flaky) Put(ctx context.Context, key string, body io.Reader, size int64, options objectstore.PutOptions) (objectstore.Object, error) {
	err := f.next()
	if err != nil && f.after {
		_, _ = f.Driver.Put(ctx, key, body, size, options)
	} else if err != nil {
		_, _ = io.CopyN(io.Discard, body, 3) // it got some of it
	}
	if err != nil {
		return objectstore.Object{}, err
	}
	return f.Driver.Put(ctx, key, body, size, options)
}

func (f *flaky) List(ctx context.Context, prefix string) iter.Seq2[objectstore.Object, error] {
	return func(yield func(objectstore.Object, error) bool) {
		n := 0
		for o, err := range f.Driver.List(ctx, prefix) {
			if n++; n == 3 {
				if err := f.next(); err != nil {
					yield(objectstore.Object{}, err)
					return
				}
			}
			if !yield(o, err) {
				return
			}
		}
	}
}

var (
	slow = fault.New(fault.Busy, "store-slow-down", "")
	lost = fault.New(fault.Busy, "store-unreachable", "")
)

// retrying decorates f with a policy that records its pauses and never waits.
func retrying(f *flaky, policy objectstore.RetryPolicy, pauses *[]time.Duration) *objectstore.Store {
	policy.Random = func(n int64) int64 { return n - 1 } // the longest
	policy.Sleep = func(ctx context.Context, d time.Duration) error {
		*pauses = append(*pauses, d)
		return ctx.Err()
	}
	return objectstore.New(objectstore.Retry(f, policy))
}

func TestRetryByCause(t *testing.T) {
	ms := time.Millisecond
	for _, test := range []struct {
		name   string
		fails  []error
		tries  int
		kind   fault.Kind // of the result; Internal for none
		pauses []time.Duration
	}{
		{"works", nil, 1, fault.Internal, nil},
		{"busy twice", []error{slow, lost}, 3, fault.Internal, []time.Duration{50 * ms, 100 * ms}},
		{"busy for long", []error{slow, slow, slow, slow, slow}, 4, fault.Busy, []time.Duration{50 * ms, 100 * ms, 150 * ms}},
		{"missing", []error{objectstore.NotFound("k")}, 1, fault.NotFound, nil},
		{"changed", []error{objectstore.Changed("k")}, 1, fault.Changed, nil},
		{"denied", []error{fault.New(fault.Denied, "store-denied", "")}, 1, fault.Denied, nil},
		{"busy, then missing", []error{slow, objectstore.NotFound("k")}, 2, fault.NotFound, []time.Duration{50 * ms}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := &flaky{Driver: memory.New(), fails: test.fails}
			var pauses []time.Duration
			put(t, objectstore.New(f.Driver), "k", "x")
			_, err := retrying(f, objectstore.RetryPolicy{Max: 150 * ms}, &pauses).Stat(t.Context(), "k")
			if fault.KindOf(err) != test.kind || (err == nil) != (test.kind == fault.Internal) {
				t.Errorf("error %v, want kind %s", err, test.kind)
			}
			if f.tries != test.tries {
				t.Errorf("%d tries, want %d", f.tries, test.tries)
			}
			if diff := cmp.Diff(test.pauses, pauses); diff != "" {
				t.Errorf("pauses (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRetryOfWrites(t *testing.T) {
	absent := objectstore.PutOptions{OnlyIfAbsent: true}
	for _, test := range []struct {
		name    string
		body    io.Reader
		options objectstore.PutOptions
		fail    error
		after   bool
		tries   int
	}{
		{"a body that can be rewound", strings.NewReader("content"), objectstore.PutOptions{}, lost, false, 2},
		{"a body that can not", io.MultiReader(strings.NewReader("content")), objectstore.PutOptions{}, lost, false, 1},
		{"a conditional write that was refused", strings.NewReader("content"), absent, slow, false, 2},
		// Its repetition would find the first one's object and call itself the loser.
		{"a conditional write whose answer was lost", strings.NewReader("content"), absent, lost, true, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := &flaky{Driver: memory.New(), fails: []error{test.fail}, after: test.after}
			var pauses []time.Duration
			s := retrying(f, objectstore.RetryPolicy{}, &pauses)
			_, err := s.Put(t.Context(), "k", test.body, 7, test.options)
			if f.tries != test.tries || (err == nil) != (test.tries == 2) {
				t.Errorf("%d tries, want %d; error %v", f.tries, test.tries, err)
			}
			if err == nil {
				if got, _, err := s.Get(t.Context(), "k", 100); err != nil || string(got) != "content" {
					t.Errorf("stored %q, %v", got, err)
				}
			}
		})
	}
}

func TestRetryResumesLists(t *testing.T) {
	f := &flaky{Driver: memory.New(), fails: []error{slow, lost}}
	var want []string
	for i := range 6 {
		want = append(want, fmt.Sprintf("k%d", i))
		put(t, objectstore.New(f.Driver), want[i], "")
	}
	var pauses []time.Duration
	var got []string
	for o, err := range retrying(f, objectstore.RetryPolicy{}, &pauses).List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, o.Key)
	}
	if !slices.Equal(got, want) || len(pauses) != 2 {
		t.Errorf("listed %q after %d pauses, want %q", got, len(pauses), want)
	}
}

func TestRetryBudgetIsShared(t *testing.T) {
	f := &flaky{Driver: memory.New(), fails: slices.Repeat([]error{slow}, 1000)}
	var pauses []time.Duration
	s := retrying(f, objectstore.RetryPolicy{Attempts: 3, Budget: 5}, &pauses)
	for range 10 {
		_, _ = s.Stat(t.Context(), "k")
	}
	if f.tries != 10+5 {
		t.Errorf("%d tries for 10 calls with 5 retries in hand", f.tries)
	}
	f.fails = nil
	put(t, objectstore.New(f.Driver), "k", "")
	for range 10 { // earn one back
		if _, err := s.Stat(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
	}
	f.fails = []error{slow}
	if _, err := s.Stat(t.Context(), "k"); err != nil {
		t.Errorf("successes do not fill the budget: %v", err)
	}
}

func TestRetryStopsWithTheContext(t *testing.T) {
	f := &flaky{Driver: memory.New(), fails: []error{slow, slow}}
	ctx, cancel := context.WithCancel(t.Context())
	s := objectstore.New(objectstore.Retry(f, objectstore.RetryPolicy{Base: time.Hour, Max: time.Hour, Sleep: func(ctx context.Context, _ time.Duration) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}}))
	if _, err := s.Stat(ctx, "k"); err == nil || f.tries != 1 {
		t.Errorf("%d tries, error %v", f.tries, err)
	}
}

// gate is a driver whose reads wait until they are let go.
type gate struct {
	objectstore.Driver
	inside  atomic.Int64
	most    atomic.Int64
	entered chan struct{}
	open    chan struct{}
}

func (g *gate) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	now := g.inside.Add(int64(len(ranges)))
	defer g.inside.Add(-int64(len(ranges)))
	for most := g.most.Load(); now > most && !g.most.CompareAndSwap(most, now); most = g.most.Load() {
	}
	g.entered <- struct{}{}
	<-g.open
	return g.Driver.ReadRanges(ctx, key, etag, ranges)
}

func TestLimitBoundsReads(t *testing.T) {
	g := &gate{Driver: memory.New(), entered: make(chan struct{}, 100), open: make(chan struct{})}
	s := objectstore.New(objectstore.Limit(g, 4))
	put(t, s, "k", "0123456789")
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if _, err := s.ReadRanges(t.Context(), "k", "", []source.Range{{Offset: 0, Length: 1}, {Offset: 5, Length: 1}}); err != nil {
				t.Error(err)
			}
		})
	}
	<-g.entered
	<-g.entered // two batches of two: the limit is reached
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Stat(ctx, "k"); fault.KindOf(err) != fault.Canceled {
		t.Errorf("waiting with a cancelled context: %v", err)
	}
	put(t, s, "other", "writes do not wait for reads")
	close(g.open)
	group.Wait()
	if most := g.most.Load(); most != 4 {
		t.Errorf("%d ranges were read at once, want 4", most)
	}
}

func TestMeterCounts(t *testing.T) {
	s := objectstore.New(objectstore.Standard(memory.New(), objectstore.Config{Concurrency: 4}))
	o := put(t, s, "k", "0123456789")
	ctx, tally := objectstore.WithTally(t.Context())
	if _, err := s.ReadRanges(ctx, "k", o.ETag, []source.Range{{Offset: 0, Length: 3}, {Offset: 5, Length: 4}}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.ReadPrefix(ctx, "k", 100); err != nil {
		t.Fatal(err)
	}
	r, err := s.Reader(ctx, "k", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, r); err != nil {
		t.Fatal(err)
	}
	r.Close()
	_, _ = s.Stat(ctx, "missing")
	for range s.List(ctx, "") {
	}
	got := []int64{tally.Reads.Load(), tally.Bytes.Load(), tally.Stats.Load(), tally.Lists.Load(), tally.Writes.Load(), tally.Errors.Load()}
	if want := []int64{4, 27, 1, 1, 0, 1}; !slices.Equal(got, want) {
		t.Errorf("reads, bytes, stats, lists, writes, errors: %v, want %v", got, want)
	}
	if total := s.Totals(); total == nil || total.Reads.Load() != 4 || total.Writes.Load() != 1 {
		t.Errorf("totals %+v", total)
	}
	if objectstore.TallyOf(t.Context()) != nil || objectstore.TallyOf(ctx) != tally {
		t.Error("the context has another tally")
	}
}

func TestRecordingIsExact(t *testing.T) {
	recorded := recording.Wrap(memory.New())
	s := objectstore.New(objectstore.Standard(recorded, objectstore.Config{Concurrency: 4}))
	o := put(t, s, "k", strings.Repeat("x", 100))
	if _, err := s.Copy(t.Context(), s, o, "k2", objectstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	_, _, _ = s.ReadPrefix(t.Context(), "k", 64<<10)
	_, _ = s.ReadRanges(t.Context(), "k", o.ETag, []source.Range{{Offset: 7, Length: 5}})
	want := []recording.Read{{Key: "k", Offset: 0, Length: 64 << 10}, {Key: "k", Offset: 7, Length: 5}}
	if diff := cmp.Diff(want, recorded.Reads()); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(recording.Calls{Puts: 1, Copies: 1}, recorded.Calls()); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	recorded.Reset()
	if len(recorded.Reads()) != 0 || recorded.Calls() != (recording.Calls{}) {
		t.Error("Reset left something")
	}
}

func TestCopyBetweenKindsStreams(t *testing.T) {
	from, to := objectstore.New(memory.New()), objectstore.New(struct{ objectstore.Driver }{memory.New()})
	o := put(t, from, "k", "content")
	if _, err := to.Copy(t.Context(), from, o, "k", objectstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	if got, _, err := to.Get(t.Context(), "k", 10); err != nil || !bytes.Equal(got, []byte("content")) {
		t.Errorf("%q, %v", got, err)
	}
	o.ETag = "another"
	if _, err := to.Copy(t.Context(), from, o, "k2", objectstore.PutOptions{}); fault.KindOf(err) != fault.Changed {
		t.Errorf("copy of a replaced object: %v", err)
	}
}

func TestUnknownErrorsGetAKind(t *testing.T) {
	cause := errors.New("the disk is on fire")
	s := objectstore.New(&flaky{Driver: memory.New(), fails: []error{cause}})
	_, err := s.Stat(t.Context(), "k")
	if fault.CodeOf(err) != "store-failed" || !errors.Is(err, cause) || strings.Contains(fault.Sentence(err), "fire") {
		t.Errorf("error %v, sentence %q", err, fault.Sentence(err))
	}
}
