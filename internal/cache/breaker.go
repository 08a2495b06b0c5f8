package cache

import (
	"sync"
	"time"
)

// The breaker's numbers: so many failures in a row open it; an open one is
// tried again after the pause, which doubles with every trial that fails.
const (
	failuresToOpen = 5
	firstPause     = 500 * time.Millisecond
	longestPause   = 30 * time.Second
)

// breaker keeps requests from waiting for something that is down. Closed, it
// lets everything pass. After failuresToOpen failures in a row it is open:
// nothing passes, but for one trial after each pause, and the first trial that
// succeeds closes it. It is safe for concurrent use.
type breaker struct {
	now func() time.Time

	mu       sync.Mutex // guards all below
	failures int        // in a row
	open     bool
	since    time.Time // when it opened
	next     time.Time // when the next trial may start
	pause    time.Duration
}

// verdict is what the breaker says to somebody who wants to pass.
type verdict uint8

const (
	pass   verdict = iota
	refuse         // it is open
	try            // it is open, and the caller shall make the trial
)

// ask tells whether to go ahead. Of all who ask after a pause, one is told to try.
func (b *breaker) ask() verdict {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.open {
		return pass
	}
	now := b.now()
	if now.Before(b.next) {
		return refuse
	}
	// Until the trial's outcome is known nobody else shall try; should it never
	// be told, the next pause allows another.
	b.next = now.Add(b.pause)
	return try
}

// succeeded closes the breaker. closed tells that it was open, and for how long.
func (b *breaker) succeeded() (closed bool, outage time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures = 0
	if !b.open {
		return false, 0
	}
	b.open = false
	return true, b.now().Sub(b.since)
}

// failed counts a failure of weight 1, or one that is proof enough alone.
// opened tells that the breaker opened by it.
func (b *breaker) failed(proof bool) (opened bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	if b.open {
		b.pause = min(2*b.pause, longestPause)
		b.next = now.Add(b.pause)
		return false
	}
	b.failures++
	if b.failures < failuresToOpen && !proof {
		return false
	}
	b.open, b.since, b.failures = true, now, 0
	b.pause = firstPause
	b.next = now.Add(b.pause)
	return true
}
