package tiff_test

import (
	"bytes"
	"context"
	"io"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// sink is an io.WriteSeeker in memory.
type sink struct {
	data []byte
	at   int64
}

func (s *sink) Write(b []byte) (int, error) {
	if grow := s.at + int64(len(b)) - int64(len(s.data)); grow > 0 {
		s.data = append(s.data, make([]byte, grow)...)
	}
	copy(s.data[s.at:], b)
	s.at += int64(len(b))
	return len(b), nil
}

func (s *sink) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekEnd:
		offset += int64(len(s.data))
	case io.SeekCurrent:
		offset += s.at
	}
	s.at = offset
	return offset, nil
}

func short(tag tiff.Tag, v ...uint64) tiff.Field { return tiff.NumberField(tag, tiff.Short, v...) }

// imageFields describe 40×30 grey pixels in tiles of 16×16, which are 3×2.
func imageFields() []tiff.Field {
	return []tiff.Field{
		short(tiff.TileLength, 16), // out of order on purpose
		short(tiff.TileWidth, 16),
		short(tiff.ImageWidth, 40),
		short(tiff.ImageLength, 30),
		short(tiff.BitsPerSample, 8),
		short(tiff.SamplesPerPixel, 1),
		short(tiff.PhotometricInterpretation, 1),
		tiff.TextField(tiff.ImageDescription, "five 5"),
		tiff.RatioField(tiff.XResolution, 20000, 3),
		tiff.DoubleField(33550, 0.5, -2),
		tiff.NumberField(340, tiff.SShort, 0xffff),
	}
}

// write makes a file of two pages, the first with two SubIFDs.
func write(t testing.TB, o tiff.WriteOptions) []byte {
	t.Helper()
	var s sink
	w, err := tiff.NewWriter(&s, o)
	if err != nil {
		t.Fatal(err)
	}
	segments := func() (out []tiff.Extent) {
		for i := range 6 {
			e, err := w.Segment(bytes.Repeat([]byte{byte(i)}, i*7)) // the first is blank
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, e)
		}
		return out
	}
	page := func() *tiff.Directory {
		return &tiff.Directory{Fields: imageFields(), Tiled: true, Segments: segments()}
	}
	first, second := page(), page()
	first.SubIFDs = []*tiff.Directory{page(), page()}
	if err := w.Close([]*tiff.Directory{first, second}); err != nil {
		t.Fatal(err)
	}
	return s.data
}

func open(t testing.TB, data []byte) *tiff.File {
	t.Helper()
	f, err := tiff.Open(context.Background(), source.Bytes("v", data), tiff.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	for name, o := range map[string]tiff.WriteOptions{
		"classic": {}, "classic big-endian": {BigEndian: true},
		"BigTIFF": {BigTIFF: true}, "BigTIFF big-endian": {BigTIFF: true, BigEndian: true},
	} {
		t.Run(name, func(t *testing.T) {
			ctx := context.Background()
			data := write(t, o)
			f := open(t, data)
			if f.BigTIFF() != o.BigTIFF {
				t.Errorf("BigTIFF() = %v", f.BigTIFF())
			}
			pages, err := f.IFDs(ctx)
			if err != nil {
				t.Fatal(err)
			}
			subs, err := pages[0].SubIFDs(ctx)
			if err != nil {
				t.Fatal(err)
			}
			if len(pages) != 2 || len(subs) != 2 {
				t.Fatalf("%d pages, %d SubIFDs; want 2 and 2", len(pages), len(subs))
			}
			for _, d := range append(subs, pages...) {
				checkPage(t, d, data)
			}
		})
	}
}

// checkPage compares a directory with what imageFields and write put into it.
func checkPage(t *testing.T, d *tiff.IFD, data []byte) {
	t.Helper()
	ctx := context.Background()
	l, err := d.Layout(ctx)
	if err != nil {
		t.Fatal(err)
	}
	want := &tiff.Layout{Width: 40, Height: 30, Tiled: true, TileWidth: 16, TileHeight: 16,
		Compression: tiff.CompressionNone, Photometric: tiff.PhotometricMinIsBlack, SamplesPerPixel: 1,
		BitsPerSample: []int{8}, SampleFormat: []int{1}, Planar: 1, Predictor: 1, Orientation: 1}
	if diff := cmp.Diff(want, l); diff != "" {
		t.Errorf("layout (-want +got):\n%s", diff)
	}
	extents, err := d.Extents(ctx, 0, l.Segments())
	if err != nil {
		t.Fatal(err)
	}
	for i, e := range extents {
		if want := bytes.Repeat([]byte{byte(i)}, i*7); !bytes.Equal(data[e.Offset:e.Offset+e.Length], want) {
			t.Errorf("tile %d is %v, want %v", i, data[e.Offset:e.Offset+e.Length], want)
		}
	}
	if s, ok, err := d.Text(ctx, tiff.ImageDescription); s != "five 5" || !ok || err != nil {
		t.Errorf("Text = %q, %v, %v", s, ok, err)
	}
	if n, m, ok, err := d.Rational(ctx, tiff.XResolution); n != 20000 || m != 3 || !ok || err != nil {
		t.Errorf("Rational = %d/%d, %v, %v", n, m, ok, err)
	}
	if v, _, err := d.Value(ctx, 33550); err != nil || !cmp.Equal(v.Floats, []float64{0.5, -2}) {
		t.Errorf("doubles = %v, %v", v.Floats, err)
	}
	if v, _, err := d.Value(ctx, 340); err != nil || !cmp.Equal(v.Ints, []int64{-1}) {
		t.Errorf("signed = %v, %v", v.Ints, err)
	}
}

func TestStructureCanComeBeforeTiles(t *testing.T) {
	ctx := context.Background()
	o := tiff.WriteOptions{BigTIFF: true}
	d := &tiff.Directory{Fields: imageFields(), Tiled: true, Segments: make([]tiff.Extent, 6)}
	chain := []*tiff.Directory{d}
	at := int64(16) + tiff.StructureSize(chain, o)
	for i := range d.Segments {
		d.Segments[i] = tiff.Extent{Offset: at, Length: 10}
		at += 10
	}
	structure, err := tiff.Structure(chain, 16, o)
	if err != nil {
		t.Fatal(err)
	}
	file := append(append(tiff.Header(16, o), structure...), make([]byte, 60)...)
	if int64(len(file)) != at {
		t.Fatalf("the file has %d bytes, %d were laid out", len(file), at)
	}
	got, err := open(t, file).First().Extents(ctx, 0, 6)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(d.Segments, got); diff != "" {
		t.Errorf("extents (-laid out +read):\n%s", diff)
	}
}

func TestClassicRefusesMoreThan4GiB(t *testing.T) {
	d := &tiff.Directory{Fields: imageFields(), Segments: []tiff.Extent{{Offset: 1 << 32, Length: 1}}}
	if _, err := tiff.Structure([]*tiff.Directory{d}, 8, tiff.WriteOptions{}); err == nil {
		t.Error("an offset of 2^32 was written into a classic TIFF")
	}
}
