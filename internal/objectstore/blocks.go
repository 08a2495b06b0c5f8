package objectstore

import (
	"container/list"
	"context"
	"slices"
	"sync"

	"github.com/pims-cloud/pims/source"
)

const (
	// blockBytes is the unit that structure is kept in. One request of S3 takes
	// as long for 64 KiB as for one byte.
	blockBytes = 64 << 10
	// maxSizes bounds how many objects' sizes are remembered.
	maxSizes = 4096
)

type structureKey struct{}

// ReadingStructure gives a context whose reads are of structure: headers,
// directories and tables, which several readers go over again and again, unlike
// tiles. Only these pass through the cache of Blocks.
func ReadingStructure(ctx context.Context) context.Context {
	return context.WithValue(ctx, structureKey{}, true)
}

func readsStructure(ctx context.Context) bool { return ctx.Value(structureKey{}) != nil }

// Blocks reads structure in blocks of 64 KiB and keeps these, the last used ones
// of at most maxBytes together, across readers and imports of this process. It
// serves pinned reads of at most one block's length from contexts of
// ReadingStructure, of objects that were looked at (Stat, ReadPrefix) before, since
// a block must not reach past the end. Everything else goes to d as it comes: a
// tile's read stays a read of exactly the tile.
func Blocks(d Driver, maxBytes int64) Driver {
	return &blockCache{
		layer: layer{d}, maxBytes: maxBytes, used: list.New(),
		kept: make(map[blockID]*list.Element), sizes: make(map[objectID]int64),
	}
}

type objectID struct{ key, etag string }

type blockID struct {
	objectID
	number int64
}

type block struct {
	id   blockID
	data []byte // never changed
}

type blockCache struct {
	layer
	maxBytes int64

	mu    sync.Mutex // guards the rest
	used  *list.List // of *block, the last used in front
	kept  map[blockID]*list.Element
	bytes int64
	sizes map[objectID]int64
}

// Stat implements Driver.
func (b *blockCache) Stat(ctx context.Context, key string) (Object, error) {
	o, err := b.Driver.Stat(ctx, key)
	b.remember(o, err)
	return o, err
}

// ReadPrefix implements Driver.
func (b *blockCache) ReadPrefix(ctx context.Context, key string, max int64) ([]byte, Object, error) {
	data, o, err := b.Driver.ReadPrefix(ctx, key, max)
	b.remember(o, err)
	return data, o, err
}

func (b *blockCache) remember(o Object, err error) {
	if err != nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.sizes) >= maxSizes {
		clear(b.sizes) // they are learned again at the next look
	}
	b.sizes[objectID{o.Key, o.ETag}] = o.Size
}

// ReadRanges implements Driver.
func (b *blockCache) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	id := objectID{key, etag}
	numbers, size, ok := b.cover(ctx, id, ranges)
	if !ok {
		return b.Driver.ReadRanges(ctx, key, etag, ranges)
	}
	blocks, missing := b.find(id, numbers)
	if len(missing) > 0 {
		reads := make([]source.Range, len(missing))
		for i, n := range missing {
			reads[i] = source.Range{Offset: n * blockBytes, Length: min(blockBytes, size-n*blockBytes)}
		}
		got, err := b.Driver.ReadRanges(ctx, key, etag, reads)
		if err != nil {
			return nil, err
		}
		for i, n := range missing {
			blocks[n] = got[i]
			b.keep(&block{id: blockID{id, n}, data: got[i]})
		}
	}
	out := make([][]byte, len(ranges))
	for i, r := range ranges {
		out[i] = make([]byte, 0, r.Length)
		for at := r.Offset; at < r.End(); {
			data := blocks[at/blockBytes]
			from := at % blockBytes
			to := min(int64(len(data)), from+r.End()-at)
			out[i] = append(out[i], data[from:to]...)
			at += to - from
		}
	}
	return out, nil
}

// cover gives the numbers of the blocks that hold the ranges, in order; ok is
// false when these reads are none for the cache.
func (b *blockCache) cover(ctx context.Context, id objectID, ranges []source.Range) (numbers []int64, size int64, ok bool) {
	if id.etag == "" || !readsStructure(ctx) {
		return nil, 0, false
	}
	b.mu.Lock()
	size, ok = b.sizes[id]
	b.mu.Unlock()
	for _, r := range ranges {
		if !ok || r.Length > blockBytes || r.End() > size {
			return nil, 0, false
		}
		for n := r.Offset / blockBytes; n*blockBytes < r.End(); n++ {
			numbers = append(numbers, n)
		}
	}
	slices.Sort(numbers)
	return slices.Compact(numbers), size, ok
}

// find gives the blocks that are kept, and the numbers of the others.
func (b *blockCache) find(id objectID, numbers []int64) (blocks map[int64][]byte, missing []int64) {
	blocks = make(map[int64][]byte, len(numbers))
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range numbers {
		e, ok := b.kept[blockID{id, n}]
		if !ok {
			missing = append(missing, n)
			continue
		}
		b.used.MoveToFront(e)
		blocks[n] = e.Value.(*block).data
	}
	return blocks, missing
}

func (b *blockCache) keep(one *block) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.kept[one.id]; ok {
		return // another reader was faster
	}
	b.kept[one.id] = b.used.PushFront(one)
	b.bytes += int64(len(one.data))
	for b.bytes > b.maxBytes {
		last := b.used.Back()
		old := b.used.Remove(last).(*block)
		delete(b.kept, old.id)
		b.bytes -= int64(len(old.data))
	}
}
