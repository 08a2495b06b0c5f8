package slide_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/cache"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
	"github.com/pims-cloud/pims/internal/objectstore/recording"
	"github.com/pims-cloud/pims/internal/slide"
)

const id = slide.ID("upload-0b0a7d2c-97a1-5a35-8f3e-0c8a1d1f2e3b")

// stored is a slide of the given levels in a recorded memory store. Tile n of
// level l reads "l/n" padded to ten bytes from the source.
type stored struct {
	store    *objectstore.Store
	record   *recording.Driver
	catalog  *slide.Catalog
	manifest *slide.Manifest
}

const tileBytes = 10

func put(t testing.TB, store *objectstore.Store, key string, body []byte) objectstore.Object {
	t.Helper()
	o, err := store.Put(context.Background(), key, bytes.NewReader(body), int64(len(body)), objectstore.PutOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func newStored(t testing.TB, levels []formats.Level, text string) *stored {
	t.Helper()
	record := recording.Wrap(memory.New())
	s := &stored{store: objectstore.New(record), record: record}
	pages, err := cache.New(1 << 20)
	if err != nil {
		t.Fatal(err)
	}
	s.catalog, err = slide.NewCatalog(slide.Stores{Slides: s.store}, pages, slide.Config{Open: 10, Recheck: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, levels, text, "A")
	return s
}

// write stores source and sidecar; mark stands in every tile.
func (s *stored) write(t testing.TB, levels []formats.Level, text, mark string) {
	t.Helper()
	var body bytes.Buffer
	starts := make([]int, len(levels))
	for l, level := range levels {
		starts[l] = body.Len() / tileBytes
		for n := range min(level.Tiles(), 10_000) {
			fmt.Fprintf(&body, "%s%d/%-*d", mark, l, tileBytes-3, n)
		}
	}
	source := put(t, s.store, id.SourceKey("slide.tif"), body.Bytes())
	s.manifest = &slide.Manifest{
		Creator: "test", Name: "slide.tif",
		Sources: []slide.SourceObject{{In: slide.InSlides, Key: source.Key, Size: source.Size, ETag: source.ETag}},
		Description: formats.Description{Width: levels[0].Width, Height: levels[0].Height, Depth: 1, Duration: 1,
			ConcreteChannels: 1, Samples: 3, Levels: levels, Text: &text},
		Encodings: []formats.Encoding{{Codec: formats.CodecJPEG}},
	}
	reader, writer := io.Pipe()
	go func() {
		err := slide.Encode(context.Background(), writer, s.manifest, func(_ context.Context, level, _, first, count int) ([]formats.Extent, error) {
			extents := make([]formats.Extent, count)
			for i := range extents {
				n := starts[level] + (first+i)%10_000
				extents[i] = formats.Extent{Offset: int64(n * tileBytes), Length: tileBytes}
			}
			return extents, nil
		})
		writer.CloseWithError(err)
	}()
	if _, err := s.store.Put(context.Background(), id.SidecarKey(), reader, -1, objectstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
}

func (s *stored) tile(ctx context.Context, level, tile int) (text string, err error) {
	err = s.catalog.Fresh(ctx, id, func(open *slide.Slide) error {
		e, err := open.Locate(ctx, level, formats.Plane{}, tile)
		if err != nil {
			return err
		}
		got, err := open.ReadTiles(ctx, []formats.Extent{e})
		if err == nil {
			text = string(got[0])
		}
		return err
	})
	return text, err
}

func halving(width, height int) (levels []formats.Level) {
	for {
		levels = append(levels, formats.Level{Width: width, Height: height, TileWidth: 256, TileHeight: 256})
		if width <= 256 && height <= 256 {
			return levels
		}
		width, height = (width+1)/2, (height+1)/2
	}
}

func TestOpenIsOneReadAndATileIsOneRead(t *testing.T) {
	s := newStored(t, halving(4000, 3000), "")
	s.record.Reset()
	text, err := s.tile(context.Background(), 0, 37)
	if err != nil || text != "A0/37     " {
		t.Fatalf("got %q, %v", text, err)
	}
	want := []recording.Read{
		{Key: id.SidecarKey(), Offset: 0, Length: slide.PrefixBytes},
		{Key: id.SourceKey("slide.tif"), Offset: 37 * tileBytes, Length: tileBytes},
	}
	if diff := cmp.Diff(want, s.record.Reads()); diff != "" {
		t.Errorf("reads of the first tile (-want +got):\n%s", diff)
	}
	s.record.Reset()
	if _, err := s.tile(context.Background(), 1, 5); err != nil {
		t.Fatal(err)
	}
	if reads := s.record.Reads(); len(reads) != 1 || reads[0].Length != tileBytes {
		t.Errorf("the second tile read %v, want exactly its bytes", reads)
	}
}

func TestFinePagesAreReadOnceAndWhole(t *testing.T) {
	s := newStored(t, halving(40_000, 40_000), "")
	s.record.Reset()
	for _, tile := range []int{9000, 9001, 8200, 9000} {
		if _, err := s.tile(context.Background(), 0, tile); err != nil {
			t.Fatal(err)
		}
	}
	var pages int
	for _, r := range s.record.Reads() {
		if r.Key == id.SidecarKey() && r.Offset > 0 {
			pages++
			if r.Length != slide.TilesPerPage*12+4 {
				t.Errorf("a page was read as %d bytes", r.Length)
			}
		}
	}
	if pages != 1 {
		t.Errorf("four tiles of one page read it %d times", pages)
	}
}

func TestLongManifestCostsOneReadMore(t *testing.T) {
	s := newStored(t, halving(1000, 1000), string(bytes.Repeat([]byte("x"), 100_000)))
	s.record.Reset()
	if _, err := s.catalog.Open(context.Background(), id); err != nil {
		t.Fatal(err)
	}
	if reads := s.record.Reads(); len(reads) != 2 {
		t.Errorf("opening read %v, want the prefix and the rest of the manifest", reads)
	}
}

func TestConcurrentOpensShareOneRead(t *testing.T) {
	s := newStored(t, halving(1000, 1000), "")
	s.record.Reset()
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() {
			if _, err := s.catalog.Open(context.Background(), id); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if reads := s.record.Reads(); len(reads) != 1 {
		t.Errorf("50 openers read %d times", len(reads))
	}
}

func TestReplacedSlideIsRefreshedOnceAndNeverMixed(t *testing.T) {
	levels := halving(1000, 1000)
	s := newStored(t, levels, "")
	ctx := context.Background()
	if text, err := s.tile(ctx, 0, 3); err != nil || text[0] != 'A' {
		t.Fatalf("got %q, %v", text, err)
	}
	s.write(t, levels, "", "B")
	if text, err := s.tile(ctx, 0, 3); err != nil || text != "B0/3      " {
		t.Errorf("after the replacement: %q, %v", text, err)
	}
	// The source alone replaced: the sidecar names a version that is gone.
	put(t, s.store, id.SourceKey("slide.tif"), bytes.Repeat([]byte("C"), 1000))
	if text, err := s.tile(ctx, 0, 3); fault.KindOf(err) != fault.Changed {
		t.Errorf("a source without its sidecar answered %q, %v; want kind changed", text, err)
	}
}

func TestDeletedSlideIsNotFoundEvenWhileOpen(t *testing.T) {
	s := newStored(t, halving(1000, 1000), "")
	ctx := context.Background()
	if _, err := s.tile(ctx, 0, 0); err != nil {
		t.Fatal(err)
	}
	if err := s.store.Delete(ctx, id.SidecarKey(), id.SourceKey("slide.tif")); err != nil {
		t.Fatal(err)
	}
	if _, err := s.tile(ctx, 0, 0); fault.KindOf(err) != fault.NotFound {
		t.Errorf("got %v, want kind not-found", err)
	}
}

func TestLargeSlideHoldsLittle(t *testing.T) {
	s := newStored(t, halving(200_000, 200_000), "")
	open, err := s.catalog.Open(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	last := open.Manifest().Description.Levels[0].Tiles() - 1
	if _, err := s.tile(context.Background(), 0, last); err != nil {
		t.Fatal(err)
	}
	if held := open.HeapBytes(); held > slide.PrefixBytes {
		t.Errorf("a slide of %d tiles holds %d bytes of index, want at most %d", last+1, held, slide.PrefixBytes)
	}
}

func TestListHasOnlySlides(t *testing.T) {
	s := newStored(t, halving(100, 100), "")
	put(t, s.store, "stray.txt", []byte("x"))
	put(t, s.store, "upload-not-an-id/x", []byte("x"))
	var got []slide.ID
	for found, err := range s.catalog.List(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, found)
	}
	if diff := cmp.Diff([]slide.ID{id}, got); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
}

func TestFirstTileOfALargeSlideIsTwoReads(t *testing.T) {
	s := newStored(t, halving(24_576, 20_480), "")
	s.record.Reset()
	err := s.catalog.FreshForTiles(context.Background(), id, func(open *slide.Slide) error {
		e, err := open.Locate(context.Background(), 0, formats.Plane{}, 7000)
		if err != nil {
			return err
		}
		_, err = open.ReadTiles(context.Background(), []formats.Extent{e})
		if held := open.HeapBytes(); held > slide.PrefixBytes {
			t.Errorf("the slide holds %d bytes of index, want at most %d", held, slide.PrefixBytes)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []recording.Read{
		{Key: id.SidecarKey(), Offset: 0, Length: slide.TilesPrefixBytes},
		{Key: id.SourceKey("slide.tif"), Offset: 7000 * tileBytes, Length: tileBytes},
	}
	if diff := cmp.Diff(want, s.record.Reads()); diff != "" {
		t.Errorf("reads of the first tile (-want +got):\n%s", diff)
	}
}
