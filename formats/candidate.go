package formats

import (
	"context"
	"sync"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// HeaderBytes is how much of the beginning of a file every format may look at
// for free. All signatures of pims-api §5.2 lie in the first 262 bytes.
const HeaderBytes = 4096

// Candidate is a file whose format is asked for. What several formats need (the
// first bytes, the TIFF structure) is read once and shared. It is safe for
// concurrent use.
type Candidate struct {
	bundle source.Bundle
	reader source.Reader // nil when the bundle has no main sequence
	header []byte

	mu      sync.Mutex // guards parsed
	parsed  bool
	file    *tiff.File
	fileErr error
}

// NewCandidate opens the bundle's main sequence and reads its first
// HeaderBytes bytes, or all of a shorter one. A bundle without a main sequence
// (a folder of files) gives a Candidate with no Reader and no Header.
// Errors are those of the bundle and of its reader.
func NewCandidate(ctx context.Context, bundle source.Bundle) (*Candidate, error) {
	c := &Candidate{bundle: bundle}
	if bundle.Main() == "" {
		return c, nil
	}
	reader, err := bundle.Open(ctx, bundle.Main())
	if err != nil {
		return nil, err
	}
	c.reader = reader
	length := min(reader.Size(), HeaderBytes)
	if length <= 0 {
		return c, nil
	}
	parts, err := reader.ReadRanges(ctx, []source.Range{{Offset: 0, Length: length}})
	if err != nil {
		return nil, err
	}
	c.header = parts[0]
	return c, nil
}

// Bundle is what was given to NewCandidate.
func (c *Candidate) Bundle() source.Bundle { return c.bundle }

// Reader reads the main sequence; nil when the bundle has none.
func (c *Candidate) Reader() source.Reader { return c.reader }

// Header is the beginning of the main sequence, shorter than HeaderBytes only
// when the sequence is. It must not be changed.
func (c *Candidate) Header() []byte { return c.header }

// TIFF is the structure of the main sequence as TIFF, parsed by the first call
// that got through to the bytes; later calls share it. Kind Unsupported when
// it does not begin like a TIFF (that costs no read), Corrupt or TooLarge when
// its header or first directory cannot be believed; errors of the source are
// returned as they are and the next call tries again.
func (c *Candidate) TIFF(ctx context.Context) (*tiff.File, error) {
	if !looksLikeTIFF(c.header) {
		return nil, fault.New(fault.Unsupported, "not-a-tiff", "the file does not begin like a TIFF")
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.parsed {
		return c.file, c.fileErr
	}
	file, err := tiff.Open(ctx, c.reader, tiff.Limits{})
	if err != nil && !Structural(err) {
		return nil, err
	}
	c.parsed, c.file, c.fileErr = true, file, err
	return file, err
}

// Structural reports whether an error speaks of what a file contains, and not
// of whether it could be read. A Probe that meets a structural error answers
// "no"; any other error it must return.
func Structural(err error) bool {
	switch fault.KindOf(err) {
	case fault.Corrupt, fault.Unsupported, fault.TooLarge:
		return true
	default:
		return false
	}
}
