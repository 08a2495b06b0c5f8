package filter

import (
	"encoding/binary"
	"testing"
)

// FuzzThreshold: whatever was counted, a threshold lies among the values that
// occur, or there is an error.
func FuzzThreshold(f *testing.F) {
	f.Add([]byte{0, 0, 1, 8, 1, 0, 0, 1, 9, 2, 0, 1}, uint16(0))
	f.Add([]byte{}, uint16(3))
	f.Add([]byte{255}, uint16(65535))
	f.Fuzz(func(t *testing.T, data []byte, scale uint16) {
		if len(data) > 1<<12 {
			return
		}
		counts := make([]int64, len(data))
		first, last := -1, -1
		for i, v := range data {
			counts[i] = int64(v) * (1 + int64(scale)*int64(binary.BigEndian.Uint16([]byte{v, 7})))
			if v > 0 {
				last = i
				if first < 0 {
					first = i
				}
			}
		}
		for _, filter := range List() {
			if filter.Type != Global {
				continue
			}
			if got, err := filter.Threshold(counts); err == nil && !(got >= float64(first) && got <= float64(last)) {
				t.Errorf("%s: %v is not from %d to %d", filter.ID, got, first, last)
			}
		}
	})
}
