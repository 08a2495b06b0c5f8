package cache

import "fmt"

// panicked is the cause of an error that was a panic; the log prints its stack.
type panicked struct {
	failure any // what was given to panic
	stack   []byte
}

func (p *panicked) Error() string { return fmt.Sprintf("panic: %v\n%s", p.failure, p.stack) }
