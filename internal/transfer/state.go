package transfer

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// state is the file that holds the id of an upload under way: one for each
// server and version of a file. The zero value keeps nothing.
type state struct{ path string }

func stateOf(folder, server, file string, info fs.FileInfo) state {
	if folder == "" {
		return state{}
	}
	if absolute, err := filepath.Abs(file); err == nil {
		file = absolute
	}
	sum := sha256.Sum256([]byte(server + "\x00" + file + "\x00" + strconv.FormatInt(info.Size(), 10) + "\x00" + info.ModTime().UTC().String()))
	return state{filepath.Join(folder, hex.EncodeToString(sum[:16])+".json")}
}

type stored struct {
	ID string `json:"id"`
}

// read gives the id, or "".
func (s state) read() string {
	if s.path == "" {
		return ""
	}
	text, err := os.ReadFile(s.path)
	if err != nil {
		return ""
	}
	var v stored
	if json.Unmarshal(text, &v) != nil {
		return ""
	}
	return v.ID
}

// write keeps the id, readable by this user alone: who has it may abort the
// upload where access is not restricted.
func (s state) write(id string) error {
	if s.path == "" {
		return nil
	}
	text, err := json.Marshal(stored{ID: id})
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(s.path), 0o700); err != nil {
		return err
	}
	return os.WriteFile(s.path, text, 0o600)
}

// remove forgets the id. A file that stays names an upload that is over, which
// the next one finds out.
func (s state) remove() {
	if s.path != "" {
		_ = os.Remove(s.path)
	}
}
