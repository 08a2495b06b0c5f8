package queuetest

import (
	"sync"
	"time"
)

// Clock is a queue.Clock that stands still until it is moved.
type Clock struct {
	mu     sync.Mutex // guards the rest
	now    time.Time
	alarms []alarm
}

type alarm struct {
	at time.Time
	ch chan time.Time
}

// NewClock starts at an arbitrary moment.
func NewClock() *Clock {
	return &Clock{now: time.Date(2024, 2, 29, 12, 0, 0, 0, time.UTC)}
}

// Now is where the clock stands.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// At receives once the clock was moved to t or beyond.
func (c *Clock) At(t time.Time) <-chan time.Time {
	ch := make(chan time.Time, 1)
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.now.Before(t) {
		ch <- c.now
		return ch
	}
	c.alarms = append(c.alarms, alarm{t, ch})
	return ch
}

// Advance moves the clock and rings what is due.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	var waiting []alarm
	for _, a := range c.alarms {
		if c.now.Before(a.at) {
			waiting = append(waiting, a)
		} else {
			a.ch <- c.now
		}
	}
	c.alarms = waiting
}
