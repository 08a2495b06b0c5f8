// Package source is what formats read slides from: ranges of one or several
// immutable byte sequences, wherever they lie. It knows no cloud, no
// credentials and no file system.
package source

import (
	"context"
)

// Range is Length bytes starting at byte Offset.
type Range struct {
	Offset int64
	Length int64
}

// End is the offset after the last byte.
func (r Range) End() int64 { return r.Offset + r.Length }

// Reader reads one version of one byte sequence. It is safe for concurrent use.
type Reader interface {
	// ReadRanges returns the bytes of every range, in order, each slice exactly
	// Range.Length long and owned by the caller. One call is one batch: merging
	// neighbours, parallelism and retries are the implementation's business.
	//
	// A range that is negative, empty or reaches past Size is an error of kind
	// Invalid. When the sequence no longer has Version, the error's kind is
	// Changed and no bytes are returned.
	ReadRanges(ctx context.Context, ranges []Range) ([][]byte, error)
	// Size is the length of the sequence in bytes.
	Size() int64
	// Version changes when the bytes do (an ETag, a generation, a digest).
	Version() string
}

// Bundle is the set of named byte sequences that one slide may consist of.
// It is safe for concurrent use.
type Bundle interface {
	// Main is the name of the sequence that was given to be opened. For a
	// single-file slide it is the only name that matters.
	Main() string
	// Names lists every sequence, sorted, with "/" as separator.
	Names(ctx context.Context) ([]string, error)
	// Open gives a reader of one sequence; kind NotFound when it is not there.
	Open(ctx context.Context, name string) (Reader, error)
}
