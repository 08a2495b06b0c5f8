// Package units has the quantities that settings are written in: sizes with a
// binary or decimal suffix, and times in seconds or with a unit.
package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Bytes is a size in bytes, written "268435456", "256MiB" or "256MB".
type Bytes int64

// The binary multiples of a byte.
const (
	KiB Bytes = 1 << (10 * (iota + 1))
	MiB
	GiB
	TiB
)

var suffixes = []struct {
	name  string
	bytes int64
}{
	// The longer suffix stands before the one that it ends with.
	{"kib", int64(KiB)}, {"mib", int64(MiB)}, {"gib", int64(GiB)}, {"tib", int64(TiB)},
	{"kb", 1e3}, {"mb", 1e6}, {"gb", 1e9}, {"tb", 1e12},
	{"k", int64(KiB)}, {"m", int64(MiB)}, {"g", int64(GiB)}, {"t", int64(TiB)},
	{"b", 1},
}

// UnmarshalText reads a whole, non-negative number with an optional suffix:
// KiB, MiB, GiB, TiB (or K, M, G, T) are powers of 1024; kB, MB, GB, TB are
// powers of 1000. Case and blanks do not matter.
func (b *Bytes) UnmarshalText(text []byte) error {
	s := strings.ToLower(strings.TrimSpace(string(text)))
	scale := int64(1)
	for _, suffix := range suffixes {
		if number, ok := strings.CutSuffix(s, suffix.name); ok {
			s, scale = strings.TrimSpace(number), suffix.bytes
			break
		}
	}
	n, err := strconv.ParseUint(s, 10, 63)
	if err != nil || int64(n) > math.MaxInt64/scale {
		return fmt.Errorf("expected a size such as 256MiB, 2GB or 1048576")
	}
	*b = Bytes(int64(n) * scale)
	return nil
}

// MarshalText is String: what UnmarshalText reads back to the same size.
func (b Bytes) MarshalText() ([]byte, error) { return []byte(b.String()), nil }

// String is the size with the largest binary suffix that loses nothing.
func (b Bytes) String() string {
	for _, unit := range []struct {
		size Bytes
		name string
	}{{TiB, "TiB"}, {GiB, "GiB"}, {MiB, "MiB"}, {KiB, "KiB"}} {
		if b >= unit.size && b%unit.size == 0 {
			return strconv.FormatInt(int64(b/unit.size), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(b), 10)
}

// Seconds is a span of time that PIMS' settings give as a bare number of
// seconds ("86400"); Go's notation ("24h", "1m30s") is read as well.
type Seconds time.Duration

// UnmarshalText reads a non-negative number of seconds or a Go duration.
func (s *Seconds) UnmarshalText(text []byte) error {
	value := strings.TrimSpace(string(text))
	if n, err := strconv.ParseUint(value, 10, 32); err == nil {
		*s = Seconds(time.Duration(n) * time.Second)
		return nil
	}
	d, err := time.ParseDuration(value)
	if err != nil || d < 0 {
		return fmt.Errorf("expected seconds such as 30, or a time such as 30s, 5m or 24h")
	}
	*s = Seconds(d)
	return nil
}

// MarshalText is String.
func (s Seconds) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// Duration is the span as the standard library has it.
func (s Seconds) Duration() time.Duration { return time.Duration(s) }

// String is a bare number when the span is whole seconds, else Go's notation.
func (s Seconds) String() string {
	d := time.Duration(s)
	if d%time.Second == 0 {
		return strconv.FormatInt(int64(d/time.Second), 10)
	}
	return d.String()
}
