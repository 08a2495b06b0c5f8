//go:build !linux

package dir

import (
	"errors"
	"io/fs"
	"os"
)

// linkInto is not available here; the bytes are copied.
func linkInto(*os.File, string, *os.File) error { return errors.ErrUnsupported }

func onlyName(fs.FileInfo) bool { return false }
