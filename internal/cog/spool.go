package cog

import (
	"os"
	"sync/atomic"

	"github.com/pims-cloud/pims/fault"
)

// spool keeps encoded tiles until the file is laid out. It is safe for
// concurrent use.
type spool struct {
	file *os.File
	end  atomic.Int64
}

// newSpool makes a file that has no name, so that nothing is left over however
// the process ends.
func newSpool(dir string) (*spool, error) {
	f, err := os.CreateTemp(dir, "pims-convert-*")
	if err != nil {
		return nil, spoolFault(err)
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, spoolFault(err)
	}
	return &spool{file: f}, nil
}

func spoolFault(cause error) error {
	return fault.New(fault.Internal, "convert-spool",
		"the temporary file of the conversion cannot be used; is there space in the folder that TMPDIR names?").Because(cause)
}

// put stores bytes and gives where they are.
func (s *spool) put(b []byte) (int64, error) {
	at := s.end.Add(int64(len(b))) - int64(len(b))
	if _, err := s.file.WriteAt(b, at); err != nil {
		return 0, spoolFault(err)
	}
	return at, nil
}

// get reads back what put stored.
func (s *spool) get(at, length int64) ([]byte, error) {
	b := make([]byte, length)
	if _, err := s.file.ReadAt(b, at); err != nil {
		return nil, spoolFault(err)
	}
	return b, nil
}

func (s *spool) close() error { return s.file.Close() }
