package formatstest

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/source"
)

// File is the bytes of one slide under a name of its own.
type File struct {
	Name string
	Data []byte
}

// Load reads a file of the file system; its Name is the base name.
func Load(t testing.TB, path string) File {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return File{Name: filepath.Base(path), Data: data}
}

// Folder reads all files of a folder, without those of its subfolders.
func Folder(t testing.TB, path string) []File {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	var files []File
	for _, entry := range entries {
		if entry.Type().IsRegular() {
			files = append(files, Load(t, filepath.Join(path, entry.Name())))
		}
	}
	return files
}

// Bundle is a source.Bundle over files in memory that records every read. It
// is safe for concurrent use. Make one with NewBundle.
type Bundle struct {
	files []File

	mu     sync.Mutex // guards what follows
	reads  []source.Range
	faults []string // reads that break the contract of source.Reader
	failAt int      // number of the read that fails, -1 for none
}

// NewBundle makes a bundle whose main sequence is the first file.
func NewBundle(files ...File) *Bundle { return &Bundle{files: files, failAt: -1} }

// FailAt makes read number n (from 0, counted since the last Reset) and all
// later ones fail with kind Busy.
func (b *Bundle) FailAt(n int) *Bundle {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failAt = n
	return b
}

// Reset forgets the reads recorded so far.
func (b *Bundle) Reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads = nil
}

// Reads are the ranges read since the last Reset.
func (b *Bundle) Reads() []source.Range {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.reads)
}

// Bytes is the sum of the lengths of Reads.
func (b *Bundle) Bytes() int64 {
	total := int64(0)
	for _, r := range b.Reads() {
		total += r.Length
	}
	return total
}

// Faults describes reads that a source.Reader refuses: empty, negative or
// beyond the end.
func (b *Bundle) Faults() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.faults)
}

// Main is the name of the first file.
func (b *Bundle) Main() string { return b.files[0].Name }

// Names are the names of all files.
func (b *Bundle) Names(context.Context) ([]string, error) {
	names := make([]string, len(b.files))
	for i, f := range b.files {
		names[i] = f.Name
	}
	slices.Sort(names)
	return names, nil
}

// Open gives a reader of one file.
func (b *Bundle) Open(_ context.Context, name string) (source.Reader, error) {
	for _, f := range b.files {
		if f.Name == name {
			return &reader{bundle: b, data: f.Data}, nil
		}
	}
	return nil, fault.New(fault.NotFound, "no-such-file", "the bundle has no file %q", name)
}

type reader struct {
	bundle *Bundle
	data   []byte
}

// Size implements source.Reader.
func (r *reader) Size() int64 { return int64(len(r.data)) }

// Version implements source.Reader.
func (r *reader) Version() string { return "1" }

// ReadRanges implements source.Reader.
func (r *reader) ReadRanges(ctx context.Context, ranges []source.Range) ([][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	out := make([][]byte, len(ranges))
	for i, want := range ranges {
		if err := r.admit(want); err != nil {
			return nil, err
		}
		out[i] = slices.Clone(r.data[want.Offset:want.End()])
	}
	return out, nil
}

// admit records a read and refuses it if it must be.
func (r *reader) admit(want source.Range) error {
	r.bundle.mu.Lock()
	defer r.bundle.mu.Unlock()
	if want.Offset < 0 || want.Length <= 0 || want.Offset > r.Size() || want.Length > r.Size()-want.Offset {
		err := fault.New(fault.Invalid, "range-outside", "%d bytes at byte %d were read of a file of %d bytes", want.Length, want.Offset, r.Size())
		r.bundle.faults = append(r.bundle.faults, err.Detail)
		return err
	}
	if r.bundle.failAt >= 0 && len(r.bundle.reads) >= r.bundle.failAt {
		return fault.New(fault.Busy, "made-to-fail", "this read was made to fail")
	}
	r.bundle.reads = append(r.bundle.reads, want)
	return nil
}
