package local

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

// FuzzJournal opens any bytes as a journal: that never fails, and opening the
// result again finds the same messages with nothing left to repair.
func FuzzJournal(f *testing.F) {
	whole, err := record{Op: opSend, ID: "a", Body: []byte("body")}.encode()
	if err != nil {
		f.Fatal(err)
	}
	ack, err := record{Op: opAck, ID: "a"}.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte{})
	f.Add(whole)
	f.Add(append(bytes.Clone(whole), ack...))
	f.Add(append(bytes.Clone(whole), whole[:9]...))
	f.Add(bytes.Repeat([]byte("x"), 100))
	f.Fuzz(func(t *testing.T, journal []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, journalName), journal, 0o600); err != nil {
			t.Fatal(err)
		}
		first := newState()
		j, _, err := openJournal(dir, first.apply)
		if err != nil {
			t.Fatal(err)
		}
		if err := j.append(record{Op: opSend, ID: "after", Body: []byte("x")}); err != nil {
			t.Fatal(err)
		}
		j.file.Close()
		second := newState()
		j, state, err := openJournal(dir, second.apply)
		if err != nil {
			t.Fatal(err)
		}
		defer j.file.Close()
		if state.goodBytes != j.size || second.messages["after"] == nil || len(second.messages) < len(first.messages) {
			t.Errorf("%d messages before, %d after, state %+v", len(first.messages), len(second.messages), state)
		}
	})
}
