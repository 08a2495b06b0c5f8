package exif_test

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/pims-cloud/pims/formats/exif"
)

// entry is one field of a hand-made directory: type, count, value or offset.
type entry struct {
	tag, kind uint16
	count     uint32
	value     [4]byte
	far       []byte // values that do not fit
}

func short(v uint16) [4]byte {
	var b [4]byte
	binary.BigEndian.PutUint16(b[:], v)
	return b
}

// block is a big-endian block of one directory and, behind tag 34665, one EXIF
// directory.
func block() []byte {
	rational := func(n, d uint32) []byte {
		return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, n), d)
	}
	main := []entry{
		{tag: 0x010E, kind: 2, count: 6, far: []byte("liver\x00")},
		{tag: 0x0112, kind: 3, count: 1, value: short(6)},
		{tag: 0x011A, kind: 5, count: 1, far: rational(50_800, 1)},
		{tag: 0x011B, kind: 5, count: 1, far: rational(254, 10)},
		{tag: 0x0128, kind: 3, count: 1, value: short(2)},
		{tag: 0x0132, kind: 2, count: 20, far: []byte("2020:01:01 00:00:00\x00")},
		{tag: 0x8769, kind: 4, count: 1},
	}
	photo := []entry{
		{tag: 0x829A, kind: 5, count: 1, far: rational(1, 60)},
		{tag: 0x9003, kind: 2, count: 20, far: []byte("2019:05:06 07:08:09\x00")},
		{tag: 0x9204, kind: 10, count: 1, far: rational(0xFFFFFFFF, 3)},
		{tag: 0x9286, kind: 7, count: 12, far: []byte("ASCII\x00\x00\x00note")},
		{tag: 0xEEEE, kind: 9, count: 1, value: [4]byte{0xFF, 0xFF, 0xFF, 0xFE}},
	}
	out := []byte("MM\x00*\x00\x00\x00\x08")
	second := 8 + size(main)
	binary.BigEndian.PutUint32(main[6].value[:], uint32(second))
	return appendDirectory(appendDirectory(out, main), photo)
}

func size(entries []entry) int {
	n := 2 + 12*len(entries) + 4
	for _, e := range entries {
		n += len(e.far)
	}
	return n
}

func appendDirectory(out []byte, entries []entry) []byte {
	out = binary.BigEndian.AppendUint16(out, uint16(len(entries)))
	far := len(out) + 12*len(entries) + 4
	for _, e := range entries {
		out = binary.BigEndian.AppendUint16(out, e.tag)
		out = binary.BigEndian.AppendUint16(out, e.kind)
		out = binary.BigEndian.AppendUint32(out, e.count)
		if e.far != nil {
			binary.BigEndian.PutUint32(e.value[:], uint32(far))
			far += len(e.far)
		}
		out = append(out, e.value[:]...)
	}
	out = append(out, 0, 0, 0, 0)
	for _, e := range entries {
		out = append(out, e.far...)
	}
	return out
}

func TestValuesAreShownAsExiftoolDoes(t *testing.T) {
	got := map[string]any{}
	for _, m := range exif.Read(context.Background(), block()).Metadata() {
		got[m.Namespace+"."+m.Key] = m.Value
	}
	for key, want := range map[string]any{
		"FILE.ExifByteOrder":        "Big-endian (Motorola, MM)",
		"EXIF.ImageDescription":     "liver",
		"EXIF.Orientation":          "Rotate 90 CW",
		"EXIF.XResolution":          int64(50800),
		"EXIF.YResolution":          25.4,
		"EXIF.ResolutionUnit":       "inches",
		"EXIF.ExposureTime":         "1/60",
		"EXIF.ExposureCompensation": "-1/3",
		"EXIF.UserComment":          "note",
		"EXIF.Exif_0xeeee":          int64(-2),
	} {
		if got[key] != want {
			t.Errorf("%s is %v (%T), expected %v", key, got[key], got[key], want)
		}
	}
}

// TestWhatDescribesTheImage: resolutions are inverted, unlike PIMS': 50 800
// pixels an inch are half a micrometre each.
func TestWhatDescribesTheImage(t *testing.T) {
	b := exif.Read(context.Background(), append([]byte("Exif\x00\x00"), block()...))
	x, y := b.PixelSize()
	if x == nil || *x != 0.5 || y == nil || *y != 1000 {
		t.Errorf("pixels are %v × %v µm, expected 0.5 × 1000", x, y)
	}
	want := time.Date(2019, 5, 6, 7, 8, 9, 0, time.UTC)
	if at := b.AcquiredAt(); at == nil || !at.Equal(want) {
		t.Errorf("acquired at %v, expected when it was taken, %v", at, want)
	}
	if d := b.Descriptions(); d[0] != "liver" || d[1] != "note" {
		t.Errorf("descriptions are %q, expected liver, note", d)
	}
}

func TestNoBlockSaysNothing(t *testing.T) {
	for _, data := range [][]byte{nil, []byte("Exif\x00\x00"), []byte("MM\x00*\x00\x00\x00\xff"), block()[:40]} {
		b := exif.Read(context.Background(), data)
		x, y := b.PixelSize()
		if x != nil || y != nil || b.AcquiredAt() != nil {
			t.Errorf("a block of %d bytes says %v, %v, %v", len(data), x, y, b.AcquiredAt())
		}
	}
}
