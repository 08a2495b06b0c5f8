package webp

import (
	"context"
	"encoding/binary"
	"fmt"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/exif"
	"github.com/pims-cloud/pims/formats/plainimage"
)

// Bounds on the chunks.
const (
	maxChunks     = 256
	maxExif       = 1 << 20
	maxProfile    = 4 << 20
	riffHead      = 12
	chunkHead     = 8
	greatestStart = 10 // bytes at the beginning of a chunk of pixels that say its size
)

// file is what the chunks say (RFC 9649 §2).
type file struct {
	width, height int
	sized         bool // by VP8X, else by the first chunk of pixels
	pixels        bool // there is a chunk of them, or a frame
	alpha         bool
	list          []formats.Metadatum
	exif          exif.Block
	profile       []byte
}

func (f *file) add(key string, value any) {
	f.list = append(f.list, formats.Metadatum{Namespace: "RIFF", Key: key, Value: value})
}

func readChunks(ctx context.Context, head *plainimage.Head) (*file, error) {
	if len(head.Bytes()) < riffHead+chunkHead || string(head.Bytes()[8:12]) != "WEBP" {
		return nil, fault.New(fault.Corrupt, "webp-header", "the file ends before the first chunk of a WebP")
	}
	f := &file{}
	at, size := int64(riffHead), head.Size()
	for n := 0; n < maxChunks && at+chunkHead <= size; n++ {
		b, err := head.ReadAt(ctx, at, chunkHead)
		if err != nil {
			return nil, err
		}
		kind, length := string(b[:4]), int64(binary.LittleEndian.Uint32(b[4:]))
		at += chunkHead
		// A last chunk that is cut off matters when pixels are decoded.
		length = min(length, size-at)
		want := f.wants(kind, length)
		data := []byte(nil)
		if want > 0 {
			if data, err = head.ReadAt(ctx, at, want); err != nil {
				return nil, err
			}
		}
		if err := f.chunk(ctx, kind, data); err != nil {
			return nil, err
		}
		at += length + length%2
	}
	if !f.pixels || f.width == 0 {
		return nil, fault.New(fault.Corrupt, "webp-no-pixels", "the WebP has no chunk of pixels")
	}
	return f, nil
}

// wants is how much of a chunk is read.
func (f *file) wants(kind string, length int64) int64 {
	switch kind {
	case "VP8 ", "VP8L", "VP8X", "ALPH", "ANIM":
		return min(length, greatestStart)
	case "EXIF":
		if length <= maxExif {
			return length
		}
	case "ICCP":
		if length <= maxProfile {
			return length
		}
	}
	return 0
}

func (f *file) chunk(ctx context.Context, kind string, b []byte) error {
	switch kind {
	case "VP8X":
		return f.extended(b)
	case "VP8 ":
		return f.lossy(b)
	case "VP8L":
		return f.lossless(b)
	case "ALPH":
		f.alphaChunk(b)
	case "ANMF":
		f.pixels = true
	case "ANIM":
		if len(b) >= 6 {
			f.add("BackgroundColor", fmt.Sprintf("%d %d %d %d", b[0], b[1], b[2], b[3]))
			loops := any(int64(binary.LittleEndian.Uint16(b[4:])))
			if loops == int64(0) {
				loops = "inf"
			}
			f.add("AnimationLoopCount", loops)
		}
	case "EXIF":
		if len(f.exif.Metadata()) == 0 {
			f.exif = exif.Read(ctx, b)
		}
	case "ICCP":
		f.profile = b
	}
	return nil
}

func short(kind string) error {
	return fault.New(fault.Corrupt, "webp-chunk", "the WebP's chunk %s is cut off", kind)
}

// extended reads VP8X: flags and the size of the canvas.
func (f *file) extended(b []byte) error {
	if len(b) < 10 {
		return short("VP8X")
	}
	var flags []string
	for _, flag := range []struct {
		bit  byte
		name string
	}{{1, "Animation"}, {2, "XMP"}, {3, "EXIF"}, {4, "Alpha"}, {5, "ICC Profile"}} {
		if b[0]>>flag.bit&1 == 1 {
			flags = append(flags, flag.name)
		}
	}
	f.alpha = b[0]>>4&1 == 1
	f.sized = true
	f.width = 1 + int(b[4]) + int(b[5])<<8 + int(b[6])<<16
	f.height = 1 + int(b[7]) + int(b[8])<<8 + int(b[9])<<16
	shown := strings.Join(flags, ", ")
	if shown == "" {
		shown = "(none)"
	}
	f.add("WebP_Flags", shown)
	f.add("ImageWidth", int64(f.width))
	f.add("ImageHeight", int64(f.height))
	return nil
}

// size takes the size of a chunk of pixels, which counts without VP8X.
func (f *file) size(width, height int) {
	f.pixels = true
	if f.sized || f.width > 0 {
		return
	}
	f.width, f.height = width, height
	f.add("ImageWidth", int64(width))
	f.add("ImageHeight", int64(height))
}

// lossy reads the frame header of VP8 (RFC 6386 §9.1).
func (f *file) lossy(b []byte) error {
	if len(b) < 10 || b[3] != 0x9D || b[4] != 0x01 || b[5] != 0x2A {
		return short("VP8")
	}
	width, height := binary.LittleEndian.Uint16(b[6:]), binary.LittleEndian.Uint16(b[8:])
	if width&0x3FFF == 0 || height&0x3FFF == 0 {
		return fault.New(fault.Corrupt, "webp-empty", "the WebP has %d × %d pixels", width&0x3FFF, height&0x3FFF)
	}
	versions := []string{
		"0 (bicubic reconstruction, normal loop)", "1 (bilinear reconstruction, simple loop)",
		"2 (bilinear reconstruction, no loop)", "3 (no reconstruction, no loop)",
	}
	version := fmt.Sprintf("Unknown (%d)", b[0]>>1&7)
	if v := int(b[0] >> 1 & 7); v < len(versions) {
		version = versions[v]
	}
	f.size(int(width&0x3FFF), int(height&0x3FFF))
	f.add("VP8Version", version)
	f.add("HorizontalScale", int64(width>>14))
	f.add("VerticalScale", int64(height>>14))
	return nil
}

// lossless reads the header of VP8L (RFC 9649 §3.4).
func (f *file) lossless(b []byte) error {
	if len(b) < 5 || b[0] != 0x2F {
		return short("VP8L")
	}
	v := binary.LittleEndian.Uint32(b[1:])
	if v>>28&1 == 1 {
		f.alpha = true
	}
	f.size(int(v&0x3FFF)+1, int(v>>14&0x3FFF)+1)
	return nil
}

func (f *file) alphaChunk(b []byte) {
	if len(b) == 0 {
		return
	}
	pick := func(v byte, names ...string) string {
		if int(v) < len(names) {
			return names[v]
		}
		return fmt.Sprintf("Unknown (%d)", v)
	}
	f.alpha = true
	f.add("AlphaPreprocessing", pick(b[0]>>4&3, "none", "Level Reduction"))
	f.add("AlphaFiltering", pick(b[0]>>2&3, "none", "Horizontal", "Vertical", "Gradient"))
	f.add("AlphaCompression", pick(b[0]&3, "none", "Lossless"))
}
