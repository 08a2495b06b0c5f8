package slide

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"hash/crc32"
	"io"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
)

// TileSource gives the extents of count tiles of a level and plane from tile
// number first on, in row-major order.
type TileSource func(ctx context.Context, level, plane, first, count int) ([]formats.Extent, error)

// Encode writes a sidecar. It fills m.Version and m.Index, asks tiles for one
// page of extents at a time, and holds no more than the manifest and one page.
// Every extent is checked against the source that it points into.
func Encode(ctx context.Context, w io.Writer, m *Manifest, tiles TileSource) error {
	index, pages, entries, _, err := layoutIndex(&m.Description)
	if err != nil {
		return err
	}
	if len(m.Sources) < 1 || len(m.Sources) > maxSourceNumber+1 {
		return fault.New(fault.TooLarge, "too-many-sources", "A slide of %d source objects was given, expected 1 to %d.", len(m.Sources), maxSourceNumber+1)
	}
	m.Index = index
	if m.Version, err = versionOf(*m); err != nil {
		return err
	}
	manifest, err := json.Marshal(m)
	if err != nil {
		return fault.New(fault.Internal, "manifest-json", "The manifest can not be written as JSON.").Because(err)
	}
	if len(manifest) > maxManifestBytes {
		return fault.New(fault.TooLarge, "manifest-too-large", "The manifest has %d bytes, at most %d are allowed.", len(manifest), maxManifestBytes)
	}
	head := header{
		manifestBytes: int64(len(manifest)), manifestCRC: crc32.Checksum(manifest, castagnoli),
		pages: pages, entries: entries,
	}.encode()
	if _, err := w.Write(head[:]); err != nil {
		return err
	}
	if _, err := w.Write(manifest); err != nil {
		return err
	}
	return encodePages(ctx, w, m, tiles)
}

func encodePages(ctx context.Context, w io.Writer, m *Manifest, tiles TileSource) error {
	page := make([]byte, 0, fullPage)
	for level := len(m.Description.Levels) - 1; level >= 0; level-- {
		total := m.Description.Levels[level].Tiles()
		for plane := range m.Description.Planes() {
			for first := 0; first < total; first += TilesPerPage {
				count := min(TilesPerPage, total-first)
				extents, err := tiles(ctx, level, plane, first, count)
				if err != nil {
					return err
				}
				if len(extents) != count {
					return fault.New(fault.Internal, "index-count", "The format located %d tiles of level %d, %d were asked.", len(extents), level, count)
				}
				page = page[:count*entryBytes]
				for i, e := range extents {
					if err := checkExtent(m, e, level, first+i); err != nil {
						return err
					}
					putEntry(page[i*entryBytes:], e)
				}
				page = binary.LittleEndian.AppendUint32(page, crc32.Checksum(page, castagnoli))
				if _, err := w.Write(page); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func checkExtent(m *Manifest, e formats.Extent, level, tile int) error {
	if e.Blank {
		return nil
	}
	if e.Source < 0 || e.Source >= len(m.Sources) {
		return fault.New(fault.Corrupt, "tile-source", "Tile %d of level %d lies in source %d, the slide has %d.", tile, level, e.Source, len(m.Sources))
	}
	size := m.Sources[e.Source].Size
	if e.Offset < 0 || e.Length < 1 || e.Offset > maxOffset || e.Length > maxLength || e.Length > size || e.Offset > size-e.Length {
		return fault.New(fault.Corrupt, "tile-beyond-end", "Tile %d of level %d is %d bytes at byte %d, but the file has only %d bytes.", tile, level, e.Length, e.Offset, size)
	}
	return nil
}

// Build is Encode into memory.
func Build(ctx context.Context, m *Manifest, tiles TileSource) ([]byte, error) {
	var b bytes.Buffer
	if err := Encode(ctx, &b, m, tiles); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// versionOf digests all that decides what a request is answered with: the
// identity of the sources, what is said of them, and the program that said it.
func versionOf(m Manifest) (string, error) {
	m.Version, m.CreatedAt = "", time.Time{}
	b, err := json.Marshal(m)
	if err != nil {
		return "", fault.New(fault.Internal, "manifest-json", "The manifest can not be written as JSON.").Because(err)
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8]), nil
}
