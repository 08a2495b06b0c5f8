package png

import (
	"bytes"
	"context"
	"encoding/binary"
	"hash/crc32"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats/plainimage"
)

// Bounds on the chunks besides the pixels.
const (
	maxChunks    = 4096
	maxChunk     = 4 << 20  // of one chunk that is read
	tailBytes    = 64 << 10 // where chunks behind the pixels of a large file are looked for
	maxWalkBytes = 4 << 20  // up to which size all chunks are walked
)

// readFront reads the chunks before the first IDAT and gives where that
// begins.
func (m *metadata) readFront(ctx context.Context, head *plainimage.Head) (pixels int64, err error) {
	at := int64(headerEnd)
	for range maxChunks {
		kind, length, err := chunkAt(ctx, head, at)
		if err != nil {
			return 0, err
		}
		switch kind {
		case "IDAT":
			return at, nil
		case "IEND":
			return 0, fault.New(fault.Corrupt, "png-no-pixels", "the PNG ends at byte %d without a chunk of pixels", at)
		}
		if wanted(kind) && length <= maxChunk {
			data, err := head.ReadAt(ctx, at+chunkHeadBytes, length)
			if err != nil {
				return 0, err
			}
			m.chunk(ctx, kind, data)
		}
		at += chunkOverhead + length
	}
	return 0, fault.New(fault.TooLarge, "png-too-many-chunks", "the PNG has more than %d chunks before its pixels", maxChunks)
}

// chunkAt reads a chunk's type and length, and refuses one that does not lie in
// the file.
func chunkAt(ctx context.Context, head *plainimage.Head, at int64) (kind string, length int64, err error) {
	if at+chunkHeadBytes > head.Size() {
		return "", 0, fault.New(fault.Corrupt, "png-truncated", "the PNG ends at byte %d, where a chunk was expected", head.Size())
	}
	// Chunks behind a large profile lie behind what was read first.
	for at+chunkHeadBytes > int64(len(head.Bytes())) {
		if more, err := head.More(ctx); err != nil {
			return "", 0, err
		} else if !more {
			return "", 0, fault.New(fault.TooLarge, "png-header-too-large", "the PNG's pixels do not begin within its first %d bytes", len(head.Bytes()))
		}
	}
	b := head.Bytes()[at : at+chunkHeadBytes]
	kind, length = string(b[4:]), int64(binary.BigEndian.Uint32(b))
	if !isChunkType(b[4:]) {
		return "", 0, fault.New(fault.Corrupt, "png-chunk-type", "at byte %d of the PNG there is no chunk", at)
	}
	if length > head.Size()-at-chunkOverhead && kind != "IDAT" {
		return "", 0, fault.New(fault.Corrupt, "png-chunk-length", "the PNG's chunk %s at byte %d claims %d bytes, more than are left", kind, at, length)
	}
	return kind, length, nil
}

func isChunkType(b []byte) bool {
	for _, c := range b[:4] {
		if c|0x20 < 'a' || c|0x20 > 'z' {
			return false
		}
	}
	return true
}

// readBack reads the chunks behind the pixels: of a small file all, of a large
// one those whose chain is found in its last bytes. What is broken there does
// not matter.
func (m *metadata) readBack(ctx context.Context, head *plainimage.Head, pixels int64) error {
	if head.Size() <= maxWalkBytes {
		rest, err := head.ReadAt(ctx, pixels, head.Size()-pixels)
		if err != nil {
			return err
		}
		for _, c := range chain(rest) {
			if c.kind != "IDAT" && wanted(c.kind) {
				m.chunk(ctx, c.kind, c.data)
			}
		}
		return nil
	}
	tail, err := head.ReadAt(ctx, head.Size()-tailBytes, tailBytes)
	if err != nil {
		return err
	}
	for _, c := range chainToEnd(tail) {
		if wanted(c.kind) {
			m.chunk(ctx, c.kind, c.data)
		}
	}
	return nil
}

type chunk struct {
	kind string
	data []byte
}

// chain follows chunks from the beginning of data until one is broken.
func chain(data []byte) []chunk {
	var out []chunk
	for len(data) >= chunkOverhead && len(out) < maxChunks {
		length := uint64(binary.BigEndian.Uint32(data))
		if length > uint64(len(data)-chunkOverhead) || !isChunkType(data[4:]) {
			return out
		}
		end := chunkHeadBytes + int(length)
		kind := string(data[4:8])
		if kind != "IDAT" {
			out = append(out, chunk{kind, data[chunkHeadBytes:end]})
		}
		data = data[end+4:]
	}
	return out
}

// chainToEnd finds the chunks that end with IEND at the end of tail: from each
// place that could be a chunk's type, the first whose whole chain is intact.
func chainToEnd(tail []byte) []chunk {
	for _, kind := range []string{"tEXt", "zTXt", "iTXt", "tIME", "eXIf"} {
		from := tail
		for tries := 0; tries < 64; tries++ {
			at := bytes.Index(from, []byte(kind))
			if at < 0 {
				break
			}
			if at >= 4 {
				if found, ok := intact(from[at-4:]); ok {
					return found
				}
			}
			from = from[at+4:]
		}
	}
	return nil
}

// intact tells whether data is chunks with right checksums up to IEND at its
// very end.
func intact(data []byte) ([]chunk, bool) {
	var out []chunk
	for len(data) >= chunkOverhead && len(out) < maxChunks {
		length := uint64(binary.BigEndian.Uint32(data))
		if length > uint64(len(data)-chunkOverhead) {
			return nil, false
		}
		end := chunkHeadBytes + int(length)
		if crc32.ChecksumIEEE(data[4:end]) != binary.BigEndian.Uint32(data[end:]) {
			return nil, false
		}
		c := chunk{string(data[4:8]), data[chunkHeadBytes:end]}
		data = data[end+4:]
		if c.kind == "IEND" {
			return out, len(data) == 0
		}
		out = append(out, c)
	}
	return nil, false
}
