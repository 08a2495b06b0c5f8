package tiffpage_test

import (
	"bytes"
	"context"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/tiffpage"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// batches counts calls of ReadRanges.
type batches struct {
	source.Reader
	calls int
}

func (b *batches) ReadRanges(ctx context.Context, ranges []source.Range) ([][]byte, error) {
	b.calls++
	return b.Reader.ReadRanges(ctx, ranges)
}

// assemble opens the first page of a file.
func assemble(t *testing.T, page formatstest.TIFFPage) (*tiffpage.Assembly, *batches) {
	t.Helper()
	ctx := context.Background()
	file, reader := openTIFF(t, tiff.WriteOptions{}, page)
	first, err := tiffpage.ReadPage(ctx, file.First())
	if err != nil {
		t.Fatal(err)
	}
	counted := &batches{Reader: reader}
	assembly, err := tiffpage.NewAssembly(ctx, counted, tiffpage.Axes{Channels: 1, Depth: 1, Duration: 1}, [][]tiffpage.Page{{first}})
	if err != nil {
		t.Fatal(err)
	}
	return assembly, counted
}

// TestRegionIsOneBatch: planes in small tiles are not read tile by tile.
func TestRegionIsOneBatch(t *testing.T) {
	assembly, reader := assemble(t, formatstest.TIFFPage{Width: 160, Height: 96, Tile: 16, Samples: 3, Planes: true, Data: bytes.Repeat([]byte{7}, 256)})
	region, err := assembly.ReadRegion(context.Background(), 0, formats.Plane{}, 0, 0, 160, 96)
	if err != nil {
		t.Fatal(err)
	}
	if reader.calls != 1 {
		t.Errorf("a region of 60 tiles of 3 planes took %d batches, expected 1", reader.calls)
	}
	if !bytes.Equal(region.Pix, bytes.Repeat([]byte{7}, 160*96*3)) {
		t.Error("the region is not what is stored")
	}
}

// TestBandsDecodeAStripOnce: an import reads a large strip in bands.
func TestBandsDecodeAStripOnce(t *testing.T) {
	assembly, reader := assemble(t, formatstest.TIFFPage{Width: 40, Height: 100, Samples: 3, Planes: true})
	for y := 0; y < 100; y += 20 {
		if _, err := assembly.ReadRegion(context.Background(), 0, formats.Plane{}, 0, y, 40, 20); err != nil {
			t.Fatal(err)
		}
	}
	if reader.calls != 1 {
		t.Errorf("five bands of one strip took %d batches, expected 1", reader.calls)
	}
}

// TestOverlappingSegmentsAreRefused: tiles that all name the same bytes must not
// make a small file cost a large read.
func TestOverlappingSegmentsAreRefused(t *testing.T) {
	const tiles = 3 * 10 * 10
	offsets, counts := make([]uint64, tiles), make([]uint64, tiles)
	for i := range offsets {
		offsets[i], counts[i] = uint64(8+i), 60_000
	}
	assembly, reader := assemble(t, formatstest.TIFFPage{Width: 160, Height: 160, Tile: 16, Samples: 3, Planes: true, Located: true, Fields: []tiff.Field{
		tiff.NumberField(tiff.TileOffsets, tiff.Long, offsets...), tiff.NumberField(tiff.TileByteCounts, tiff.Long, counts...),
	}})
	_, err := assembly.ReadRegion(context.Background(), 0, formats.Plane{}, 0, 0, 160, 160)
	if fault.CodeOf(err) != "tiff-segments-overlap" || fault.KindOf(err) != fault.Corrupt || reader.calls != 0 {
		t.Errorf("ReadRegion gives %v after %d reads, expected tiff-segments-overlap after none", err, reader.calls)
	}
}

// TestSharedSegmentsAreReadOnce: equal tiles may be stored once.
func TestSharedSegmentsAreReadOnce(t *testing.T) {
	const tiles = 3 * 10 * 10
	offsets, counts := make([]uint64, tiles), make([]uint64, tiles)
	for i := range offsets {
		offsets[i], counts[i] = 8, 256
	}
	assembly, reader := assemble(t, formatstest.TIFFPage{
		Width: 160, Height: 160, Tile: 16, Samples: 3, Planes: true, Located: true, Data: bytes.Repeat([]byte{9}, 256),
		Fields: []tiff.Field{tiff.NumberField(tiff.TileOffsets, tiff.Long, offsets...), tiff.NumberField(tiff.TileByteCounts, tiff.Long, counts...)},
	})
	region, err := assembly.ReadRegion(context.Background(), 0, formats.Plane{}, 0, 0, 160, 160)
	if err != nil || !bytes.Equal(region.Pix, bytes.Repeat([]byte{9}, 160*160*3)) || reader.calls != 1 {
		t.Errorf("ReadRegion gives %v after %d batches, expected 100 equal tiles after 1", err, reader.calls)
	}
}
