package dicom

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
)

// maxFrameBytes bounds what is held of one frame.
const maxFrameBytes = 1 << 30

// assembled is an image whose frames must be put together.
type assembled struct{ *image }

// ReadRegion is formats.RegionReader's; it decodes the whole frame.
func (a assembled) ReadRegion(ctx context.Context, level int, plane formats.Plane, x, y, width, height int) (*pixel.Raster, error) {
	p := a.picture
	inside := level == 0 && plane.C == 0 && plane.T == 0 && plane.Z >= 0 && plane.Z < p.frames &&
		x >= 0 && y >= 0 && width > 0 && height > 0 && x <= p.columns-width && y <= p.rows-height
	if !inside {
		return nil, fault.New(fault.Invalid, "no-such-region", "a region of %d×%d at (%d, %d) of level %d, plane %+v does not lie in the picture of %d×%d pixels and %d frames",
			width, height, x, y, level, plane, p.columns, p.rows, p.frames)
	}
	if p.frameBytes() > maxFrameBytes || int64(p.rows)*int64(p.columns)*4 > maxFrameBytes {
		return nil, fault.New(fault.TooLarge, "dicom-frame", "a frame of %d×%d pixels is larger than the %d bytes that are decoded at once", p.columns, p.rows, maxFrameBytes)
	}
	frame, err := a.frame(ctx, plane.Z)
	if err != nil {
		return nil, err
	}
	return pixel.Crop(frame, x, y, width, height), nil
}

// frame decodes one frame.
func (a assembled) frame(ctx context.Context, n int) (*pixel.Raster, error) {
	p := a.picture
	if p.bits == 1 {
		return a.bitFrame(ctx, n)
	}
	data, err := a.join(ctx, a.frames[n])
	if err != nil {
		return nil, err
	}
	switch {
	case a.data.syntax == syntaxRLE:
		if data, err = decodeRLE(data, p); err != nil {
			return nil, err
		}
	case a.swapped():
		for i := 0; i+1 < len(data); i += 2 {
			data[i], data[i+1] = data[i+1], data[i]
		}
	}
	if p.native && p.planar {
		data = interleave(data, p)
	}
	if p.palette != nil && p.bits == 16 {
		return a.throughPalette(data)
	}
	return codec.Decode(a.encoding, data, p.columns, p.rows)
}

// join reads the pieces of a frame in one batch.
func (a assembled) join(ctx context.Context, pieces []piece) ([]byte, error) {
	var total int64
	for _, at := range pieces {
		total += at.Length
	}
	if total > maxFrameBytes {
		return nil, fault.New(fault.TooLarge, "dicom-frame", "a frame of %d bytes is larger than the %d that are decoded at once", total, maxFrameBytes)
	}
	parts, err := a.data.reader.ReadRanges(ctx, pieces)
	if err != nil {
		return nil, err
	}
	if len(parts) == 1 {
		return parts[0], nil
	}
	joined := make([]byte, 0, total)
	for _, part := range parts {
		joined = append(joined, part...)
	}
	return joined, nil
}

// interleave puts samples that lie in planes side by side.
func interleave(data []byte, p *picture) []byte {
	size := p.bits / 8
	plane := p.rows * p.columns
	out := make([]byte, len(data))
	for s := range p.samples {
		for i := range plane {
			copy(out[(i*p.samples+s)*size:][:size], data[(s*plane+i)*size:])
		}
	}
	return out
}

// bitFrame unpacks single bits, the least significant first (PS3.5 §8.1.1), as
// black and white. Frames follow each other within bytes.
func (a assembled) bitFrame(ctx context.Context, n int) (*pixel.Raster, error) {
	p := a.picture
	count := int64(p.rows) * int64(p.columns) * int64(p.samples)
	first := int64(n) * count
	at := source.Range{Offset: a.data.pixels.offset + first/8}
	at.Length = a.data.pixels.offset + (first+count+7)/8 - at.Offset
	parts, err := a.data.reader.ReadRanges(ctx, []source.Range{at})
	if err != nil {
		return nil, err
	}
	out := pixel.New(p.columns, p.rows, p.samples, pixel.Uint8)
	for i := range out.Pix {
		bit := first%8 + int64(i)
		if parts[0][bit/8]>>(bit%8)&1 == 1 {
			out.Pix[i] = 0xff
		}
	}
	return out, nil
}

// throughPalette looks up 16-bit indexes.
func (a assembled) throughPalette(data []byte) (*pixel.Raster, error) {
	p := a.picture
	out := pixel.New(p.columns, p.rows, 3, pixel.Uint8)
	if len(data) < 2*p.rows*p.columns {
		return nil, corrupt("pixels", "a frame has %d bytes, expected %d", len(data), 2*p.rows*p.columns)
	}
	for i := range p.rows * p.columns {
		index := int(a.data.order.Uint16(data[2*i:]))
		copy(out.Pix[3*i:], p.palette[3*index:3*index+3])
	}
	return out, nil
}
