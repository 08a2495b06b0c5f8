package tiff_test

import (
	"context"
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// walk reads everything that a format would, and returns the first error.
func walk(ctx context.Context, r source.Reader, limits tiff.Limits) error {
	f, err := tiff.Open(ctx, r, limits)
	if err != nil {
		return err
	}
	pages, err := f.IFDs(ctx)
	if err != nil {
		return err
	}
	var failed error
	for _, d := range pages {
		if err := walkIFD(ctx, d); failed == nil {
			failed = err
		}
	}
	return failed
}

func walkIFD(ctx context.Context, d *tiff.IFD) error {
	var failed error
	note := func(err error) {
		if failed == nil {
			failed = err
		}
	}
	for _, e := range d.Entries() {
		_, _, err := d.Value(ctx, e.Tag)
		note(err)
		_, _, _, _ = d.Rational(ctx, e.Tag)
		_, _, _ = d.Uint(ctx, e.Tag)
		_, _, _ = d.Text(ctx, e.Tag)
	}
	l, err := d.Layout(ctx)
	note(err)
	if err == nil {
		_, err = d.Extents(ctx, 0, min(l.Segments(), 1<<16))
		note(err)
	}
	subs, err := d.SubIFDs(ctx)
	note(err)
	for _, sub := range subs {
		note(walkIFD(ctx, sub))
	}
	return failed
}

func TestHostileFilesAreRefusedByName(t *testing.T) {
	want := map[string]string{
		"ifd-loop.tif":             "tiff-ifd-loop",
		"ifd-self-loop.tif":        "tiff-ifd-loop",
		"ifd-beyond-end.tif":       "tiff-offset-beyond-end",
		"first-ifd-beyond-end.tif": "tiff-offset-beyond-end",
		"ifd-many-entries.tif":     "tiff-too-many-entries",
		"truncated.svs":            "tiff-offset-beyond-end",
		"truncated-tiles.svs":      "tiff-tile-beyond-end",
		"zero-tile-size.tif":       "tiff-bad-layout",
		"zero-width.tif":           "tiff-bad-layout",
		"huge-dimensions.tif":      "tiff-bad-layout",
		"one-pixel-tiles.tif":      "tiff-bad-layout",
		"huge-count.tif":           "tiff-value-beyond-end",
		"huge-jpegtables.tif":      "tiff-value-beyond-end",
		"big-huge-entries.tif":     "tiff-too-many-entries",
		"big-huge-ifd-offset.tif":  "tiff-offset-beyond-end",
		"tile-counts-disagree.tif": "tiff-bad-layout",
		"subifd-self.tif":          "tiff-ifd-loop",
		"header-only.tif":          "tiff-offset-beyond-end",
		"empty.tif":                "tiff-not-a-tiff",
		// The structure is right; a decoder finds these.
		"jpeg-sof-mismatch.tif":  "",
		"missing-jpegtables.tif": "",
		"samples-disagree.tif":   "",
	}
	dir := testfiles.Own(t, "hostile")
	for name, code := range want {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Error(err)
			continue
		}
		err = walk(context.Background(), source.Bytes("v", data), tiff.Limits{})
		switch {
		case code == "" && err != nil:
			t.Errorf("%s: %v; the structure is right", name, err)
		case code != "" && (err == nil || fault.CodeOf(err) != code):
			t.Errorf("%s: got %v, want code %s", name, err, code)
		}
	}
	// This one only must not end in nonsense: which directory lies there is chance.
	data, err := os.ReadFile(filepath.Join(dir, "subifd-overlap.tif"))
	if err != nil {
		t.Fatal(err)
	}
	if err := walk(context.Background(), source.Bytes("v", data), tiff.Limits{}); err == nil {
		t.Error("subifd-overlap.tif: no error")
	}
}

func TestManyEntriesCannotClaimTheSameBytes(t *testing.T) {
	d := &tiff.Directory{Fields: imageFields()}
	for tag := range 200 {
		d.Fields = append(d.Fields, tiff.BytesField(tiff.Tag(40000+tag), tiff.Undefined, make([]byte, 8)))
	}
	table, err := tiff.Structure([]*tiff.Directory{d}, 8, tiff.WriteOptions{})
	if err != nil {
		t.Fatal(err)
	}
	file := append(tiff.Header(8, tiff.WriteOptions{}), table...)
	file = append(file, make([]byte, 1<<20)...)
	for i := range len(d.Fields) {
		entry := 8 + 2 + 12*i
		if binary.LittleEndian.Uint16(file[entry:]) >= 40000 {
			binary.LittleEndian.PutUint32(file[entry+4:], 1<<20)
			binary.LittleEndian.PutUint32(file[entry+8:], 8)
		}
	}
	_, err = tiff.Open(context.Background(), source.Bytes("v", file), tiff.Limits{})
	if fault.CodeOf(err) != "tiff-overlapping-values" {
		t.Errorf("200 entries of the same MiB in a file of one: got %v", err)
	}
}

func TestLimitsHold(t *testing.T) {
	data := write(t, tiff.WriteOptions{})
	for name, c := range map[string]struct {
		limits tiff.Limits
		code   string
	}{
		"directories": {tiff.Limits{MaxIFDs: 3}, "tiff-too-many-ifds"},
		"entries":     {tiff.Limits{MaxEntriesPerIFD: 5}, "tiff-too-many-entries"},
		"structure":   {tiff.Limits{MaxStructureBytes: 300}, "tiff-too-much-structure"},
		"values":      {tiff.Limits{MaxValueBytes: 8}, "tiff-value-too-large"},
	} {
		err := walk(context.Background(), source.Bytes("v", data), c.limits)
		if fault.CodeOf(err) != c.code || fault.KindOf(err) != fault.TooLarge {
			t.Errorf("%s: got %v, want code %s of kind too-large", name, err, c.code)
		}
	}
}

// sparse is a source of which only the first bytes exist; the rest is zeros. It
// notes how much was read.
type sparse struct {
	head []byte
	size int64
	read int64
}

func (s *sparse) Size() int64     { return s.size }
func (s *sparse) Version() string { return "v" }
func (s *sparse) ReadRanges(_ context.Context, ranges []source.Range) ([][]byte, error) {
	var out [][]byte
	for _, r := range ranges {
		b := make([]byte, r.Length)
		if r.Offset < int64(len(s.head)) {
			copy(b, s.head[r.Offset:])
		}
		s.read += r.Length
		out = append(out, b)
	}
	return out, nil
}

func TestMillionsOfTilesAreNotReadToFindOne(t *testing.T) {
	ctx := context.Background()
	const tiles = 15_210_000 // 3900 × 3900
	d := &tiff.Directory{Fields: []tiff.Field{
		short(tiff.TileWidth, 256), short(tiff.TileLength, 256),
		tiff.NumberField(tiff.ImageWidth, tiff.Long, 3900*256), tiff.NumberField(tiff.ImageLength, tiff.Long, 3900*256),
		tiff.BytesField(tiff.TileOffsets, tiff.Undefined, make([]byte, 16)),
		tiff.BytesField(tiff.TileByteCounts, tiff.Undefined, make([]byte, 16)),
	}}
	o := tiff.WriteOptions{BigTIFF: true}
	table, err := tiff.Structure([]*tiff.Directory{d}, 16, o)
	if err != nil {
		t.Fatal(err)
	}
	file := &sparse{head: append(tiff.Header(16, o), table...), size: 1 << 30}
	for i, tag := range []tiff.Tag{tiff.TileOffsets, tiff.TileByteCounts} {
		entry := 16 + 8 + 20*slices.IndexFunc(sortedTags, func(t tiff.Tag) bool { return t == tag })
		binary.LittleEndian.PutUint16(file.head[entry+2:], uint16(tiff.Long8))
		binary.LittleEndian.PutUint64(file.head[entry+4:], tiles)
		binary.LittleEndian.PutUint64(file.head[entry+12:], uint64(1+i)<<28)
	}
	f, err := tiff.Open(ctx, file, tiff.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.First().Layout(ctx); err != nil {
		t.Fatal(err)
	}
	if _, err := f.First().Extents(ctx, tiles-1, 1); err != nil {
		t.Fatal(err)
	}
	if file.read > 128<<10 {
		t.Errorf("%d bytes were read to find one tile of %d", file.read, tiles)
	}
}

var sortedTags = []tiff.Tag{tiff.ImageWidth, tiff.ImageLength, tiff.TileWidth, tiff.TileLength, tiff.TileOffsets, tiff.TileByteCounts}

func FuzzReader(f *testing.F) {
	for _, o := range []tiff.WriteOptions{{}, {BigEndian: true}, {BigTIFF: true}, {BigTIFF: true, BigEndian: true}} {
		f.Add(write(f, o))
	}
	addFolder(f, filepath.Join(testfiles.Root(f), "testdata", "hostile"))
	shared := os.Getenv("SHARED_TESTDATA")
	if shared == "" {
		shared = filepath.Join(testfiles.Root(f), "..", "shared", "testdata")
	}
	addFolder(f, filepath.Join(shared, "hostile", "tiff"))
	f.Fuzz(func(t *testing.T, data []byte) {
		limits := tiff.Limits{MaxIFDs: 100, MaxEntriesPerIFD: 100, MaxStructureBytes: 1 << 16, MaxValueBytes: 1 << 16}
		_ = walk(context.Background(), source.Bytes("v", data), limits)
	})
}

// addFolder adds the small files of a folder, if it is there.
func addFolder(f *testing.F, dir string) {
	files, _ := filepath.Glob(filepath.Join(dir, "*")) // the pattern is right
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err == nil && len(data) < 64<<10 {
			f.Add(data)
		}
	}
}
