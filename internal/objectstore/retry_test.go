package objectstore_test

import (
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
	"github.com/pims-cloud/pims/source"
)

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

// partial fails every second range of a batch once.
type partial struct {
	objectstore.Driver
	asked [][]source.Range
}

func (p *partial) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	p.asked = append(p.asked, ranges)
	got, err := p.Driver.ReadRanges(ctx, key, etag, ranges)
	if err != nil || len(p.asked) > 1 {
		return got, err
	}
	for i := 1; i < len(got); i += 2 {
		got[i] = nil
	}
	return got, slow
}

func TestOnlyTheMissingRangesOfABatchAreReadAgain(t *testing.T) {
	p := &partial{Driver: memory.New()}
	o := put(t, objectstore.New(p.Driver), "k", "0123456789")
	s := objectstore.New(objectstore.Retry(p, objectstore.RetryPolicy{Sleep: func(context.Context, time.Duration) error { return nil }}))
	ranges := []source.Range{{Offset: 0, Length: 1}, {Offset: 2, Length: 2}, {Offset: 5, Length: 3}, {Offset: 9, Length: 1}}
	got, err := s.ReadRanges(t.Context(), "k", o.ETag, ranges)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]byte{[]byte("0"), []byte("23"), []byte("567"), []byte("9")}, got); diff != "" {
		t.Errorf("bytes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]source.Range{ranges, {ranges[1], ranges[3]}}, p.asked); diff != "" {
		t.Errorf("ranges asked for (-want +got):\n%s", diff)
	}
}
