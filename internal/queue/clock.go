package queue

import "time"

// Clock is the time that queues and their consumers go by. It is passed in so
// that tests move it by hand. It is safe for concurrent use.
type Clock interface {
	// Now is the present moment.
	Now() time.Time
	// At gives a channel that receives once, as soon as Now is not before t;
	// at once when that is already so. Naming the moment rather than a span
	// leaves no gap between reading the clock and waiting for it.
	At(t time.Time) <-chan time.Time
}

// SystemClock is the machine's clock.
type SystemClock struct{}

// Now is time.Now.
func (SystemClock) Now() time.Time { return time.Now() }

// At is a timer of the machine's monotonic clock.
func (SystemClock) At(t time.Time) <-chan time.Time { return time.After(time.Until(t)) }
