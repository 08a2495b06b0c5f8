package cache

import (
	"testing"
	"time"
)

// clock is a time that moves when it is told to.
type clock struct{ at time.Time }

func (c *clock) now() time.Time { return c.at }

func TestBreakerOpensAfterFailuresInARow(t *testing.T) {
	c := &clock{}
	b := breaker{now: c.now}
	for i := range failuresToOpen - 1 {
		if b.failed(false) {
			t.Fatalf("open after %d failures", i+1)
		}
	}
	b.succeeded() // ends the row
	for range failuresToOpen - 1 {
		b.failed(false)
	}
	if b.ask() != pass {
		t.Fatal("failures that are not in a row opened it")
	}
	if !b.failed(false) || b.ask() != refuse {
		t.Fatal("it did not open, or did not say so")
	}
}

func TestBreakerTriesAfterEachPauseAndCloses(t *testing.T) {
	c := &clock{}
	b := breaker{now: c.now}
	if !b.failed(true) {
		t.Fatal("a proof did not open it")
	}
	pause := firstPause
	for range 10 {
		c.at = c.at.Add(pause - 1)
		if b.ask() != refuse {
			t.Fatalf("a trial before the pause of %s is over", pause)
		}
		c.at = c.at.Add(1)
		if b.ask() != try {
			t.Fatalf("no trial after %s", pause)
		}
		if b.ask() != refuse {
			t.Fatal("two trials at once")
		}
		if b.failed(true) {
			t.Fatal("a failed trial is no new outage")
		}
		pause = min(2*pause, longestPause)
	}
	c.at = c.at.Add(pause)
	if b.ask() != try {
		t.Fatal("it gave up trying")
	}
	closed, outage := b.succeeded()
	if !closed || outage != c.at.Sub(time.Time{}) || b.ask() != pass {
		t.Errorf("after a trial that succeeded: closed %t, outage %s", closed, outage)
	}
	if closed, _ := b.succeeded(); closed {
		t.Error("it closed twice")
	}
}
