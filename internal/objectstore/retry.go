package objectstore

import (
	"context"
	"io"
	"iter"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/source"
)

// RetryPolicy says how often and how patiently Retry tries again. The zero
// value of a field means its default.
type RetryPolicy struct {
	// Attempts is how often one operation is tried in all; 1 never tries again.
	Attempts int // 4
	// Base and Max bound the pauses: before attempt n+1 it is a random time
	// between 0 and min(Max, Base·2^(n-1)) ("full jitter").
	Base time.Duration // 50 ms
	Max  time.Duration // 2 s
	// Budget is how many retries all callers together may have in hand; a
	// success gives a tenth of one back. When a store is down, callers then
	// fail quickly instead of multiplying its load.
	Budget int // 100

	// Sleep waits, or returns the context's error. Tests inject one.
	Sleep func(context.Context, time.Duration) error
	// Random gives a number in [0, n). Tests inject one.
	Random func(n int64) int64
}

func (p RetryPolicy) withDefaults() RetryPolicy {
	p.Attempts = orDefault(p.Attempts, 4)
	p.Base = orDefault(p.Base, 50*time.Millisecond)
	p.Max = orDefault(p.Max, 2*time.Second)
	p.Budget = orDefault(p.Budget, 100)
	if p.Sleep == nil {
		p.Sleep = sleep
	}
	if p.Random == nil {
		p.Random = rand.Int64N
	}
	return p
}

func orDefault[T int | time.Duration](v, otherwise T) T {
	if v <= 0 {
		return otherwise
	}
	return v
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Retry repeats what failed with kind Busy, and nothing else: what is missing,
// changed, denied or wrong stays so.
//
// A write is repeated only when its body can be rewound (see Rewinder). A
// conditional write is repeated only when the store refused it before doing
// anything: after a lost answer, the second attempt would fail because of the
// first one's success. A walk goes on after the last key it gave. A stream is
// opened again, but not resumed.
func Retry(d Driver, policy RetryPolicy) Driver {
	policy = policy.withDefaults()
	return &retrying{layer: layer{d}, policy: policy, tenths: policy.Budget * 10}
}

type retrying struct {
	layer
	policy RetryPolicy

	mu     sync.Mutex // guards tenths
	tenths int        // of retries that may still be made
}

// spend takes one retry from the budget, if there is one.
func (r *retrying) spend() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.tenths < 10 {
		return false
	}
	r.tenths -= 10
	return true
}

// earn gives a tenth of a retry back.
func (r *retrying) earn() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tenths = min(r.tenths+1, r.policy.Budget*10)
}

func isBusy(err error) bool { return fault.KindOf(err) == fault.Busy }

// isRefused tells a failure before which the store did nothing.
func isRefused(err error) bool {
	code := fault.CodeOf(err)
	return isBusy(err) && (code == "store-slow-down" || code == "store-conflict")
}

// do runs an operation until it succeeds, fails for good, or the attempts, the
// budget or the context are used up. The error is that of the last attempt.
func (r *retrying) do(ctx context.Context, again func(error) bool, attempt func() error) error {
	for n := 1; ; n++ {
		err := attempt()
		if err == nil {
			r.earn()
			return nil
		}
		if ctx.Err() != nil || !again(err) || n >= r.policy.Attempts || !r.spend() {
			return err
		}
		if r.policy.Sleep(ctx, r.pause(n)) != nil {
			return err
		}
	}
}

// pause is the time to wait after attempt n.
func (r *retrying) pause(n int) time.Duration {
	bound := r.policy.Max
	// Base·2^(n-1), without overflow.
	if n <= 32 && r.policy.Base<<(n-1) < bound && r.policy.Base<<(n-1) > 0 {
		bound = r.policy.Base << (n - 1)
	}
	return time.Duration(r.policy.Random(int64(bound) + 1))
}

// ReadRanges implements Driver. Of a batch, only what is missing is asked for
// again: a failure in one of 16 ranges must not cost 16.
func (r *retrying) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	var got collected
	missing := ranges
	err := r.do(ctx, isBusy, func() error {
		parts, err := r.Driver.ReadRanges(ctx, key, etag, missing)
		missing = got.add(ranges, parts, err)
		return err
	})
	if err != nil {
		return nil, err
	}
	return got.parts, nil
}

// collected gathers the ranges of a batch from several attempts.
type collected struct {
	parts   [][]byte
	numbers []int // of the ranges that the next attempt is for; nil: all
}

// add takes what an attempt got, and gives what is still missing.
func (c *collected) add(ranges []source.Range, parts [][]byte, err error) (missing []source.Range) {
	if c.parts == nil && err == nil { // nearly always
		c.parts = parts
		return nil
	}
	if c.numbers == nil {
		c.parts, c.numbers = make([][]byte, len(ranges)), make([]int, len(ranges))
		for i := range c.numbers {
			c.numbers[i] = i
		}
	}
	var still []int
	for i, n := range c.numbers {
		if i < len(parts) && parts[i] != nil {
			c.parts[n] = parts[i]
			continue
		}
		still = append(still, n)
		missing = append(missing, ranges[n])
	}
	c.numbers = still
	return missing
}

// ReadPrefix implements Driver.
func (r *retrying) ReadPrefix(ctx context.Context, key string, max int64) (data []byte, o Object, err error) {
	err = r.do(ctx, isBusy, func() error {
		data, o, err = r.Driver.ReadPrefix(ctx, key, max)
		return err
	})
	return data, o, err
}

// Reader implements Driver.
func (r *retrying) Reader(ctx context.Context, key, etag string) (body io.ReadCloser, err error) {
	err = r.do(ctx, isBusy, func() error {
		body, err = r.Driver.Reader(ctx, key, etag)
		return err
	})
	return body, err
}

// Stream implements Driver.
func (r *retrying) Stream(ctx context.Context, key, etag string, part source.Range) (body io.ReadCloser, err error) {
	err = r.do(ctx, isBusy, func() error {
		body, err = r.Driver.Stream(ctx, key, etag, part)
		return err
	})
	return body, err
}

// Stat implements Driver.
func (r *retrying) Stat(ctx context.Context, key string) (o Object, err error) {
	err = r.do(ctx, isBusy, func() error {
		o, err = r.Driver.Stat(ctx, key)
		return err
	})
	return o, err
}

// Put implements Driver.
func (r *retrying) Put(ctx context.Context, key string, body io.Reader, size int64, options PutOptions) (o Object, err error) {
	rewinder, ok := body.(Rewinder)
	again := func(err error) bool {
		return ok && mayRepeat(options)(err) && rewinder.Rewind() == nil
	}
	err = r.do(ctx, again, func() error {
		o, err = r.Driver.Put(ctx, key, body, size, options)
		return err
	})
	return o, err
}

// mayRepeat tells after which failures a write may be repeated.
func mayRepeat(options PutOptions) func(error) bool {
	if options.OnlyIfAbsent || options.OnlyIfETag != "" {
		return isRefused
	}
	return isBusy
}

// CopyFrom implements Copier.
func (r *retrying) CopyFrom(ctx context.Context, from Driver, o Object, key string, options PutOptions) (copied Object, ok bool, err error) {
	err = r.do(ctx, mayRepeat(options), func() error {
		copied, ok, err = r.layer.CopyFrom(ctx, from, o, key, options)
		return err
	})
	return copied, ok, err
}

// Delete implements Driver.
func (r *retrying) Delete(ctx context.Context, keys []string) error {
	return r.do(ctx, isBusy, func() error { return r.Driver.Delete(ctx, keys) })
}

// List implements Driver.
func (r *retrying) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	walk := func() iter.Seq2[Object, error] { return r.Driver.List(ctx, prefix) }
	return resumed(ctx, r, walk, func(o Object) string { return o.Key })
}

// Folders implements Driver.
func (r *retrying) Folders(ctx context.Context, prefix string) iter.Seq2[string, error] {
	walk := func() iter.Seq2[string, error] { return r.Driver.Folders(ctx, prefix) }
	// Folders come in the order of the keys below them.
	return resumed(ctx, r, walk, func(name string) string { return name + "/" })
}

// resumed starts a walk that failed anew and leaves out what it gave already.
func resumed[T any](ctx context.Context, r *retrying, walk func() iter.Seq2[T, error], keyOf func(T) string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		last := ""
		err := r.do(ctx, isBusy, func() error {
			for v, err := range walk() {
				if err != nil {
					return err
				}
				if keyOf(v) <= last {
					continue
				}
				last = keyOf(v)
				if !yield(v, nil) {
					return nil
				}
			}
			return nil
		})
		if err != nil {
			var none T
			yield(none, err)
		}
	}
}
