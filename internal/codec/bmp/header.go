package bmp

import (
	"encoding/binary"
	"math"
	"math/bits"

	"github.com/pims-cloud/pims/fault"
)

// HeadBytes is how many bytes from the beginning hold everything that
// ParseHeader looks at: file header, the longest information header, masks and
// a palette of 256 entries.
const HeadBytes = 14 + 124 + 16 + 4*256

// The compressions ("biCompression") that are decoded.
const (
	None           = 0
	RLE8           = 1
	RLE4           = 2
	Bitfields      = 3
	AlphaBitfields = 6
)

// maxSide keeps all arithmetic on sizes within 64 bits.
const maxSide = 1 << 24

// Header is what stands in front of the pixels.
type Header struct {
	Size          int // of the information header, bytes; it tells the version
	Width, Height int
	TopDown       bool
	Planes        int
	BitsPerPixel  int
	Compression   int
	ImageBytes    int64
	// PixelsPerMetre is the resolution, 0 or less when it is not told.
	PixelsPerMetreX, PixelsPerMetreY int
	Colours, ImportantColours        int64 // as stored; 0 means all
	Masks                            [4]uint32
	StoredMasks                      [4]uint32 // as in the header, whether they count or not
	PixelOffset                      int64
	// Palette has R, G, B of each entry; nil when pixels are no indexes.
	Palette []byte
	// ColourSpace and Intent are those of versions 4 and 5.
	ColourSpace, Intent uint32
	// ProfileOffset and ProfileBytes are where version 5 says that the ICC
	// profile is in the file; nobody has checked it.
	ProfileOffset, ProfileBytes int64
}

// Samples is what a pixel decodes to: 1 when its palette is grey, 3 for
// colours, 4 for colours with alpha.
func (h *Header) Samples() int {
	switch {
	case h.Palette == nil && h.Masks[3] != 0:
		return 4
	case h.Palette == nil:
		return 3
	}
	for i := 0; i+3 <= len(h.Palette); i += 3 {
		if p := h.Palette[i:]; p[0] != p[1] || p[1] != p[2] {
			return 3
		}
	}
	return 1
}

// RowBytes is the length of a row that is not compressed: rows are padded to
// 32 bits.
func (h *Header) RowBytes() int64 {
	return (int64(h.Width)*int64(h.BitsPerPixel) + 31) / 32 * 4
}

// Compressed tells whether pixels are stored as run lengths.
func (h *Header) Compressed() bool { return h.Compression == RLE4 || h.Compression == RLE8 }

func corrupt(code, format string, args ...any) error {
	return fault.New(fault.Corrupt, code, format, args...)
}

// ParseHeader reads the headers and the palette from a file's first HeadBytes
// bytes, or from all of a shorter file. Kind Unsupported for what is right and
// not decoded here: embedded JPEG and PNG, Huffman coding, 64 bits.
func ParseHeader(data []byte) (*Header, error) {
	le := binary.LittleEndian
	if len(data) < 26 || data[0] != 'B' || data[1] != 'M' {
		return nil, corrupt("bmp-header", "The data does not begin with a BMP header.")
	}
	h := &Header{Size: int(le.Uint32(data[14:])), PixelOffset: int64(le.Uint32(data[10:]))}
	if le.Uint32(data[14:]) > 124 || len(data) < 14+h.Size {
		return nil, corrupt("bmp-header-size", "The BMP's information header claims %d bytes; 12 to 124 are possible.", le.Uint32(data[14:]))
	}
	var err error
	switch h.Size {
	case 12:
		h.readCore(data[14:])
	case 40, 52, 56, 108, 124:
		err = h.readInfo(data[14:])
	default:
		err = fault.New(fault.Unsupported, "bmp-version", "The BMP's information header has %d bytes; 12, 40, 52, 56, 108 and 124 are understood.", h.Size)
	}
	if err != nil {
		return nil, err
	}
	if err := h.check(); err != nil {
		return nil, err
	}
	if h.BitsPerPixel <= 8 {
		return h, h.readPalette(data)
	}
	return h, h.readMasks(data)
}

// readCore reads OS/2's header.
func (h *Header) readCore(b []byte) {
	le := binary.LittleEndian
	h.Width, h.Height = int(le.Uint16(b[4:])), int(int16(le.Uint16(b[6:])))
	if h.Height < 0 {
		h.Height, h.TopDown = -h.Height, true
	}
	h.Planes, h.BitsPerPixel = int(le.Uint16(b[8:])), int(le.Uint16(b[10:]))
}

// readInfo reads Windows' headers.
func (h *Header) readInfo(b []byte) error {
	le := binary.LittleEndian
	i32 := func(at int) int { return int(int32(le.Uint32(b[at:]))) }
	h.Width, h.Height = i32(4), i32(8)
	if h.Height == math.MinInt32 {
		return corrupt("bmp-size", "The BMP's height of %d is impossible.", h.Height)
	}
	if h.Height < 0 {
		h.Height, h.TopDown = -h.Height, true
	}
	h.Planes, h.BitsPerPixel = int(le.Uint16(b[12:])), int(le.Uint16(b[14:]))
	h.Compression, h.ImageBytes = i32(16), int64(le.Uint32(b[20:]))
	h.PixelsPerMetreX, h.PixelsPerMetreY = i32(24), i32(28)
	h.Colours, h.ImportantColours = int64(le.Uint32(b[32:])), int64(le.Uint32(b[36:]))
	for i := range h.Masks {
		if 40+4*i+4 <= h.Size {
			h.Masks[i] = le.Uint32(b[40+4*i:])
		}
	}
	h.StoredMasks = h.Masks
	if h.Size >= 108 {
		h.ColourSpace = le.Uint32(b[56:])
	}
	if h.Size >= 124 {
		h.Intent = le.Uint32(b[108:])
		h.ProfileOffset, h.ProfileBytes = 14+int64(le.Uint32(b[112:])), int64(le.Uint32(b[116:]))
	}
	return nil
}

func (h *Header) check() error {
	if h.Width < 1 || h.Height < 1 || h.Width > maxSide || h.Height > maxSide {
		return corrupt("bmp-size", "The BMP's header says %d × %d pixels; 1 to %d a side are possible.", h.Width, h.Height, maxSide)
	}
	if h.Planes != 1 {
		return corrupt("bmp-planes", "The BMP's header says %d planes; there is always 1.", h.Planes)
	}
	ok := false
	switch h.BitsPerPixel {
	case 1, 2:
		ok = h.Compression == None
	case 4:
		ok = h.Compression == None || h.Compression == RLE4
	case 8:
		ok = h.Compression == None || h.Compression == RLE8
	case 24:
		ok = h.Compression == None
	case 16, 32:
		ok = h.Compression == None || h.Compression == Bitfields || h.Compression == AlphaBitfields
	}
	switch {
	case ok && h.TopDown && h.Compressed():
		return corrupt("bmp-rle-top-down", "The BMP has run lengths from the top, which its format forbids.")
	case ok:
		return nil
	case h.Compression == 4 || h.Compression == 5:
		return fault.New(fault.Unsupported, "bmp-embedded", "The BMP wraps a JPEG or PNG for a printer; take that file out and use it by itself.")
	}
	return fault.New(fault.Unsupported, "bmp-compression", "The BMP has %d bits a pixel with compression %d, which is not decoded here.", h.BitsPerPixel, h.Compression)
}

// readPalette reads what there is of the palette: writers lie about its length.
func (h *Header) readPalette(data []byte) error {
	entry, count := 4, int64(1)<<h.BitsPerPixel
	if h.Size == 12 {
		entry = 3
	}
	if h.Colours > 0 {
		count = min(count, h.Colours)
	}
	rest := data[14+h.Size:]
	if h.PixelOffset >= int64(14+h.Size) {
		rest = rest[:min(int64(len(rest)), h.PixelOffset-int64(14+h.Size))]
	}
	count = min(count, int64(len(rest)/entry))
	if count == 0 {
		return corrupt("bmp-palette", "The BMP of %d bits a pixel has no palette.", h.BitsPerPixel)
	}
	h.Palette = make([]byte, 0, 3*count)
	for i := range int(count) {
		e := rest[i*entry:]
		h.Palette = append(h.Palette, e[2], e[1], e[0])
	}
	return nil
}

// readMasks reads or assumes where in a pixel its samples are.
func (h *Header) readMasks(data []byte) error {
	switch {
	case h.Compression == None && h.BitsPerPixel == 16:
		h.Masks = [4]uint32{0x7C00, 0x03E0, 0x001F}
	case h.Compression == None: // headers may carry masks that do not count
		h.Masks = [4]uint32{0xFF0000, 0xFF00, 0xFF}
	case h.Size == 40:
		n := 3
		if h.Compression == AlphaBitfields {
			n = 4
		}
		if len(data) < 54+4*n {
			return corrupt("bmp-masks", "The BMP ends within its masks.")
		}
		for i := range n {
			h.Masks[i] = binary.LittleEndian.Uint32(data[54+4*i:])
		}
	}
	for i, m := range h.Masks {
		run := bits.OnesCount32(m)
		if m != 0 && bits.Len32(m)-bits.TrailingZeros32(m) != run || i < 3 && m == 0 || bits.Len32(m) > h.BitsPerPixel {
			return corrupt("bmp-masks", "The BMP's mask %#08x of sample %d is not one run of bits within %d.", m, i, h.BitsPerPixel)
		}
	}
	return nil
}
