package timing

import (
	"slices"
	"sync"
	"time"
)

// maxRan bounds what is kept of one request: a large picture reads many tiles.
const maxRan = 200

// Ran is one step of one request.
type Ran struct {
	Step  Step
	Start time.Time
	Took  time.Duration
}

// String is the step as Server-Timing and traces name it.
func (s Step) String() string { return names[s] }

// Trace keeps when the steps of one request ran. It is safe for concurrent use:
// loads may outlive the request that began them.
type Trace struct {
	mu   sync.Mutex // guards what follows
	ran  []Ran
	more int
}

// Follow keeps the steps from now on. It must be called before the account is
// used by others.
func (s *Steps) Follow() *Trace {
	s.trace = &Trace{}
	return s.trace
}

func (t *Trace) add(r Ran) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.ran) == maxRan {
		t.more++
		return
	}
	t.ran = append(t.ran, r)
}

// Ran gives the steps that have ended, and how many were not kept.
func (t *Trace) Ran() (ran []Ran, more int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.ran), t.more
}
