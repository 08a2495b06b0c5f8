package slide

import "time"

// Memo gives what make made of the slide's manifest the first time it was asked
// under this key, and keeps it as long as the slide stays open: what every
// request would work out again. Keys are few and constant; make may run more
// than once at the same time, and one result is kept.
func (s *Slide) Memo(key any, make func() any) any {
	if have, ok := s.memo.Load(key); ok {
		return have
	}
	have, _ := s.memo.LoadOrStore(key, make())
	return have
}

// Age is how long the slide has been open: how old its sidecar may be.
func (s *Slide) Age() time.Duration { return time.Since(s.opened) }
