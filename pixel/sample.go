package pixel

import (
	"encoding/binary"
	"math"
)

// real is what resampling calculates with: float32 holds every value of 8 and
// 16 bit samples and their weighted sums to well below half a step; wider
// types need float64.
type real interface{ float32 | float64 }

// load converts a row of stored samples to numbers. len(dst) samples are read.
func load[F real](dst []F, row []byte, t Type) {
	switch t {
	case Uint8:
		row = row[:len(dst)]
		for i, v := range row {
			dst[i] = F(v)
		}
	case Int8:
		for i := range dst {
			dst[i] = F(int8(row[i]))
		}
	case Uint16:
		for i := range dst {
			dst[i] = F(get16(row, 2*i))
		}
	case Int16:
		for i := range dst {
			dst[i] = F(int16(get16(row, 2*i)))
		}
	case Uint32:
		for i := range dst {
			dst[i] = F(binary.LittleEndian.Uint32(row[4*i:]))
		}
	case Int32:
		for i := range dst {
			dst[i] = F(int32(binary.LittleEndian.Uint32(row[4*i:])))
		}
	case Float32:
		for i := range dst {
			dst[i] = F(math.Float32frombits(binary.LittleEndian.Uint32(row[4*i:])))
		}
	case Float64:
		for i := range dst {
			dst[i] = F(math.Float64frombits(binary.LittleEndian.Uint64(row[8*i:])))
		}
	}
}

// store rounds half up, clips to the type's range and writes a row.
func store[F real](row []byte, src []F, t Type) {
	switch t {
	case Uint8:
		row = row[:len(src)]
		for i, v := range src {
			n := int32(v + 0.5)
			if v < 0 {
				n = 0
			} else if n > 255 {
				n = 255
			}
			row[i] = byte(n)
		}
	case Uint16:
		for i, v := range src {
			n := int32(v + 0.5)
			if v < 0 {
				n = 0
			} else if n > 65535 {
				n = 65535
			}
			put16(row, 2*i, uint16(n))
		}
	case Int8:
		for i, v := range src {
			row[i] = byte(int8(roundClip(v, math.MinInt8, math.MaxInt8)))
		}
	case Int16:
		for i, v := range src {
			put16(row, 2*i, uint16(int16(roundClip(v, math.MinInt16, math.MaxInt16))))
		}
	case Uint32:
		for i, v := range src {
			binary.LittleEndian.PutUint32(row[4*i:], uint32(roundClip(v, 0, math.MaxUint32)))
		}
	case Int32:
		for i, v := range src {
			binary.LittleEndian.PutUint32(row[4*i:], uint32(int32(roundClip(v, math.MinInt32, math.MaxInt32))))
		}
	case Float32:
		for i, v := range src {
			binary.LittleEndian.PutUint32(row[4*i:], math.Float32bits(float32(v)))
		}
	case Float64:
		for i, v := range src {
			binary.LittleEndian.PutUint64(row[8*i:], math.Float64bits(float64(v)))
		}
	}
}

func roundClip[F real](v F, low, high float64) int64 {
	f := math.Floor(float64(v) + 0.5)
	if !(f > low) { // also NaN
		return int64(low)
	}
	if f > high {
		return int64(high)
	}
	return int64(f)
}

// wide tells whether samples of a type need float64 arithmetic.
func wide(t Type) bool { return t == Uint32 || t == Int32 || t == Float64 }
