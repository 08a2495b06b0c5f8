package annotation

import (
	"math"
	"math/bits"

	"github.com/paulmach/orb"
)

// segment draws Bresenham's path between the pixels that hold a and b: from a,
// the error starts at 2·minor − major, and a step aside is made when it is not
// below zero. That is how the recorded answers of PIMS break ties. Only the part
// inside of the raster is walked.
func (c *canvas) segment(a, b orb.Point) {
	width, height := c.raster.Width, c.raster.Height
	if outside(a[0], b[0], width) || outside(a[1], b[1], height) {
		return
	}
	x, y := int64(math.Floor(a[0])), int64(math.Floor(a[1]))
	dx, dy := int64(math.Floor(b[0]))-x, int64(math.Floor(b[1]))-y
	if magnitude(dx) >= magnitude(dy) {
		c.walk(x, y, dx, dy, width, func(along, aside int64) { c.set(along, aside) })
	} else {
		c.walk(y, x, dy, dx, height, func(along, aside int64) { c.set(aside, along) })
	}
}

// outside tells that both ends lie on the same side of 0 … size.
func outside(a, b float64, size int) bool {
	return (a < 0 && b < 0) || (a >= float64(size) && b >= float64(size))
}

func magnitude(v int64) int64 { return max(v, -v) }

// walk goes along the longer axis, from `along` by `major` steps, `minor` aside,
// through what lies in 0 … size of the longer axis.
func (c *canvas) walk(along, aside, major, minor int64, size int, plot func(along, aside int64)) {
	long, short := magnitude(major), magnitude(minor)
	stepAlong, stepAside := sign(major), sign(minor)
	from, to := int64(0), long // steps that are inside
	if stepAlong > 0 {
		from, to = max(from, -along), min(to, int64(size)-1-along)
	} else {
		from, to = max(from, along-int64(size)+1), min(to, along)
	}
	if from > to || !c.spend(int(to-from)+1) {
		return
	}
	moved := asideAfter(from, long, short)
	// Both products may overflow, their difference does not: it is below 2·long.
	failure := 2*short*(from+1) - long - 2*long*moved
	for k := from; k <= to; k++ {
		plot(along+k*stepAlong, aside+moved*stepAside)
		if failure >= 0 {
			moved++
			failure += 2 * (short - long)
		} else {
			failure += 2 * short
		}
	}
}

func sign(v int64) int64 {
	if v < 0 {
		return -1
	}
	return 1
}

// asideAfter is how many steps aside are made in the first k steps: the rounded
// k·short/long, halves up. The product has 128 bits.
func asideAfter(k, long, short int64) int64 {
	if long == 0 {
		return 0
	}
	high, low := bits.Mul64(uint64(2*short), uint64(k))
	low, carry := bits.Add64(low, uint64(long), 0)
	quotient, _ := bits.Div64(high+carry, low, uint64(2*long))
	return int64(quotient)
}
