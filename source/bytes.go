package source

import (
	"context"
	"slices"
)

// Bytes is a Reader of data in memory. It keeps data without copying it; the
// caller must not change it afterwards. Readers get copies.
func Bytes(version string, data []byte) Reader {
	return memory{version: version, data: data}
}

type memory struct {
	version string
	data    []byte
}

func (m memory) Size() int64     { return int64(len(m.data)) }
func (m memory) Version() string { return m.version }

func (m memory) ReadRanges(ctx context.Context, ranges []Range) ([][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := Check(m.Size(), ranges); err != nil {
		return nil, err
	}
	out := make([][]byte, len(ranges))
	for i, r := range ranges {
		out[i] = slices.Clone(m.data[r.Offset:r.End()])
	}
	return out, nil
}
