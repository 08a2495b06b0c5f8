package vips

import (
	"bytes"
	"encoding/binary"

	"github.com/pims-cloud/pims/fault"
)

// size is what a JPEG 2000 codestream's SIZ segment says (ISO 15444-1 §A.5.1).
type size struct {
	width, height int
	components    int
	bits          byte // of the first component, as in Ssiz: depth − 1, top bit for signed
	mixed         bool // components differ in depth
	tileWidth     uint32
	tileHeight    uint32
	quartered     bool // the second and third of three are stored at half the width and height
}

// The enumerated colour spaces of a colour specification box (§I.5.3.3). There
// is one for YCbCr too, but whether loaders act on it depends on their version:
// such streams are labelled RGB, so that nobody touches them, and converted by
// us.
const (
	colourRGB  = 16
	colourGrey = 17
)

// readSize reads the SIZ segment, which must follow SOC at once.
func readSize(data []byte) (size, error) {
	if len(data) < 44 || !bytes.HasPrefix(data, []byte{0xFF, 0x4F, 0xFF, 0x51}) {
		return size{}, fault.New(fault.Corrupt, "jpeg2000-no-start", "The data does not start with a JPEG 2000 codestream.")
	}
	be := binary.BigEndian
	right, bottom := be.Uint32(data[8:]), be.Uint32(data[12:])
	left, top := be.Uint32(data[16:]), be.Uint32(data[20:])
	tileWidth, tileHeight := be.Uint32(data[24:]), be.Uint32(data[28:])
	n := int(be.Uint16(data[40:]))
	if left >= right || top >= bottom || n < 1 || n > 16384 || len(data) < 42+3*n || tileWidth == 0 || tileHeight == 0 {
		return size{}, fault.New(fault.Corrupt, "jpeg2000-size", "The JPEG 2000 codestream's size segment contradicts itself.")
	}
	// Each tile of the codestream costs its decoder memory whatever it holds.
	tiles := (uint64(right-left)/uint64(tileWidth) + 2) * (uint64(bottom-top)/uint64(tileHeight) + 2)
	if tiles > 1<<14 {
		return size{}, fault.New(fault.Corrupt, "jpeg2000-tiles", "The JPEG 2000 codestream of one tile is split into %d.", tiles)
	}
	s := size{width: int(right - left), height: int(bottom - top), components: n, bits: data[42]}
	s.tileWidth, s.tileHeight = tileWidth, tileHeight
	for i := range n {
		c := data[42+3*i:]
		if c[0] != s.bits {
			s.mixed = true
		}
		if c[1] == 0 || c[2] == 0 || c[1] > 4 || c[2] > 4 {
			return size{}, fault.New(fault.Corrupt, "jpeg2000-sampling",
				"The JPEG 2000 component %d is subsampled %d × %d; up to 4 are understood.", i, c[1], c[2])
		}
	}
	c := data[42:]
	s.quartered = n == 3 && c[1] == 1 && c[2] == 1 && c[4] == 2 && c[5] == 2 && c[7] == 2 && c[8] == 2
	return s, nil
}

// reducible tells whether libvips 8.14 can leave out so many of the finest
// resolutions: tiles of the codestream that do not halve evenly are misplaced,
// those that vanish are divided by.
func (s size) reducible(reduce int) bool {
	switch {
	case reduce == 0:
		return true
	case reduce < 0 || reduce > 31 || min(s.width, s.height)>>reduce == 0 || s.quartered:
		return false
	case int64(s.tileWidth) >= int64(s.width) && int64(s.tileHeight) >= int64(s.height):
		return true
	}
	mask := uint32(1)<<reduce - 1
	return s.tileWidth&mask == 0 && s.tileHeight&mask == 0
}

// wrap puts a codestream into the smallest JP2 file (ISO 15444-1 annex I).
// Slides store bare codestreams; a file says what the colours are, and it is
// what loaders recognise.
func wrap(data []byte, s size, colourSpace uint32) []byte {
	be := binary.BigEndian
	out := make([]byte, 0, len(data)+85)
	out = append(out, "\x00\x00\x00\x0cjP  \r\n\x87\n"...)
	out = append(out, "\x00\x00\x00\x14ftypjp2 \x00\x00\x00\x00jp2 "...)
	out = append(out, "\x00\x00\x00\x2djp2h\x00\x00\x00\x16ihdr"...)
	out = be.AppendUint32(out, uint32(s.height))
	out = be.AppendUint32(out, uint32(s.width))
	out = be.AppendUint16(out, uint16(s.components))
	out = append(out, s.bits, 7, 0, 0) // compression 7, colour known, no rights
	out = append(out, "\x00\x00\x00\x0fcolr\x01\x00\x00"...)
	out = be.AppendUint32(out, colourSpace)
	out = append(out, "\x00\x00\x00\x00jp2c"...) // length 0: to the end
	return append(out, data...)
}
