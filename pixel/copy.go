package pixel

import (
	"github.com/pims-cloud/pims/fault"
)

// Crop copies a rectangle of r into a raster of its own. What lies outside r
// is zero in the copy; a width or height below zero counts as zero.
func Crop(r *Raster, x, y, width, height int) *Raster {
	out := New(max(width, 0), max(height, 0), r.Samples, r.Type)
	copyClipped(out, r, -x, -y)
	return out
}

// Paste copies src over dst with src's top left pixel at (x, y); what falls
// outside dst is left out. The rasters must have the same samples and type:
// otherwise dst is untouched and the error is of kind Invalid.
func Paste(dst, src *Raster, x, y int) error {
	if dst.Samples != src.Samples || dst.Type != src.Type {
		return fault.New(fault.Invalid, "pixel-paste-mismatch",
			"A raster of %d × %s cannot be pasted into one of %d × %s.",
			src.Samples, src.Type, dst.Samples, dst.Type)
	}
	copyClipped(dst, src, x, y)
	return nil
}

func copyClipped(dst, src *Raster, x, y int) {
	left, right := max(x, 0), min(x+src.Width, dst.Width)
	top, bottom := max(y, 0), min(y+src.Height, dst.Height)
	if left >= right || top >= bottom {
		return
	}
	pixelBytes := src.Samples * src.Type.Bytes()
	for row := top; row < bottom; row++ {
		to := dst.Row(row)[left*pixelBytes : right*pixelBytes]
		copy(to, src.Row(row - y)[(left-x)*pixelBytes:])
	}
}

// SelectChannels copies the given samples of every pixel, in the given order;
// a channel may be named more than once. Kind Invalid when there is none, or
// one that r does not have.
func SelectChannels(r *Raster, channels []int) (*Raster, error) {
	if len(channels) == 0 {
		return nil, fault.New(fault.Invalid, "pixel-no-channel", "At least one channel must be selected.")
	}
	for _, c := range channels {
		if c < 0 || c >= r.Samples {
			return nil, fault.New(fault.Invalid, "pixel-channel-unknown",
				"Channel %d was selected, but the picture has channels 0 to %d.", c, r.Samples-1)
		}
	}
	out := New(r.Width, r.Height, len(channels), r.Type)
	size := r.Type.Bytes()
	for y := range r.Height {
		from, to := r.Row(y), out.Row(y)
		for k, c := range channels {
			switch size {
			case 1:
				for i, j := c, k; j < len(to); i, j = i+r.Samples, j+len(channels) {
					to[j] = from[i]
				}
			case 2:
				for i, j := 2*c, 2*k; j+1 < len(to); i, j = i+2*r.Samples, j+2*len(channels) {
					to[j], to[j+1] = from[i], from[i+1]
				}
			default:
				for i, j := c*size, k*size; j < len(to); i, j = i+r.Samples*size, j+len(channels)*size {
					copy(to[j:j+size], from[i:i+size])
				}
			}
		}
	}
	return out, nil
}

// FlattenAlpha lays r over a background and drops the last sample, which is
// alpha, not premultiplied, opaque at the type's greatest value. background
// has one value a channel in the type's own range; missing ones are zero
// (black). Kinds: Invalid for fewer than two samples, Unsupported for types
// other than uint8 and uint16.
func FlattenAlpha(r *Raster, background []uint16) (*Raster, error) {
	if r.Samples < 2 {
		return nil, fault.New(fault.Invalid, "pixel-no-alpha",
			"A picture of %d sample a pixel has no alpha to flatten.", r.Samples)
	}
	colours := r.Samples - 1
	back := make([]uint32, colours)
	for i := range min(len(background), colours) {
		back[i] = uint32(background[i])
	}
	out := New(r.Width, r.Height, colours, r.Type)
	for y := range r.Height {
		switch r.Type {
		case Uint8:
			flatten8(out.Row(y), r.Row(y), back)
		case Uint16:
			flatten16(out.Row(y), r.Row(y), back)
		default:
			return nil, unsupportedType("flattened", r.Type)
		}
	}
	return out, nil
}

// Integer blending rounds to nearest: (v·a + b·(M−a) + M/2) / M.
func flatten8(to, from []byte, back []uint32) {
	colours := len(back)
	for i, j := 0, 0; j+colours <= len(to); i, j = i+colours+1, j+colours {
		a := uint32(from[i+colours])
		for k, b := range back {
			to[j+k] = byte((uint32(from[i+k])*a + b*(255-a) + 127) / 255)
		}
	}
}

func flatten16(to, from []byte, back []uint32) {
	colours := len(back)
	for i, j := 0, 0; j+2*colours <= len(to); i, j = i+2*(colours+1), j+2*colours {
		a := uint64(get16(from, i+2*colours))
		for k, b := range back {
			v := (uint64(get16(from, i+2*k))*a + uint64(b)*(65535-a) + 32767) / 65535
			put16(to, j+2*k, uint16(v))
		}
	}
}

func unsupportedType(what string, t Type) error {
	return fault.New(fault.Unsupported, "pixel-type-unsupported",
		"Samples of type %s cannot be %s; uint8 and uint16 can. Convert them first.", t, what)
}

func get16(b []byte, i int) uint16 {
	_ = b[i+1]
	return uint16(b[i]) | uint16(b[i+1])<<8
}

func put16(b []byte, i int, v uint16) {
	_ = b[i+1]
	b[i], b[i+1] = byte(v), byte(v>>8)
}
