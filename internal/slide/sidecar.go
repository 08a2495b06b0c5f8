package slide

import (
	"encoding/binary"
	"encoding/json"
	"hash/crc32"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
)

// The numbers of docs/sidecar-format.md.
const (
	headerBytes  = 64
	majorVersion = 1
	minorVersion = 1

	// TilesPerPage is how many entries a page has, but for the last one of a plane.
	TilesPerPage = 4096
	entryBytes   = 12
	pageCRCBytes = 4
	fullPage     = TilesPerPage*entryBytes + pageCRCBytes

	// PrefixBytes is how much of a sidecar is read to open a slide, and how
	// much of its index an open slide holds.
	PrefixBytes = 64 << 10
	// TilesPrefixBytes is how much is read when tiles will be asked for: it has
	// the whole index of slides of up to 20,000 tiles, so that the first tile of
	// a fresh process waits for two reads, not for three. What is beyond
	// PrefixBytes goes to the cache of pages.
	TilesPrefixBytes = 256 << 10

	maxManifestBytes = 64 << 20
	maxSourceNumber  = 1<<12 - 1
	maxOffset        = 1<<48 - 1
	maxLength        = 1<<32 - 1

	// These keep every product of sizes below 2^63 before it is compared with
	// what is really there.
	maxAlong   = 1 << 16
	maxSidePx  = 1<<31 - 1
	maxEntries = 1 << 36

	flagBlank   = 1 << 0
	sourceShift = 4
)

// magic starts like PNG's: a byte over 127 and both line ends catch transfers
// that are not 8-bit clean.
var magic = [8]byte{0x89, 'P', 'I', 'M', 'S', '\r', '\n', 0x1a}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const reindexHint = "Import the slide again (pims import --reindex %s) to write a new one."

// header is the fixed part of a sidecar.
type header struct {
	manifestBytes int64
	manifestCRC   uint32
	pages         uint32
	entries       uint64
}

func (h header) encode() [headerBytes]byte {
	var b [headerBytes]byte
	copy(b[:8], magic[:])
	le := binary.LittleEndian
	le.PutUint16(b[8:], majorVersion)
	le.PutUint16(b[10:], minorVersion)
	le.PutUint64(b[16:], uint64(h.manifestBytes))
	le.PutUint32(b[24:], h.manifestCRC)
	le.PutUint32(b[28:], h.pages)
	le.PutUint64(b[32:], h.entries)
	le.PutUint32(b[40:], TilesPerPage)
	le.PutUint32(b[44:], entryBytes)
	le.PutUint32(b[60:], crc32.Checksum(b[:60], castagnoli))
	return b
}

func corrupt(id ID, code, format string, args ...any) error {
	e := fault.New(fault.Corrupt, code, format, args...)
	e.Detail += " " + fault.New(fault.Corrupt, "", reindexHint, id).Detail
	return e
}

// decodeHeader checks everything that can be checked without the manifest.
// size is the length of the whole sidecar.
func decodeHeader(id ID, b []byte, size int64) (header, error) {
	if len(b) < headerBytes {
		return header{}, corrupt(id, "sidecar-short", "The sidecar of %s has %d bytes, its header alone needs %d.", id, len(b), headerBytes)
	}
	if [8]byte(b[:8]) != magic {
		return header{}, corrupt(id, "sidecar-magic", "The sidecar of %s does not start with the mark of one.", id)
	}
	le := binary.LittleEndian
	if major := le.Uint16(b[8:]); major != majorVersion {
		e := fault.New(fault.Unsupported, "sidecar-version",
			"The sidecar of %s has format version %d, this program reads version %d. "+reindexHint, id, major, majorVersion, id)
		return header{}, e
	}
	if crc32.Checksum(b[:60], castagnoli) != le.Uint32(b[60:]) {
		return header{}, corrupt(id, "sidecar-header-crc", "The header of the sidecar of %s does not have the checksum that it states.", id)
	}
	h := header{
		manifestBytes: int64(le.Uint64(b[16:])),
		manifestCRC:   le.Uint32(b[24:]),
		pages:         le.Uint32(b[28:]),
		entries:       le.Uint64(b[32:]),
	}
	if le.Uint32(b[40:]) != TilesPerPage || le.Uint32(b[44:]) != entryBytes {
		return header{}, corrupt(id, "sidecar-page-size", "The sidecar of %s has pages of %d entries of %d bytes, expected %d of %d.",
			id, le.Uint32(b[40:]), le.Uint32(b[44:]), TilesPerPage, entryBytes)
	}
	if h.manifestBytes < 2 || h.manifestBytes > maxManifestBytes || headerBytes+h.manifestBytes > size {
		return header{}, corrupt(id, "sidecar-manifest-length", "The sidecar of %s states a manifest of %d bytes, the whole object has %d.", id, h.manifestBytes, size)
	}
	return h, nil
}

// decodeManifest checks the manifest against its checksum, and what it states
// against the length of the sidecar, so that later arithmetic can trust it.
func decodeManifest(id ID, h header, b []byte, size int64) (*Manifest, error) {
	if crc32.Checksum(b, castagnoli) != h.manifestCRC {
		return nil, corrupt(id, "sidecar-manifest-crc", "The manifest of %s does not have the checksum that the header states.", id)
	}
	var m Manifest
	if err := json.Unmarshal(b, &m); err != nil {
		return nil, fault.New(fault.Corrupt, "sidecar-manifest-json", "The manifest of %s is not valid JSON. "+reindexHint, id, id).Because(err)
	}
	index, pages, entries, total, err := layoutIndex(&m.Description)
	if err != nil {
		return nil, err
	}
	if pages != h.pages || entries != h.entries || len(index) != len(m.Index) || headerBytes+h.manifestBytes+total != size {
		return nil, corrupt(id, "sidecar-index-length", "The sidecar of %s has %d bytes and %d pages, its levels need %d bytes and %d pages.",
			id, size, h.pages, headerBytes+h.manifestBytes+total, pages)
	}
	for i := range index {
		if index[i] != m.Index[i] {
			return nil, corrupt(id, "sidecar-index", "The index of level %d of %s is stated at byte %d, its levels put it at byte %d.", i, id, m.Index[i].Offset, index[i].Offset)
		}
	}
	for i, l := range m.Description.Levels {
		if l.Encoding < 0 || l.Encoding >= len(m.Encodings) {
			return nil, corrupt(id, "sidecar-encoding", "Level %d of %s names encoding %d, the manifest has %d.", i, id, l.Encoding, len(m.Encodings))
		}
	}
	return &m, nil
}

// layoutIndex computes where the pages of every level go, coarse levels first.
func layoutIndex(d *formats.Description) (index []LevelIndex, pages uint32, entries uint64, total int64, err error) {
	for _, n := range []int{d.ConcreteChannels, d.Depth, d.Duration, len(d.Levels)} {
		if n < 1 || n > maxAlong {
			return nil, 0, 0, 0, fault.New(fault.Invalid, "slide-empty", "A slide has %d channels, %d depths, %d times and %d levels, expected 1 to %d of each.",
				d.ConcreteChannels, d.Depth, d.Duration, len(d.Levels), maxAlong)
		}
	}
	planes := d.Planes()
	index = make([]LevelIndex, len(d.Levels))
	for i := len(d.Levels) - 1; i >= 0; i-- {
		l := d.Levels[i]
		for _, n := range []int{l.Width, l.Height, l.TileWidth, l.TileHeight} {
			if n < 1 || n > maxSidePx {
				return nil, 0, 0, 0, fault.New(fault.Invalid, "level-size", "Level %d is %d×%d in tiles of %d×%d, expected 1 to %d pixels.", i, l.Width, l.Height, l.TileWidth, l.TileHeight, maxSidePx)
			}
		}
		tiles := int64(l.Tiles())
		perPlane := (tiles + TilesPerPage - 1) / TilesPerPage
		if tiles > maxEntries/int64(planes) {
			return nil, 0, 0, 0, fault.New(fault.TooLarge, "index-too-large", "Level %d has %d tiles in %d planes, more than an index holds.", i, tiles, planes)
		}
		index[i] = LevelIndex{Offset: total, PlaneBytes: tiles*entryBytes + perPlane*pageCRCBytes}
		total += index[i].PlaneBytes * int64(planes)
		pages += uint32(perPlane) * uint32(planes)
		entries += uint64(tiles) * uint64(planes)
	}
	return index, pages, entries, total, nil
}

// putEntry writes one extent; the caller has checked its bounds.
func putEntry(b []byte, e formats.Extent) {
	le := binary.LittleEndian
	le.PutUint32(b[0:], uint32(e.Offset))
	le.PutUint16(b[4:], uint16(e.Offset>>32))
	le.PutUint32(b[6:], uint32(e.Length))
	flags := uint16(e.Source) << sourceShift
	if e.Blank {
		flags |= flagBlank
	}
	le.PutUint16(b[10:], flags)
}

func entryAt(page []byte, i int) formats.Extent {
	b := page[i*entryBytes:][:entryBytes]
	le := binary.LittleEndian
	flags := le.Uint16(b[10:])
	return formats.Extent{
		Source: int(flags >> sourceShift),
		Offset: int64(le.Uint32(b[0:])) | int64(le.Uint16(b[4:]))<<32,
		Length: int64(le.Uint32(b[6:])),
		Blank:  flags&flagBlank != 0,
	}
}
