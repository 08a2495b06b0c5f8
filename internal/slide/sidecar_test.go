package slide

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/cache"
)

const testID = ID("upload-0b0a7d2c-97a1-5a35-8f3e-0c8a1d1f2e3b")

// testManifest has two levels of 5×3 and 2×1 tiles, two planes and two sources.
func testManifest() *Manifest {
	return &Manifest{
		Creator:   "pims test",
		CreatedAt: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		Name:      "slide.svs", OriginalName: "slide.svs",
		Sources: []SourceObject{
			{In: InSlides, Key: string(testID) + "/slide.svs", Size: 1 << 40, ETag: "a"},
			{In: InSlides, Key: string(testID) + "/more.dat", Size: 5000, ETag: "b"},
		},
		Description: formats.Description{
			Format: "SVS", Width: 1200, Height: 700, Depth: 2, Duration: 1, ConcreteChannels: 1, Samples: 3, SignificantBits: 8,
			Levels: []formats.Level{
				{Width: 1200, Height: 700, TileWidth: 256, TileHeight: 256},
				{Width: 300, Height: 175, TileWidth: 256, TileHeight: 256},
			},
		},
		Encodings: []formats.Encoding{{Codec: formats.CodecJPEG, Photometric: formats.PhotometricRGB, Samples: 3, BitsPerSample: 8}},
	}
}

func testTiles(_ context.Context, level, plane, first, count int) ([]formats.Extent, error) {
	extents := make([]formats.Extent, count)
	for i := range extents {
		tile := first + i
		switch {
		case level == 0 && tile == 7:
			extents[i] = formats.Extent{Blank: true}
		case level == 1:
			extents[i] = formats.Extent{Source: 1, Offset: int64(1000 * tile), Length: 999}
		default:
			extents[i] = formats.Extent{Offset: 1<<36 + int64(plane)<<20 + int64(tile)*1000, Length: int64(100 + tile)}
		}
	}
	return extents, nil
}

func build(t testing.TB, m *Manifest, tiles TileSource) []byte {
	t.Helper()
	b, err := Build(context.Background(), m, tiles)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSidecarBytes holds the format to the bytes: a change here is a new
// version of docs/sidecar-format.md.
func TestSidecarBytes(t *testing.T) {
	got := build(t, testManifest(), testTiles)
	path := filepath.Join("testdata", "sidecar-v1.hex")
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(hex.Dump(got)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), hex.Dump(got)); diff != "" {
		t.Errorf("sidecar bytes (-want +got):\n%s", diff)
	}
}

func parse(b []byte) (*Slide, error) {
	h, err := decodeHeader(testID, b, int64(len(b)))
	if err != nil {
		return nil, err
	}
	start := headerBytes + h.manifestBytes
	m, err := decodeManifest(testID, h, b[headerBytes:start], int64(len(b)))
	if err != nil {
		return nil, err
	}
	pages, err := cache.New(1 << 20)
	if err != nil {
		return nil, err
	}
	s := &Slide{id: testID, manifest: m, pagesStart: start, pages: pages}
	return s, s.keepCoarse(b[start:])
}

func TestEveryTileIsFoundAgain(t *testing.T) {
	s, err := parse(build(t, testManifest(), testTiles))
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	for level, l := range s.manifest.Description.Levels {
		for z := range 2 {
			want, _ := testTiles(ctx, level, z, 0, l.Tiles())
			for tile := range want {
				got, err := s.Locate(ctx, level, formats.Plane{Z: z}, tile)
				if err != nil {
					t.Fatal(err)
				}
				if got != want[tile] {
					t.Errorf("level %d z %d tile %d: got %+v, want %+v", level, z, tile, got, want[tile])
				}
			}
		}
	}
}

func TestWhatDoesNotExistIsInvalid(t *testing.T) {
	s, err := parse(build(t, testManifest(), testTiles))
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []struct {
		level int
		plane formats.Plane
		tile  int
	}{{-1, formats.Plane{}, 0}, {2, formats.Plane{}, 0}, {0, formats.Plane{}, -1}, {0, formats.Plane{}, 15}, {1, formats.Plane{}, 2},
		{0, formats.Plane{C: 1}, 0}, {0, formats.Plane{Z: 2}, 0}, {0, formats.Plane{T: 1}, 0}, {0, formats.Plane{Z: -1}, 0}} {
		if _, err := s.Locate(context.Background(), at.level, at.plane, at.tile); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: got %v, want kind invalid", at, err)
		}
	}
}

func TestEveryFlippedByteIsNoticed(t *testing.T) {
	good := build(t, testManifest(), testTiles)
	for i := range good {
		bad := bytes.Clone(good)
		bad[i] ^= 0x10
		if _, err := parse(bad); err == nil {
			t.Fatalf("byte %d was flipped and nobody noticed", i)
		}
	}
	for _, n := range []int{0, 10, 63, 64, 200, len(good) - 1} {
		if _, err := parse(good[:n]); err == nil {
			t.Errorf("a sidecar cut to %d bytes was accepted", n)
		}
	}
}

func TestUnknownVersionNamesTheRemedy(t *testing.T) {
	b := build(t, testManifest(), testTiles)
	binary.LittleEndian.PutUint16(b[8:], 2)
	binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	_, err := parse(b)
	if fault.KindOf(err) != fault.Unsupported || !strings.Contains(fault.Sentence(err), "pims import --reindex "+string(testID)) {
		t.Errorf("got %v", err)
	}
}

func TestVersionFollowsTheContent(t *testing.T) {
	first, second, later := testManifest(), testManifest(), testManifest()
	second.Sources[0].ETag = "other"
	later.CreatedAt = later.CreatedAt.Add(time.Hour)
	for _, m := range []*Manifest{first, second, later} {
		build(t, m, testTiles)
	}
	if first.Version == second.Version {
		t.Error("another source has the same version")
	}
	if first.Version != later.Version || len(first.Version) != 16 {
		t.Errorf("the same content has versions %q and %q", first.Version, later.Version)
	}
}

func TestExtentsAreCheckedAgainstTheSources(t *testing.T) {
	for name, e := range map[string]formats.Extent{
		"beyond the end":   {Source: 1, Offset: 4500, Length: 501},
		"offset overflows": {Source: 1, Offset: 1<<63 - 1, Length: 10},
		"negative":         {Offset: -1, Length: 10},
		"empty":            {Offset: 10},
		"source":           {Source: 2, Offset: 0, Length: 10},
	} {
		_, err := Build(context.Background(), testManifest(), func(_ context.Context, _, _, _, count int) ([]formats.Extent, error) {
			extents := make([]formats.Extent, count)
			for i := range extents {
				extents[i] = e
			}
			return extents, nil
		})
		if fault.KindOf(err) != fault.Corrupt {
			t.Errorf("%s: got %v, want kind corrupt", name, err)
		}
	}
}

func TestErrorOfTheFormatIsPassedOn(t *testing.T) {
	want := errors.New("disk on fire")
	_, err := Build(context.Background(), testManifest(), func(context.Context, int, int, int, int) ([]formats.Extent, error) { return nil, want })
	if !errors.Is(err, want) {
		t.Errorf("got %v", err)
	}
}

func FuzzSidecar(f *testing.F) {
	f.Add(build(f, testManifest(), testTiles))
	f.Add([]byte("\x89PIMS\r\n\x1a"))
	f.Fuzz(func(t *testing.T, b []byte) {
		// Checksums would stop the fuzzer at the door, so they are made right.
		if len(b) >= headerBytes {
			n := binary.LittleEndian.Uint64(b[16:])
			if n < uint64(len(b)-headerBytes) {
				binary.LittleEndian.PutUint32(b[24:], crc32.Checksum(b[headerBytes:headerBytes+int(n)], castagnoli))
			}
			binary.LittleEndian.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
		}
		s, err := parse(b)
		if err != nil {
			return
		}
		for level, l := range s.manifest.Description.Levels {
			tile := l.Tiles() - 1
			if l := s.manifest.Index[level]; l.Offset+l.PlaneBytes > int64(len(s.coarse)) {
				continue
			}
			_, _ = s.Locate(context.Background(), level, formats.Plane{}, tile)
		}
	})
}
