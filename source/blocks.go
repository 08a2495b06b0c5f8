package source

import (
	"container/list"
	"context"
	"sync"
)

// Blocks reads r in aligned blocks of blockBytes and keeps the maxBlocks last
// used ones, so that a parser of headers, which makes many small reads near
// each other, costs few reads of r. Both numbers are raised to at least 1.
//
// A range that would fill more than half of the cache goes to r as it is and
// leaves the cache alone. Missing blocks of one batch are read in one batch,
// neighbours as one range. It is safe for concurrent use; two callers that miss
// the same block at the same time may both read it. Version and errors are r's.
func Blocks(r Reader, blockBytes int64, maxBlocks int) Reader {
	return &blocks{
		r:     r,
		bytes: max(blockBytes, 1),
		max:   max(maxBlocks, 1),
		byNo:  make(map[int64]*list.Element),
		used:  list.New(),
	}
}

type blocks struct {
	r     Reader
	bytes int64
	max   int

	mu   sync.Mutex // guards byNo and used; never held while reading
	byNo map[int64]*list.Element
	used *list.List // of block, the last used one in front
}

type block struct {
	no   int64
	data []byte // never written after it is stored
}

func (b *blocks) Size() int64     { return b.r.Size() }
func (b *blocks) Version() string { return b.r.Version() }

func (b *blocks) ReadRanges(ctx context.Context, ranges []Range) ([][]byte, error) {
	if err := Check(b.r.Size(), ranges); err != nil {
		return nil, err
	}
	have := make(map[int64][]byte)
	var missing []int64 // in order of first need
	var direct []Range
	for _, r := range ranges {
		if b.isDirect(r) {
			direct = append(direct, r)
			continue
		}
		for no := r.Offset / b.bytes; no*b.bytes < r.End(); no++ {
			if _, ok := have[no]; ok {
				continue
			}
			data := b.cached(no)
			have[no] = data
			if data == nil {
				missing = append(missing, no)
			}
		}
	}
	directParts, err := b.fill(ctx, have, missing, direct)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(ranges))
	for i, r := range ranges {
		if b.isDirect(r) {
			out[i], directParts = directParts[0], directParts[1:]
			continue
		}
		out[i] = make([]byte, 0, r.Length)
		for pos := r.Offset; pos < r.End(); {
			data := have[pos/b.bytes]
			from := pos % b.bytes
			to := min(from+r.End()-pos, int64(len(data)))
			out[i] = append(out[i], data[from:to]...)
			pos += to - from
		}
	}
	return out, nil
}

// isDirect tells whether r is too large to be worth the cache.
func (b *blocks) isDirect(r Range) bool {
	span := (r.End()-1)/b.bytes - r.Offset/b.bytes + 1
	return span > 1 && span > int64(b.max)/2
}

// cached gives a block's bytes, nil when it is not there.
func (b *blocks) cached(no int64) []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	e, ok := b.byNo[no]
	if !ok {
		return nil
	}
	b.used.MoveToFront(e)
	return e.Value.(block).data
}

// fill reads the missing blocks into have and the cache, and the direct ranges,
// all in one batch.
func (b *blocks) fill(ctx context.Context, have map[int64][]byte, missing []int64, direct []Range) ([][]byte, error) {
	if len(missing) == 0 && len(direct) == 0 {
		return nil, nil
	}
	var batch []Range
	for i, no := range missing {
		r := Range{Offset: no * b.bytes, Length: min(b.bytes, b.r.Size()-no*b.bytes)}
		if i > 0 && missing[i-1] == no-1 {
			batch[len(batch)-1].Length += r.Length
			continue
		}
		batch = append(batch, r)
	}
	merged := len(batch)
	parts, err := b.r.ReadRanges(ctx, append(batch, direct...))
	if err != nil {
		return nil, err
	}
	for i, part := range parts[:merged] {
		for no := batch[i].Offset / b.bytes; len(part) > 0; no++ {
			n := min(b.bytes, int64(len(part)))
			// A copy, so that a kept block does not keep its neighbours alive.
			data := append(make([]byte, 0, n), part[:n]...)
			have[no] = data
			b.keep(block{no: no, data: data})
			part = part[n:]
		}
	}
	return parts[merged:], nil
}

// keep stores a block and drops the least used ones over the bound.
func (b *blocks) keep(k block) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.byNo[k.no]; ok {
		return
	}
	b.byNo[k.no] = b.used.PushFront(k)
	for b.used.Len() > b.max {
		last := b.used.Back()
		b.used.Remove(last)
		delete(b.byNo, last.Value.(block).no)
	}
}
