package objectstore_test

import (
	"bytes"
	"context"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
	"github.com/pims-cloud/pims/internal/objectstore/recording"
	"github.com/pims-cloud/pims/internal/objectstore/storetest"
	"github.com/pims-cloud/pims/source"
)

// structural marks every read as one of structure.
type structural struct{ objectstore.Driver }

func (s structural) ReadRanges(ctx context.Context, key, etag string, ranges []source.Range) ([][]byte, error) {
	return s.Driver.ReadRanges(objectstore.ReadingStructure(ctx), key, etag, ranges)
}

func TestBlockCacheKeepsTheContract(t *testing.T) {
	storetest.Run(t, func(*testing.T) objectstore.Driver {
		return structural{objectstore.Blocks(memory.New(), 128<<10)}
	})
}

// blocksOver is a cache over an object of 150,000 bytes that was looked at.
func blocksOver(t *testing.T, maxBytes int64) (*recording.Driver, objectstore.Driver, objectstore.Object, []byte) {
	t.Helper()
	data := make([]byte, 150_000)
	_, _ = rand.NewChaCha8([32]byte{5}).Read(data)
	recorded := recording.Wrap(memory.New())
	put(t, objectstore.New(recorded), "k", string(data))
	d := objectstore.Blocks(recorded, maxBytes)
	o, err := d.Stat(t.Context(), "k")
	if err != nil {
		t.Fatal(err)
	}
	return recorded, d, o, data
}

func TestStructureIsReadOnceInBlocks(t *testing.T) {
	recorded, d, o, data := blocksOver(t, 1<<20)
	ctx := objectstore.ReadingStructure(t.Context())
	dice := rand.New(rand.NewPCG(1, 1))
	for range 500 {
		var ranges []source.Range
		for range dice.IntN(5) + 1 {
			offset := dice.Int64N(o.Size)
			ranges = append(ranges, source.Range{Offset: offset, Length: min(dice.Int64N(3000)+1, o.Size-offset)})
		}
		got, err := d.ReadRanges(ctx, "k", o.ETag, ranges)
		if err != nil {
			t.Fatal(err)
		}
		for i, r := range ranges {
			if !bytes.Equal(got[i], data[r.Offset:r.End()]) {
				t.Fatalf("%+v has other bytes", r)
			}
			clear(got[i]) // it belongs to the caller
		}
	}
	if reads := len(recorded.Reads()); reads != 3 {
		t.Errorf("%d reads of an object of 3 blocks", reads)
	}
}

func TestOnlyStructureGoesThroughTheBlocks(t *testing.T) {
	recorded, d, o, _ := blocksOver(t, 1<<20)
	exact := func(doing string, ctx context.Context, etag string, r source.Range) {
		t.Helper()
		recorded.Reset()
		if _, err := d.ReadRanges(ctx, "k", etag, []source.Range{r}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]recording.Read{{Key: "k", Offset: r.Offset, Length: r.Length}}, recorded.Reads()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", doing, diff)
		}
	}
	structure := objectstore.ReadingStructure(t.Context())
	exact("a tile", t.Context(), o.ETag, source.Range{Offset: 10, Length: 20})
	exact("no version", structure, "", source.Range{Offset: 10, Length: 20})
	exact("a long read", structure, o.ETag, source.Range{Offset: 10, Length: 64<<10 + 1})
	if _, err := d.ReadRanges(structure, "k", o.ETag, []source.Range{{Offset: 149_999, Length: 2}}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a range past the end: %v", err)
	}
	if _, err := d.ReadRanges(structure, "k", "another", []source.Range{{Offset: 0, Length: 2}}); fault.KindOf(err) != fault.Changed {
		t.Errorf("another version: %v", err)
	}
}

func TestKeptBlocksAreBounded(t *testing.T) {
	recorded, d, o, _ := blocksOver(t, 2*64<<10) // two of the three
	ctx := objectstore.ReadingStructure(t.Context())
	for _, n := range []int64{0, 1, 0, 2, 0, 1} { // 2 drives out 1, which was not used for longer
		if _, err := d.ReadRanges(ctx, "k", o.ETag, []source.Range{{Offset: n * 64 << 10, Length: 1}}); err != nil {
			t.Fatal(err)
		}
	}
	want := []recording.Read{
		{Key: "k", Offset: 0, Length: 64 << 10}, {Key: "k", Offset: 64 << 10, Length: 64 << 10},
		{Key: "k", Offset: 128 << 10, Length: 150_000 - 128<<10}, {Key: "k", Offset: 64 << 10, Length: 64 << 10},
	}
	if diff := cmp.Diff(want, recorded.Reads()); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}
