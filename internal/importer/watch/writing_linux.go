package watch

import (
	"errors"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// beingWritten tells whether any process has the file open for writing: the
// kernel grants a read lease only when none has (fcntl(2), F_SETLEASE). Where
// leases are not to be had (another owner, network file systems) the answer is
// no, and the time that a file stays the same must do.
func beingWritten(path string) bool {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	defer file.Close()
	_, err = unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	if err == nil {
		_, err = unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	}
	return errors.Is(err, syscall.EAGAIN)
}
