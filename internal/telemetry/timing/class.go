package timing

import "context"

// Class is what kind of work an answer took: latencies of different classes say
// nothing about each other.
type Class uint32

// The classes.
const (
	Other       Class = iota // everything that is no picture
	Hit                      // from a cache
	NotModified              // 304: the client has it
	Passthrough              // the source's own bytes
	Rendered                 // decoded, changed, encoded
	Refused                  // an error, the client's or ours
	classes
)

// Classes is how many there are.
const Classes = int(classes)

// String is the class as metrics and documents name it.
func (c Class) String() string {
	switch c {
	case Hit:
		return "hit"
	case NotModified:
		return "not-modified"
	case Passthrough:
		return "passthrough"
	case Rendered:
		return "render"
	case Refused:
		return "error"
	default:
		return "other"
	}
}

// Classify says what kind of picture the context's request is answered with.
func Classify(ctx context.Context, c Class) {
	if s := Of(ctx); s != nil {
		s.class.Store(uint32(c))
	}
}

// Class is what the request was answered with, as far as somebody said so.
func (s *Steps) Class() Class { return Class(s.class.Load()) }
