package local

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/pims-cloud/pims/fault"
)

// The journal is text, so that an operator can read it: one record a line,
// eight hex digits of the CRC-32C of the JSON that follows after one space.
// A line that was not written whole has no newline or a wrong CRC.

const (
	journalName = "journal.log"
	// maxRecordBytes bounds what one line may claim when it is read back. A
	// body of MaxBodyBytes grows by a third in base64.
	maxRecordBytes = 2 * MaxBodyBytes
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// The operations of a record.
const (
	opSend    = "send"    // the message exists
	opDeliver = "deliver" // it was handed out once more
	opAck     = "ack"     // it is done
	opBury    = "bury"    // it is a dead letter
	opRevive  = "revive"  // a dead letter waits again, its attempts forgotten
)

// record is one line of the journal.
type record struct {
	Op      string    `json:"op"`
	ID      string    `json:"id"`
	At      time.Time `json:"at,omitzero"`
	Body    []byte    `json:"body,omitempty"`
	Attempt int       `json:"attempt,omitempty"`
	Reason  string    `json:"reason,omitempty"`
}

// encode gives the record's line with its newline.
func (r record) encode() ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, fmt.Errorf("encoding a journal record: %w", err)
	}
	line := make([]byte, 0, len(text)+10)
	line = fmt.Appendf(line, "%08x ", crc32.Checksum(text, castagnoli))
	line = append(line, text...)
	return append(line, '\n'), nil
}

// decode is the reverse of encode, without the newline; false when the line is
// not a whole record.
func decode(line []byte) (record, bool) {
	var r record
	if len(line) < 10 || line[8] != ' ' {
		return r, false
	}
	var sum [4]byte
	if _, err := hex.Decode(sum[:], line[:8]); err != nil {
		return r, false
	}
	text := line[9:]
	want := uint32(sum[0])<<24 | uint32(sum[1])<<16 | uint32(sum[2])<<8 | uint32(sum[3])
	if crc32.Checksum(text, castagnoli) != want {
		return r, false
	}
	if err := json.Unmarshal(text, &r); err != nil || r.Op == "" || r.ID == "" {
		return r, false
	}
	return r, true
}

// replayed says how the reading of a journal went.
type replayed struct {
	goodBytes int64 // length up to the end of the last whole record
	damaged   int   // broken lines that whole records follow: not a torn tail
}

// replay gives every whole record to apply, in order. Lines that are broken
// are stepped over: one of them at the end is the tail of a write that a crash
// cut short, one before the end is damage of the medium.
func replay(r io.Reader, apply func(record)) (replayed, error) {
	var out replayed
	var at int64
	var pending int
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		line, n, err := readLine(in)
		at += n
		if rec, ok := decode(line); ok && err == nil {
			apply(rec)
			out.goodBytes = at
			out.damaged += pending
			pending = 0
		} else if n > 0 {
			pending++
		}
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return out, fmt.Errorf("reading the journal: %w", err)
		}
	}
}

// readLine gives the next line without its newline and how many bytes it took.
// Of a line over maxRecordBytes only the start is kept, which fails its CRC.
// err is io.EOF when no newline ends it.
func readLine(in *bufio.Reader) (line []byte, n int64, err error) {
	for {
		part, err := in.ReadSlice('\n')
		n += int64(len(part))
		if len(line) < maxRecordBytes {
			line = append(line, part...)
		}
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		return bytes.TrimSuffix(line, []byte{'\n'}), n, err
	}
}

// journal appends records to one file. It is not safe for concurrent use;
// the queue's lock guards it, except sync, which may run beside append.
type journal struct {
	dir  string
	file *os.File
	size int64 // up to the end of the last whole record
}

// openJournal replays the journal of a folder and opens it for appending, the
// torn tail cut off. A journal that is damaged inside is copied aside first,
// so that nothing is lost by repairing it.
func openJournal(dir string, apply func(record)) (*journal, replayed, error) {
	path := filepath.Join(dir, journalName)
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, replayed{}, unusable(dir, err)
	}
	state, err := replay(file, apply)
	if err == nil && state.damaged > 0 {
		err = keepAside(file, path)
	}
	if err == nil {
		err = file.Truncate(state.goodBytes)
	}
	if err == nil {
		_, err = file.Seek(state.goodBytes, io.SeekStart)
	}
	if err == nil {
		err = syncFolder(dir)
	}
	if err != nil {
		file.Close()
		return nil, state, unusable(dir, err)
	}
	return &journal{dir: dir, file: file, size: state.goodBytes}, state, nil
}

// append writes one record, or nothing: what a failed write left behind is cut
// off again, because records after it would be lost at the next opening.
func (j *journal) append(r record) error {
	line, err := r.encode()
	if err != nil {
		return err
	}
	if _, err := j.file.WriteAt(line, j.size); err != nil {
		return errors.Join(unusable(j.dir, err), j.file.Truncate(j.size))
	}
	j.size += int64(len(line))
	return nil
}

// rewrite replaces the journal by one that holds just these records, whole or
// not at all.
func (j *journal) rewrite(records []record) error {
	tmp, err := os.CreateTemp(j.dir, journalName+".*.tmp")
	if err != nil {
		return unusable(j.dir, err)
	}
	size, err := writeAll(tmp, records)
	if err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(j.dir, journalName))
	}
	if err != nil {
		_, _ = tmp.Close(), os.Remove(tmp.Name()) // the journal itself is untouched
		return unusable(j.dir, err)
	}
	old := j.file
	j.file, j.size = tmp, size
	old.Close()
	return syncFolder(j.dir)
}

// writeAll writes and syncs records from the start of a file.
func writeAll(file *os.File, records []record) (int64, error) {
	out := bufio.NewWriterSize(file, 64<<10)
	var size int64
	for _, r := range records {
		line, err := r.encode()
		if err != nil {
			return 0, err
		}
		size += int64(len(line))
		if _, err := out.Write(line); err != nil {
			return 0, err
		}
	}
	if err := out.Flush(); err != nil {
		return 0, err
	}
	return size, file.Sync()
}

// keepAside copies a damaged journal to a name that is not taken.
func keepAside(file *os.File, path string) error {
	if _, err := file.Seek(0, io.SeekStart); err != nil {
		return err
	}
	aside, err := os.CreateTemp(filepath.Dir(path), "journal.damaged-*.log")
	if err != nil {
		return err
	}
	_, err = io.Copy(aside, file)
	return errors.Join(err, aside.Sync(), aside.Close())
}

// syncFolder makes a rename or a new file durable.
func syncFolder(dir string) error {
	folder, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(folder.Sync(), folder.Close())
}

func unusable(dir string, cause error) error {
	return fault.New(fault.Internal, "queue-journal-unusable",
		"the journal of the import queue in %s cannot be used; check the folder's free space and rights", dir).Because(cause)
}
