package slidegen

import (
	"io"

	"github.com/pims-cloud/pims/fault"
)

// memoryFile is an io.WriteSeeker in memory, for small files.
type memoryFile struct {
	bytes []byte
	at    int
}

func (m *memoryFile) Write(b []byte) (int, error) {
	if grow := m.at + len(b) - len(m.bytes); grow > 0 {
		m.bytes = append(m.bytes, make([]byte, grow)...)
	}
	m.at += copy(m.bytes[m.at:], b)
	return len(b), nil
}

func (m *memoryFile) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += int64(m.at)
	case io.SeekEnd:
		offset += int64(len(m.bytes))
	}
	if offset < 0 || offset > int64(len(m.bytes)) {
		return 0, fault.New(fault.Internal, "slidegen-seek", "Seek to %d in a file of %d bytes.", offset, len(m.bytes))
	}
	m.at = int(offset)
	return offset, nil
}
