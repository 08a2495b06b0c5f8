//go:build unix

package local

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/pims-cloud/pims/fault"
)

const lockName = "lock"

// lock takes the folder for this process. The kernel gives it up when the
// process ends, however it ends; the pid inside is for people.
func lock(dir string) (*os.File, error) {
	path := filepath.Join(dir, lockName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, unusable(dir, err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		holder := readHolder(file)
		file.Close()
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, unusable(dir, err)
		}
		return nil, fault.New(fault.Busy, "queue-locked",
			"the import queue in %s is in use by %s (lock file %s); stop it or set QUEUE_URL to another folder", dir, holder, path)
	}
	pid := strconv.Itoa(os.Getpid()) + "\n"
	err = file.Truncate(0)
	if err == nil {
		_, err = file.WriteAt([]byte(pid), 0)
	}
	if err != nil {
		file.Close()
		return nil, unusable(dir, err)
	}
	return file, nil
}

// readHolder names the process that holds the lock.
func readHolder(file *os.File) string {
	text := make([]byte, 20)
	n, _ := file.ReadAt(text, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(text[:n])))
	if err != nil {
		return "another process"
	}
	return "process " + strconv.Itoa(pid)
}
