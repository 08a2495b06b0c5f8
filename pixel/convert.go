package pixel

import (
	"github.com/pims-cloud/pims/fault"
)

// ToUnsigned moves signed samples to the unsigned type of the same size by
// taking away the signed type's least value: −128 becomes 0 (pims-api §4.2).
// Unsigned rasters come back as they are, not copied; floats are kind
// Unsupported.
func ToUnsigned(r *Raster) (*Raster, error) {
	var t Type
	switch r.Type {
	case Uint8, Uint16, Uint32:
		return r, nil
	case Int8:
		t = Uint8
	case Int16:
		t = Uint16
	case Int32:
		t = Uint32
	default:
		return nil, fault.New(fault.Unsupported, "pixel-type-unsupported",
			"Samples of type %s have no unsigned counterpart; normalise them by bounds.", r.Type)
	}
	out := New(r.Width, r.Height, r.Samples, t)
	size := t.Bytes()
	for y := range r.Height {
		to := out.Row(y)
		copy(to, r.Row(y))
		// In two's complement, subtracting the least value flips the top bit.
		for i := size - 1; i < len(to); i += size {
			to[i] ^= 0x80
		}
	}
	return out, nil
}

// ToUint8 scales unsigned samples of the given significant bits to 0…255,
// rounded to nearest: out = v·255/(2^bits − 1); greater values become 255.
// A uint8 raster of 8 bits comes back as it is, not copied. bits of 0 or
// beyond the type means the whole type. Kind Unsupported for other types.
func ToUint8(r *Raster, bits int) (*Raster, error) {
	size := r.Type.Bytes()
	if bits <= 0 || bits > 8*size {
		bits = 8 * size
	}
	if r.Type == Uint8 && bits == 8 {
		return r, nil
	}
	if r.Type != Uint8 && r.Type != Uint16 && r.Type != Uint32 {
		return nil, fault.New(fault.Unsupported, "pixel-type-unsupported",
			"Samples of type %s cannot be scaled to 8 bits; make them unsigned or normalise them first.", r.Type)
	}
	top := uint64(1)<<bits - 1
	out := New(r.Width, r.Height, r.Samples, Uint8)
	for y := range r.Height {
		from, to := r.Row(y), out.Row(y)
		switch {
		case r.Type == Uint16 && bits == 16:
			for i := range to { // v·255/65535 = v/257
				to[i] = byte((uint32(get16(from, 2*i)) + 128) / 257)
			}
		default:
			for i := range to {
				v := min(unsigned(from, i, size), top)
				to[i] = byte((v*255 + top/2) / top)
			}
		}
	}
	return out, nil
}

// Cast puts unsigned samples into Uint8 or Uint16 without scaling; what does not
// fit becomes the greatest value. A raster of that type comes back as it is.
// Kind Unsupported for other types.
func Cast(r *Raster, t Type) (*Raster, error) {
	if r.Type == t {
		return r, nil
	}
	if t != Uint8 && t != Uint16 || r.Type != Uint8 && r.Type != Uint16 && r.Type != Uint32 {
		return nil, unsupportedType("put into "+t.String(), r.Type)
	}
	out := New(r.Width, r.Height, r.Samples, t)
	size := r.Type.Bytes()
	for y := range r.Height {
		from, to := r.Row(y), out.Row(y)
		for i := range r.Width * r.Samples {
			v := unsigned(from, i, size)
			if t == Uint8 {
				to[i] = byte(min(v, 255))
			} else {
				put16(to, 2*i, uint16(min(v, 65535)))
			}
		}
	}
	return out, nil
}

func unsigned(row []byte, i, size int) uint64 {
	switch size {
	case 1:
		return uint64(row[i])
	case 2:
		return uint64(get16(row, 2*i))
	default:
		return uint64(get16(row, 4*i)) | uint64(get16(row, 4*i+2))<<16
	}
}

// Normalize maps [lower, upper] of any type to the whole range of t, which
// must be Uint8 or Uint16; what lies outside is clipped and NaN becomes 0.
// When upper is not above lower, everything from lower on becomes the greatest
// value. Kind Unsupported for another t.
func Normalize(r *Raster, lower, upper float64, t Type) (*Raster, error) {
	if t != Uint8 && t != Uint16 {
		return nil, unsupportedType("the result of normalising", t)
	}
	top := float64(uint64(1)<<(8*t.Bytes()) - 1)
	out := New(r.Width, r.Height, r.Samples, t)
	line := make([]float64, r.Width*r.Samples)
	for y := range r.Height {
		load(line, r.Row(y), r.Type)
		for i, v := range line {
			switch {
			case !(v >= lower): // also NaN
				line[i] = 0
			case v >= upper:
				line[i] = top
			default:
				line[i] = (v - lower) / (upper - lower) * top
			}
		}
		store(out.Row(y), line, t)
	}
	return out, nil
}

// Bounds is the least and the greatest finite value of one channel, (0, 0)
// when it has none. c must be a channel of r.
func Bounds(r *Raster, c int) (lower, upper float64) {
	line := make([]float64, r.Width*r.Samples)
	found := false
	for y := range r.Height {
		load(line, r.Row(y), r.Type)
		for i := c; i < len(line); i += r.Samples {
			v := line[i]
			if v-v != 0 { // NaN or infinite
				continue
			}
			if !found {
				lower, upper, found = v, v, true
				continue
			}
			lower, upper = min(lower, v), max(upper, v)
		}
	}
	return lower, upper
}
