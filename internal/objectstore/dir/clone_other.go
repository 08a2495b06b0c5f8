//go:build !linux

package dir

import (
	"errors"
	"os"
)

// clone is not available here; the bytes are copied.
func clone(_, _ *os.File) error { return errors.ErrUnsupported }
