package codec

import (
	"encoding/binary"
	"image/color"
	"math"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

// colours turns what the samples mean into grey or RGB; extra samples stay.
func (s *stored) colours(r *pixel.Raster) *pixel.Raster {
	switch s.enc.Photometric {
	case formats.PhotometricPalette:
		return lookUp(r, s.enc.Palette, s.enc.BitsPerSample)
	case formats.PhotometricMinIsWhite:
		invert(r, s.enc.BitsPerSample)
	case formats.PhotometricCMYK:
		return inkToRGB(r)
	case formats.PhotometricYCbCr:
		for i := 0; i+3 <= len(r.Pix); i += 3 {
			p := r.Pix[i : i+3]
			p[0], p[1], p[2] = color.YCbCrToRGB(p[0], p[1], p[2])
		}
	}
	return r
}

// lookUp replaces the first sample, an index, by the palette's colour. Further
// samples follow, in 8 bits.
func lookUp(r *pixel.Raster, palette []byte, bits int) *pixel.Raster {
	out := pixel.New(r.Width, r.Height, r.Samples+2, pixel.Uint8)
	size := r.Type.Bytes()
	step := r.Samples * size
	for y := range r.Height {
		from, to := r.Row(y), out.Row(y)
		for i, j := 0, 0; j < len(to); i, j = i+step, j+out.Samples {
			index := int(from[i])
			if size == 2 {
				index |= int(from[i+1]) << 8
			}
			copy(to[j:j+3], palette[3*index:3*index+3])
			for k := 1; k < r.Samples; k++ {
				extra := from[i+k*size+size-1] // the more significant byte
				if bits < 8 {
					top := 1<<bits - 1
					extra = byte((int(extra)*255 + top/2) / top)
				}
				to[j+2+k] = extra
			}
		}
	}
	return out
}

// invert makes the first sample of min-is-white pictures brighter with the
// stored value's decrease: greatest value − v, for floats 1 − v.
func invert(r *pixel.Raster, bits int) {
	size := r.Type.Bytes()
	step := r.Samples * size
	top16 := uint16(math.MaxUint16)
	if bits > 8 && bits < 16 {
		top16 = 1<<bits - 1
	}
	top32 := uint32(math.MaxUint32)
	if bits == 24 {
		top32 = 1<<bits - 1
	}
	le := binary.LittleEndian
	for y := range r.Height {
		row := r.Row(y)
		for i := 0; i+size <= len(row); i += step {
			p := row[i : i+size]
			switch r.Type {
			case pixel.Uint8:
				p[0] = 255 - p[0]
			case pixel.Int8:
				p[0] = byte(math.MaxInt8 - int8(p[0]))
			case pixel.Uint16:
				le.PutUint16(p, top16-le.Uint16(p))
			case pixel.Int16:
				le.PutUint16(p, uint16(math.MaxInt16-int16(le.Uint16(p))))
			case pixel.Uint32:
				le.PutUint32(p, top32-le.Uint32(p))
			case pixel.Int32:
				le.PutUint32(p, uint32(math.MaxInt32-int32(le.Uint32(p))))
			case pixel.Float32:
				le.PutUint32(p, math.Float32bits(1-math.Float32frombits(le.Uint32(p))))
			case pixel.Float64:
				le.PutUint64(p, math.Float64bits(1-math.Float64frombits(le.Uint64(p))))
			}
		}
	}
}

// inkToRGB converts C, M, Y, K (0 no ink) to R, G, B: (M−C)·(M−K)/M with M the
// type's greatest value. Without the printer's profile there is no better way.
func inkToRGB(r *pixel.Raster) *pixel.Raster {
	out := pixel.New(r.Width, r.Height, r.Samples-1, r.Type)
	le := binary.LittleEndian
	for y := range r.Height {
		from, to := r.Row(y), out.Row(y)
		switch r.Type {
		case pixel.Uint8:
			for i, j := 0, 0; j < len(to); i, j = i+r.Samples, j+out.Samples {
				k := 255 - uint32(from[i+3])
				for c := range 3 {
					to[j+c] = byte(((255-uint32(from[i+c]))*k + 127) / 255)
				}
				copy(to[j+3:j+out.Samples], from[i+4:i+r.Samples])
			}
		default: // uint16: planStored lets nothing else through
			for i, j := 0, 0; j < len(to); i, j = i+2*r.Samples, j+2*out.Samples {
				k := 65535 - uint64(le.Uint16(from[i+6:]))
				for c := range 3 {
					v := ((65535-uint64(le.Uint16(from[i+2*c:])))*k + 32767) / 65535
					le.PutUint16(to[j+2*c:], uint16(v))
				}
				copy(to[j+6:j+2*out.Samples], from[i+8:i+2*r.Samples])
			}
		}
	}
	return out
}

// unpackYCbCr reads subsampled, uncompressed YCbCr (TIFF 6.0 §21): data units
// of subX × subY luminances, one Cb, one Cr. Units at the right and bottom are
// padded; each pixel takes its unit's colour.
func (s *stored) unpackYCbCr(raw []byte) *pixel.Raster {
	out := pixel.New(s.width, s.height, 3, pixel.Uint8)
	unit := s.subX*s.subY + 2
	for y := range s.height {
		units := raw[int64(y/s.subY)*s.rowBytes:]
		line := (y % s.subY) * s.subX
		to := out.Row(y)
		for x := range s.width {
			u := units[x/s.subX*unit:][:unit]
			to[3*x], to[3*x+1], to[3*x+2] = color.YCbCrToRGB(u[line+x%s.subX], u[unit-2], u[unit-1])
		}
	}
	return out
}
