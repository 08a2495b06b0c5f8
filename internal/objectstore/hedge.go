package objectstore

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/source"
)

// HedgePolicy says when a read that has not been answered is asked for a second
// time. The zero value never does.
type HedgePolicy struct {
	// After is the time to wait; 0 means that Percentile decides.
	After time.Duration
	// Percentile of the recent reads' times, in (0, 1), is the time to wait: with
	// 0.95, one read in twenty is slow enough.
	Percentile float64
	// Share bounds how many second reads there are for one read; 0 means 0.05.
	Share float64

	// Now tells the time and AfterFunc is time.AfterFunc. Tests inject both.
	Now       func() time.Time
	AfterFunc func(time.Duration, func()) Timer
}

// Timer is what AfterFunc gives; *time.Timer is one.
type Timer interface {
	// Stop reports whether it kept the function from being started.
	Stop() bool
}

// ParseHedge reads a duration ("80ms"), a percentile ("p95") or "" for none.
func ParseHedge(s string) (HedgePolicy, error) {
	if s == "" {
		return HedgePolicy{}, nil
	}
	if percent, ok := strings.CutPrefix(s, "p"); ok {
		if n, err := strconv.ParseFloat(percent, 64); err == nil && n >= 50 && n < 100 {
			return HedgePolicy{Percentile: n / 100}, nil
		}
	}
	if after, err := time.ParseDuration(s); err == nil && after >= leastHedgeDelay {
		return HedgePolicy{After: after}, nil
	}
	return HedgePolicy{}, fault.New(fault.Invalid, "config-value",
		"STORE_HEDGE_AFTER is %q; expected a time of at least 1ms such as 80ms, a percentile from p50 to below p100 such as p95, or nothing.", s)
}

const (
	// hedgeBytes is the largest range that is hedged: longer ones take their
	// time for their bytes, of which twice as many would only slow them down.
	hedgeBytes = 1 << 20
	// hedgeWindow is how many recent reads a percentile is of, and hedgeLeast
	// how many are needed before there is one.
	hedgeWindow, hedgeLeast = 512, 64
	// hedgeBurst bounds how many second reads may be saved up.
	hedgeBurst      = 8
	leastHedgeDelay = time.Millisecond
)

// Hedge starts a second, identical read when the first has not been answered for
// a while; the first answer counts and the other read is cancelled. Only pinned
// ranges and prefixes of at most 1 MiB are hedged: each is one request to the
// store, and does nothing. Ranges of a batch are hedged each by itself.
func Hedge(d Driver, policy HedgePolicy) *Hedged {
	if policy.Share <= 0 {
		policy.Share = 0.05
	}
	if policy.Now == nil {
		policy.Now = time.Now
	}
	if policy.AfterFunc == nil {
		policy.AfterFunc = func(d time.Duration, f func()) Timer { return time.AfterFunc(d, f) }
	}
	return &Hedged{layer: layer{d}, policy: policy}
}

// Hedged is a driver that hedges reads.
type Hedged struct {
	layer
	policy HedgePolicy
	// Started counts second reads, and Won those that answered first.
	Started, Won atomic.Int64

	mu      sync.Mutex // guards the rest
	saved   float64    // second reads that may be started
	recent  []time.Duration
	next    int           // where in recent the next time goes
	pending int           // times since the percentile was calculated
	delay   time.Duration // the percentile; 0 until there is one
}

// ReadRanges implements Driver.
func (h *Hedged) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	for _, r := range ranges {
		if etag == "" || r.Length > hedgeBytes {
			return h.Driver.ReadRanges(ctx, key, etag, ranges)
		}
	}
	if len(ranges) == 1 {
		return race(ctx, h, func(ctx context.Context) ([][]byte, error) {
			return h.Driver.ReadRanges(ctx, key, etag, ranges)
		})
	}
	out := make([][]byte, len(ranges))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(BatchReads)
	for i := range ranges {
		group.Go(func() error {
			part, err := race(groupCtx, h, func(ctx context.Context) ([][]byte, error) {
				return h.Driver.ReadRanges(ctx, key, etag, ranges[i:i+1])
			})
			if err == nil {
				out[i] = part[0]
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

// prefixRead is what ReadPrefix gives.
type prefixRead struct {
	data   []byte
	object Object
}

// ReadPrefix implements Driver.
func (h *Hedged) ReadPrefix(ctx context.Context, key string, max int64) ([]byte, Object, error) {
	if max > hedgeBytes {
		return h.Driver.ReadPrefix(ctx, key, max)
	}
	got, err := race(ctx, h, func(ctx context.Context) (p prefixRead, err error) {
		p.data, p.object, err = h.Driver.ReadPrefix(ctx, key, max)
		return p, err
	})
	return got.data, got.object, err
}

// race runs read, and once more when it takes long. The loser is cancelled and
// not waited for: its result goes into a channel that nobody empties.
func race[T any](ctx context.Context, h *Hedged, read func(context.Context) (T, error)) (T, error) {
	begun := h.policy.Now()
	delay, ok := h.begin()
	if !ok {
		value, err := read(ctx)
		h.end(begun, err)
		return value, err
	}
	raceCtx, end := context.WithCancel(ctx)
	defer end()
	firstCtx, endFirst := context.WithCancel(raceCtx)
	defer endFirst()
	type result struct {
		value T
		err   error
		won   bool
	}
	second := make(chan result, 1)
	timer := h.policy.AfterFunc(delay, func() {
		var r result
		if h.spend() {
			r.value, r.err = read(raceCtx)
			r.won = r.err == nil
		}
		second <- r
		if r.won {
			endFirst()
		}
	})
	value, err := read(firstCtx)
	// What is missing or changed is an answer. What is busy, or was cancelled by
	// the second read's success, may have one there.
	if !timer.Stop() && err != nil && ctx.Err() == nil && (isBusy(err) || firstCtx.Err() != nil) {
		if r := <-second; r.won {
			h.Won.Add(1)
			value, err = r.value, nil
		}
	}
	h.end(begun, err)
	return value, err
}

// begin counts a read in; ok is false while there is no time to hedge after.
func (h *Hedged) begin() (delay time.Duration, ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.saved = min(h.saved+h.policy.Share, hedgeBurst)
	delay = h.policy.After
	if delay == 0 {
		delay = h.delay
	}
	return max(delay, leastHedgeDelay), delay > 0
}

// spend takes one second read from what was saved up, if there is one.
func (h *Hedged) spend() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.saved < 1 {
		return false
	}
	h.saved--
	h.Started.Add(1)
	return true
}

// end remembers how long a read took. Of a hedged one that is less than its
// first try would have needed, and still more than the delay, which is all that
// a percentile needs to know.
func (h *Hedged) end(begun time.Time, err error) {
	if err != nil || h.policy.After > 0 {
		return
	}
	took := h.policy.Now().Sub(begun)
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.recent) < hedgeWindow {
		h.recent = append(h.recent, took)
	} else {
		h.recent[h.next] = took
		h.next = (h.next + 1) % hedgeWindow
	}
	if h.pending++; len(h.recent) < hedgeLeast || h.delay > 0 && h.pending < hedgeLeast/2 {
		return
	}
	h.pending = 0
	sorted := slices.Sorted(slices.Values(h.recent))
	h.delay = sorted[int(h.policy.Percentile*float64(len(sorted)))]
}
