package tiff

import (
	"container/list"
	"context"
	"sync"

	"github.com/pims-cloud/pims/source"
)

const (
	// blockBytes is the unit in which structure is read. Writers put a
	// directory's values next to it, so one block is usually one directory.
	blockBytes = 32 << 10
	// maxBlocks bounds the cache of one file to 2 MiB.
	maxBlocks = 64
	// directBytes is the length from which a read goes past the cache: long
	// arrays are read once, in parts that the caller chose.
	directBytes = 4 * blockBytes
)

// blocks reads small ranges through a cache of aligned blocks. It is safe for
// concurrent use; two callers that miss the same block may both read it.
type blocks struct {
	source source.Reader

	mu    sync.Mutex
	order *list.List              // of *block, most recently used first
	byNum map[int64]*list.Element // block number → element of order
}

type block struct {
	number int64
	bytes  []byte
}

func newBlocks(r source.Reader) *blocks {
	return &blocks{source: r, order: list.New(), byNum: make(map[int64]*list.Element)}
}

// read returns length bytes at offset, owned by the caller. The range must lie
// inside the source; callers have checked that.
func (b *blocks) read(ctx context.Context, offset, length int64) ([]byte, error) {
	if length == 0 {
		return nil, nil
	}
	if length >= directBytes {
		got, err := b.source.ReadRanges(ctx, []source.Range{{Offset: offset, Length: length}})
		if err != nil {
			return nil, err
		}
		return got[0], nil
	}
	first, last := offset/blockBytes, (offset+length-1)/blockBytes
	held, missing := b.lookup(first, last)
	if len(missing) > 0 {
		if err := b.fetch(ctx, missing, held); err != nil {
			return nil, err
		}
	}
	out := make([]byte, 0, length)
	for n := first; n <= last; n++ {
		bytes := held[n]
		from := max(offset-n*blockBytes, 0)
		to := min(offset+length-n*blockBytes, int64(len(bytes)))
		out = append(out, bytes[from:to]...)
	}
	return out, nil
}

// lookup gives the cached blocks from first to last, and the numbers of those
// that are not cached.
func (b *blocks) lookup(first, last int64) (held map[int64][]byte, missing []int64) {
	held = make(map[int64][]byte, last-first+1)
	b.mu.Lock()
	defer b.mu.Unlock()
	for n := first; n <= last; n++ {
		element, ok := b.byNum[n]
		if !ok {
			missing = append(missing, n)
			continue
		}
		b.order.MoveToFront(element)
		held[n] = element.Value.(*block).bytes
	}
	return held, missing
}

// fetch reads the missing blocks in one batch, neighbours as one range, and
// puts them into held and into the cache.
func (b *blocks) fetch(ctx context.Context, missing []int64, held map[int64][]byte) error {
	var ranges []source.Range
	for _, n := range missing {
		r := source.Range{Offset: n * blockBytes, Length: blockBytes}
		r.Length = min(r.Length, b.source.Size()-r.Offset)
		if k := len(ranges) - 1; k >= 0 && ranges[k].End() == r.Offset {
			ranges[k].Length += r.Length
			continue
		}
		ranges = append(ranges, r)
	}
	got, err := b.source.ReadRanges(ctx, ranges)
	if err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, r := range ranges {
		for at := int64(0); at < r.Length; at += blockBytes {
			// A copy: the cache must not keep a larger buffer alive.
			bytes := append([]byte(nil), got[i][at:min(at+blockBytes, r.Length)]...)
			number := (r.Offset + at) / blockBytes
			held[number] = bytes
			b.keep(number, bytes)
		}
	}
	return nil
}

// keep adds a block and drops the least recently used beyond the bound.
func (b *blocks) keep(number int64, bytes []byte) {
	if _, ok := b.byNum[number]; ok {
		return
	}
	b.byNum[number] = b.order.PushFront(&block{number: number, bytes: bytes})
	for b.order.Len() > maxBlocks {
		oldest := b.order.Back()
		delete(b.byNum, oldest.Value.(*block).number)
		b.order.Remove(oldest)
	}
}
