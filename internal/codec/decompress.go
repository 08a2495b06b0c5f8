package codec

import (
	"bytes"
	"errors"
	"io"

	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/image/tiff/lzw"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
)

// expansion is the most bytes that one stored byte can become, and whether the
// codec is one of those that decompress handles. A tile that claims more is
// refused before its buffer is made.
func expansion(c formats.Codec) (factor int64, ok bool) {
	switch c {
	case formats.CodecNone:
		return 1, true
	case formats.CodecPackBits:
		return 64, true // 128 bytes of 2
	case formats.CodecDeflate:
		return 1040, true // 258 bytes of 2 bits (zlib's technical notes: 1032)
	case formats.CodecLZW:
		return 2800, true // 12-bit codes for at most 4096 − 258 bytes
	case formats.CodecZstd:
		return 1 << 16, true // run-length blocks of 128 KiB in 4 bytes (RFC 8878 §3.1.1.2)
	default:
		return 0, false
	}
}

// slack is for streams so short that the ratio says nothing.
const slack = 64 << 10

// decompress gives exactly size bytes of a tile, in buffer when it is large
// enough, and never in data.
func decompress(codec formats.Codec, data []byte, size int64, buffer []byte) ([]byte, error) {
	factor, ok := expansion(codec)
	if !ok {
		return nil, fault.New(fault.Unsupported, "codec-unsupported", "Tiles of codec %q cannot be decoded by this build.", codec)
	}
	if codec == formats.CodecNone {
		if int64(len(data)) < size {
			return nil, tooShort(codec, int64(len(data)), size, nil)
		}
		return append(buffer[:0], data[:size]...), nil
	}
	if size > int64(len(data))*factor+slack {
		return nil, fault.New(fault.Corrupt, "codec-impossible-size",
			"The tile's %d bytes of codec %s cannot become the %d that its container claims.", len(data), codec, size)
	}
	if size > MaxBytes {
		return nil, fault.New(fault.TooLarge, "codec-tile-too-large", "The tile has %d bytes; %d are allowed.", size, int64(MaxBytes))
	}
	if codec == formats.CodecLZW && len(data) >= 2 && data[0] == 0 && data[1]&1 == 1 {
		// A clear code in the bit order that writers used before TIFF 6.0.
		return nil, fault.New(fault.Unsupported, "codec-lzw-old",
			"The tile uses the LZW of before TIFF 6.0; rewrite the file with tiffcp -c lzw.")
	}
	out := buffer
	if int64(cap(out)) < size {
		out = make([]byte, size)
	}
	out = out[:size]
	var err error
	var n int
	switch codec {
	case formats.CodecPackBits:
		n = unpackRuns(out, data)
	case formats.CodecDeflate:
		n, err = inflate(out, data)
	case formats.CodecLZW:
		reader := lzw.NewReader(bytes.NewReader(data), lzw.MSB, 8)
		n, err = io.ReadFull(reader, out)
		_ = reader.Close() // of memory: it cannot fail
	case formats.CodecZstd:
		n, err = inflateZstd(out, data)
	}
	if n < len(out) {
		return nil, tooShort(codec, int64(n), size, err)
	}
	if err != nil {
		return nil, fault.New(fault.Corrupt, "codec-damaged", "The tile's %s data is damaged.", codec).Because(err)
	}
	return out, nil
}

func tooShort(codec formats.Codec, got, want int64, cause error) error {
	return fault.New(fault.Corrupt, "codec-tile-short",
		"The tile's %s data gives %d bytes; %d are expected.", codec, got, want).Because(cause)
}

// inflate fills out. When the stream ends there as it should, its checksum has
// been verified too.
func inflate(out, data []byte) (int, error) {
	reader, err := zlib.NewReader(bytes.NewReader(data))
	if err != nil {
		return 0, err
	}
	n, err := io.ReadFull(reader, out)
	if err != nil {
		return n, err
	}
	var more [1]byte
	if _, err := reader.Read(more[:]); errors.Is(err, zlib.ErrChecksum) {
		return n, err
	}
	return n, nil
}

// zstdWindow is the largest window of zstd's ordinary levels, 1 to 19. Writers
// that do not know the size beforehand claim it for the smallest tile.
const zstdWindow = 8 << 20

// inflateZstd decodes straight into out, which is then the window as well: a
// frame header's claim of a large window allocates nothing; but it is refused
// above zstdWindow, and what is decoded stays below the same bound or twice the
// tile, and is cut.
func inflateZstd(out, data []byte) (int, error) {
	reader, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(uint64(max(2*len(out)+slack, zstdWindow))))
	if err != nil {
		return 0, err
	}
	defer reader.Close()
	got, err := reader.DecodeAll(data, out[:0])
	if err != nil {
		return min(len(got), len(out)), err
	}
	if len(got) > len(out) { // grown elsewhere
		copy(out, got)
	}
	return min(len(got), len(out)), nil
}

// unpackRuns is PackBits (TIFF 6.0 §9): how many bytes of out it could fill.
func unpackRuns(out, data []byte) int {
	n := 0
	for i := 0; i < len(data) && n < len(out); {
		count := int(int8(data[i]))
		i++
		switch {
		case count >= 0: // count+1 bytes as they are
			literal := data[i:min(i+count+1, len(data))]
			n += copy(out[n:], literal)
			i += len(literal)
		case count != -128 && i < len(data): // one byte 1−count times
			run := out[n:min(n+1-count, len(out))]
			for k := range run {
				run[k] = data[i]
			}
			n += len(run)
			i++
		}
	}
	return n
}
