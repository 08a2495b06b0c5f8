package slidegen

// hash mixes two coordinates and a seed into 32 well-spread bits.
func hash(x, y int, seed uint32) uint32 {
	h := uint32(x)*0x9E3779B1 ^ uint32(y)*0x85EBCA77 ^ seed*0xC2B2AE3D
	h ^= h >> 15
	h *= 0x2C1B3C6D
	h ^= h >> 12
	h *= 0x297A2D39
	h ^= h >> 15
	return h
}

// valueNoise is smooth noise over the plane: random numbers from 0 to 255 on a
// lattice, joined by smooth curves.
type valueNoise struct {
	cellX, cellY int // lattice pitch in pixels
	seed         uint32
}

// row fills dst with the noise at (x, y), (x+step, y), …, each 0 to 255·256.
// Walking along a row computes the lattice once a cell instead of once a pixel.
func (v valueNoise) row(dst []int32, x, y, step int) {
	cy, fy := split(y, v.cellY)
	wy := smooth(fy, v.cellY)
	cell, left, right := 0, int32(0), int32(0)
	for i := range dst {
		c, fx := split(x+i*step, v.cellX)
		if i == 0 || c != cell {
			cell = c
			left, right = v.column(c, cy, wy), v.column(c+1, cy, wy)
		}
		dst[i] = left + (right-left)*smooth(fx, v.cellX)/256
	}
}

// column is the noise on the lattice line c at height wy/256 inside row cy.
func (v valueNoise) column(c, cy int, wy int32) int32 {
	top, bottom := int32(hash(c, cy, v.seed)&255), int32(hash(c, cy+1, v.seed)&255)
	return top*256 + (bottom-top)*wy
}

// split divides with the remainder always positive.
func split(v, by int) (quotient, remainder int) {
	quotient, remainder = v/by, v%by
	if remainder < 0 {
		quotient, remainder = quotient-1, remainder+by
	}
	return quotient, remainder
}

// smooth is 3t²-2t³ for t = f/cell, as 0 to 256.
func smooth(f, cell int) int32 {
	t := int64(f) * 256 / int64(cell)
	return int32(t * t * (768 - 2*t) / (256 * 256))
}
