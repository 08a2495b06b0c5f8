package sourcetest

import (
	"cmp"
	"slices"
	"testing"

	"github.com/pims-cloud/pims/source"
)

// Joined gives ranges in order of their offset, neighbours as one. A byte that
// two of them have fails the test: of what is to be read once, it was read twice.
func Joined(t *testing.T, ranges []source.Range) []source.Range {
	t.Helper()
	ranges = slices.SortedFunc(slices.Values(ranges), func(a, b source.Range) int { return cmp.Compare(a.Offset, b.Offset) })
	var out []source.Range
	for _, r := range ranges {
		last := len(out) - 1
		switch {
		case last < 0 || r.Offset > out[last].End():
			out = append(out, r)
		case r.Offset < out[last].End():
			t.Errorf("%v has bytes that %v has as well", r, out[last])
		default:
			out[last].Length += r.Length
		}
	}
	return out
}
