package archive

import (
	"context"
	"errors"
	"io"

	"github.com/pims-cloud/pims/fault"
)

// bound counts what an archive unpacks to.
type bound struct {
	ctx    context.Context // of the walk that it belongs to
	limits Limits
	most   int64
	bytes  int64
	files  int
}

func (b *bound) count() error {
	if b.files++; b.files > b.limits.Files {
		return fault.New(fault.TooLarge, "archive-files", "the archive holds more than %d files", b.limits.Files)
	}
	return nil
}

// body is a reader whose bytes are counted.
func (b *bound) body(r io.Reader) io.Reader { return &counted{b, faulty{r}} }

type counted struct {
	b *bound
	r io.Reader
}

func (c *counted) Read(p []byte) (int, error) {
	if err := c.b.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := c.r.Read(p)
	if c.b.bytes += int64(n); c.b.bytes > c.b.most {
		return 0, fault.New(fault.TooLarge, "archive-bomb",
			"the archive unpacks to more than %d bytes, which is more than %d times its size or more than is allowed at all", c.b.most, c.b.limits.Ratio)
	}
	return n, err
}

// faulty gives the errors of decompressors a kind.
type faulty struct{ io.Reader }

func (f faulty) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	if err == nil || errors.Is(err, io.EOF) {
		return n, err
	}
	return n, damaged(err)
}
