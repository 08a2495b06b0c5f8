package annotation

import (
	"context"
	"math"

	"github.com/paulmach/orb"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/pixel"
)

// Bounds of the work of one picture, in steps of a line, crossings of edges and
// rows, and groups of eight pixels of a run: one to two seconds.
const (
	maxWork   = 1 << 28
	workCheck = 1 << 18 // work between two looks at the context
)

// canvas draws shapes into a raster with one value at a time. Coordinates are
// pixels of the raster; what lies outside is left out, at no cost a pixel.
type canvas struct {
	ctx    context.Context
	raster *pixel.Raster
	value  []byte // the bytes of one pixel
	work   int64
	limit  int64 // of work
	err    error // kind TooLarge or the context's; nothing is drawn after it
	edges  []edge
	active []edge
	cuts   []int
}

func newCanvas(ctx context.Context, r *pixel.Raster) *canvas {
	return &canvas{ctx: ctx, raster: r, limit: maxWork}
}

// spend counts work and tells whether to go on.
func (c *canvas) spend(steps int) bool {
	if c.err != nil {
		return false
	}
	before := c.work
	c.work += int64(steps)
	switch {
	case c.work > c.limit:
		c.err = fault.New(fault.TooLarge, "annotation-too-complex",
			"Drawing the annotations takes too many steps for a picture of %d×%d pixels; simplify their geometries or ask for a smaller picture.",
			c.raster.Width, c.raster.Height)
	case before/workCheck != c.work/workCheck:
		c.err = c.ctx.Err()
	}
	return c.err == nil
}

// run sets the pixels first ≤ x < end of a row.
func (c *canvas) run(y, first, end int) {
	first, end = max(first, 0), min(end, c.raster.Width)
	if y < 0 || y >= c.raster.Height || first >= end || !c.spend(1+(end-first)/8) {
		return
	}
	size := len(c.value)
	row := c.raster.Row(y)[first*size : end*size]
	for done := copy(row, c.value); done < len(row); done *= 2 {
		copy(row[done:], row[:done])
	}
}

// point sets the pixel that holds p.
func (c *canvas) point(p orb.Point) {
	if c.spend(1) {
		c.set(int64(math.Floor(p[0])), int64(math.Floor(p[1])))
	}
}

// set sets one pixel; its work is counted by the caller.
func (c *canvas) set(x, y int64) {
	if x >= 0 && y >= 0 && x < int64(c.raster.Width) && y < int64(c.raster.Height) {
		copy(c.raster.Row(int(y))[int(x)*len(c.value):], c.value)
	}
}

// path draws a line one pixel wide.
func (c *canvas) path(points []orb.Point) {
	for i := 1; i < len(points); i++ {
		if !c.spend(1) {
			return
		}
		c.segment(points[i-1], points[i])
	}
}

// fill sets the pixels of a geometry as GDAL does without "all touched".
func (c *canvas) fill(g orb.Geometry) {
	switch g := g.(type) {
	case orb.Point:
		c.point(g)
	case orb.MultiPoint:
		for _, p := range g {
			c.point(p)
		}
	case orb.LineString:
		c.path(g)
	case orb.MultiLineString:
		for _, line := range g {
			c.path(line)
		}
	case orb.Polygon:
		c.area(g)
	case orb.MultiPolygon:
		var rings []orb.Ring
		for _, part := range g {
			rings = append(rings, part...)
		}
		c.area(rings)
	case orb.Collection:
		for _, part := range g {
			c.fill(part)
		}
	}
}
