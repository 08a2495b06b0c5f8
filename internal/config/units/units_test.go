package units_test

import (
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/config/units"
)

func TestBytes(t *testing.T) {
	for text, want := range map[string]units.Bytes{
		"0": 0, "256MiB": 256 << 20, "256 mib": 256 << 20, "2GB": 2e9, "64k": 65536, "12b": 12, "1TiB": 1 << 40,
		"8388607TiB": 8388607 << 40,
	} {
		var b units.Bytes
		if err := b.UnmarshalText([]byte(text)); err != nil || b != want {
			t.Errorf("%q is %d, %v; want %d", text, b, err, want)
		}
		var again units.Bytes
		if err := again.UnmarshalText([]byte(b.String())); err != nil || again != b {
			t.Errorf("%q does not read back: %d, %v", b, again, err)
		}
	}
	for _, text := range []string{"", "MiB", "-1", "1.5GiB", "8388608TiB", "99999999999999999999", "5 apples"} {
		var b units.Bytes
		if err := b.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %d", text, b)
		}
	}
}

func TestSeconds(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"86400": 24 * time.Hour, "0": 0, "5m": 5 * time.Minute, "250ms": 250 * time.Millisecond,
	} {
		var s units.Seconds
		if err := s.UnmarshalText([]byte(text)); err != nil || s.Duration() != want {
			t.Errorf("%q is %v, %v; want %v", text, s.Duration(), err, want)
		}
	}
	for _, text := range []string{"", "-5", "-5s", "soon", "99999999999999"} {
		var s units.Seconds
		if err := s.UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is taken as %v", text, s.Duration())
		}
	}
}
