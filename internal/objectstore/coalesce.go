package objectstore

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/pims-cloud/pims/source"
)

// maxMergedBytes bounds one merged read: beyond it, two requests side by side
// are faster than one after the other.
const maxMergedBytes = 8 << 20

// Coalesce merges ranges of one batch that overlap or lie at most gap bytes
// apart into one read. With gap 0, not a byte is read that was not asked for.
// The slices it returns are copies, never windows on a merged buffer, so that
// a cache that keeps one tile does not keep its neighbours alive.
func Coalesce(d Driver, gap int64) Driver {
	return &coalescing{layer: layer{d}, gap: max(gap, 0)}
}

type coalescing struct {
	layer
	gap int64
}

// ReadRanges implements Driver.
func (c *coalescing) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	if len(ranges) < 2 {
		return c.Driver.ReadRanges(ctx, key, etag, ranges)
	}
	merged, members := mergeRanges(ranges, c.gap)
	parts, err := c.Driver.ReadRanges(ctx, key, etag, merged)
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(ranges))
	for i, group := range members {
		if len(group) == 1 {
			out[group[0]] = parts[i]
			continue
		}
		for _, n := range group {
			from := ranges[n].Offset - merged[i].Offset
			out[n] = bytes.Clone(parts[i][from : from+ranges[n].Length])
		}
		parts[i] = nil // not needed while the next group is copied
	}
	return out, nil
}

// mergeRanges gives the reads that cover all ranges, in order of offset, and
// for each of them the numbers of the ranges that it covers.
func mergeRanges(ranges []source.Range, gap int64) (merged []source.Range, members [][]int) {
	order := make([]int, len(ranges))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(ranges[a].Offset, ranges[b].Offset) })
	for _, n := range order {
		r := ranges[n]
		if last := len(merged) - 1; last >= 0 {
			end := max(merged[last].End(), r.End())
			near := r.Offset <= merged[last].End() || r.Offset-merged[last].End() <= gap
			// What lies within costs nothing more; a range is never split.
			if near && (end == merged[last].End() || end-merged[last].Offset <= maxMergedBytes) {
				merged[last].Length = end - merged[last].Offset
				members[last] = append(members[last], n)
				continue
			}
		}
		merged = append(merged, r)
		members = append(members, []int{n})
	}
	return merged, members
}
