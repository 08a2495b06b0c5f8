package bmp

import (
	"encoding/binary"
	"math/bits"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/pixel"
)

// MaxPixels bounds one picture: 2^27, which is 384 MiB of RGB.
const MaxPixels = 1 << 27

// maxRun is the most pixels that two bytes of run lengths become; slackPixels
// is for pictures so small that the ratio says nothing.
const (
	maxRun      = 255
	slackPixels = 1 << 20
)

// Decode decodes a whole file, whose size must be widthPx × heightPx, to 8-bit
// grey, RGB or RGBA. Indexes beyond the palette are black. Alpha that is 0
// everywhere is what programs write that do not know of it: the picture is
// opaque then. Kinds: Corrupt, Unsupported, TooLarge.
func Decode(data []byte, widthPx, heightPx int) (*pixel.Raster, error) {
	h, err := ParseHeader(data)
	if err != nil {
		return nil, err
	}
	if h.Width != widthPx || h.Height != heightPx {
		return nil, corrupt("bmp-size-mismatch", "The BMP has %d × %d pixels, but %d × %d were expected.", h.Width, h.Height, widthPx, heightPx)
	}
	pixels := int64(h.Width) * int64(h.Height)
	if pixels > MaxPixels {
		return nil, fault.New(fault.TooLarge, "bmp-too-large", "The BMP has %d × %d pixels; at most %d pixels are decoded at once.", h.Width, h.Height, MaxPixels)
	}
	if err := h.CheckLength(int64(len(data))); err != nil {
		return nil, err
	}
	out := pixel.New(h.Width, h.Height, h.Samples(), pixel.Uint8)
	body := data[h.PixelOffset:]
	switch {
	case h.Compressed():
		err = h.runs(out, body)
	case h.Palette != nil:
		h.indexes(out, body)
	default:
		h.masked(out, body)
	}
	if err != nil {
		return nil, err
	}
	if out.Samples == 4 {
		opaqueIfEmpty(out)
	}
	return out, nil
}

// CheckLength tells whether a file of so many bytes can hold the pixels that
// its header claims.
func (h *Header) CheckLength(fileBytes int64) error {
	if h.PixelOffset < 14+int64(h.Size) || h.PixelOffset > fileBytes {
		return corrupt("bmp-offset", "The BMP's pixels begin at byte %d, but its headers end at %d and the file at %d.", h.PixelOffset, 14+h.Size, fileBytes)
	}
	have := fileBytes - h.PixelOffset
	if h.Compressed() {
		if pixels := int64(h.Width) * int64(h.Height); pixels > have/2*maxRun+slackPixels {
			return corrupt("bmp-impossible-size", "The BMP's %d bytes of run lengths cannot hold %d × %d pixels.", have, h.Width, h.Height)
		}
		return nil
	}
	if need := h.RowBytes() * int64(h.Height); have < need {
		return corrupt("bmp-truncated", "The BMP's %d × %d pixels take %d bytes, but only %d are left.", h.Width, h.Height, need, have)
	}
	return nil
}

// row is where line y of the stored pixels goes.
func (h *Header) row(out *pixel.Raster, y int) []byte {
	if h.TopDown {
		return out.Row(y)
	}
	return out.Row(h.Height - 1 - y)
}

// colours is the palette filled up to 256 entries, one byte each when grey.
func (h *Header) colours(samples int) [256][3]byte {
	var out [256][3]byte
	for i := 0; i < len(h.Palette)/3 && i < len(out); i++ {
		copy(out[i][:samples], h.Palette[3*i:])
	}
	return out
}

func (h *Header) indexes(out *pixel.Raster, body []byte) {
	table := h.colours(out.Samples)
	step := int(h.RowBytes())
	mask := byte(1<<h.BitsPerPixel - 1)
	perByte := 8 / h.BitsPerPixel
	for y := range h.Height {
		from, to := body[y*step:(y+1)*step], h.row(out, y)
		for x := range h.Width {
			shift := 8 - h.BitsPerPixel*(x%perByte+1)
			index := from[x/perByte] >> shift & mask
			copy(to[x*out.Samples:(x+1)*out.Samples], table[index][:])
		}
	}
}

// sample is one mask, taken apart.
type sample struct {
	mask  uint32
	shift int
	top   uint32 // greatest value
}

func (h *Header) masked(out *pixel.Raster, body []byte) {
	step := int(h.RowBytes())
	var samples []sample
	for _, m := range h.Masks[:out.Samples] {
		samples = append(samples, sample{m, bits.TrailingZeros32(m), 1<<bits.OnesCount32(m) - 1})
	}
	size := h.BitsPerPixel / 8
	whole := h.Masks[0] == 0xFF0000 && h.Masks[1] == 0xFF00 && h.Masks[2] == 0xFF && out.Samples == 3
	for y := range h.Height {
		from, to := body[y*step:(y+1)*step], h.row(out, y)
		for x := range h.Width {
			p, q := from[x*size:x*size+size], to[x*out.Samples:(x+1)*out.Samples]
			if whole {
				q[0], q[1], q[2] = p[2], p[1], p[0]
				continue
			}
			v := uint32(binary.LittleEndian.Uint16(p))
			if size == 4 {
				v = binary.LittleEndian.Uint32(p)
			}
			for c, s := range samples {
				q[c] = byte((uint64(v&s.mask>>s.shift)*255 + uint64(s.top)/2) / uint64(s.top))
			}
		}
	}
}

func opaqueIfEmpty(out *pixel.Raster) {
	for i := 3; i < len(out.Pix); i += 4 {
		if out.Pix[i] != 0 {
			return
		}
	}
	for i := 3; i < len(out.Pix); i += 4 {
		out.Pix[i] = 255
	}
}
