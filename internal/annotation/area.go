package annotation

import (
	"cmp"
	"math"
	"slices"

	"github.com/paulmach/orb"
)

// edge is a side of an area that crosses the middle of the rows first … last.
type edge struct {
	first, last int
	x, y        float64 // the upper end
	run, rise   float64 // to the lower one
}

// area fills rings by the even-odd rule: a pixel is set when its centre is
// inside. As in GDAL (GDALdllImageFilledPolygon) a crossing at x sets the pixels
// from floor(x + 0.5), a row at the lower end of an edge does not cross it, and
// level edges that run to the left on the middle of a row are filled.
func (c *canvas) area(rings []orb.Ring) {
	c.edges = c.edges[:0]
	for _, ring := range rings {
		for i := 1; i < len(ring); i++ {
			c.edge(ring[i-1], ring[i])
		}
	}
	if len(c.edges) == 0 || !c.spend(len(c.edges)) {
		return
	}
	slices.SortFunc(c.edges, func(a, b edge) int { return cmp.Compare(a.first, b.first) })
	active, next := c.active[:0], 0
	for y := c.edges[0].first; y < c.raster.Height && (next < len(c.edges) || len(active) > 0); y++ {
		active = slices.DeleteFunc(active, func(e edge) bool { return e.last < y })
		for ; next < len(c.edges) && c.edges[next].first <= y; next++ {
			active = append(active, c.edges[next])
		}
		if !c.spend(1 + 4*len(active)) {
			break
		}
		c.cuts = c.cuts[:0]
		for _, e := range active {
			c.cuts = append(c.cuts, c.column((float64(y)+0.5-e.y)*e.run/e.rise+e.x))
		}
		slices.Sort(c.cuts)
		for i := 0; i+1 < len(c.cuts); i += 2 {
			c.run(y, c.cuts[i], c.cuts[i+1])
		}
	}
	c.active = active
}

// column is the first pixel whose centre is right of x, kept near the raster.
func (c *canvas) column(x float64) int {
	return int(math.Floor(min(max(x, -1), float64(c.raster.Width)+1) + 0.5))
}

// edge notes a side that crosses rows of the raster, or fills a level one.
func (c *canvas) edge(a, b orb.Point) {
	if a[1] == b[1] {
		if row := a[1] - 0.5; row == math.Floor(row) && row >= 0 && row < float64(c.raster.Height) && a[0] > b[0] {
			c.run(int(row), c.column(b[0]), c.column(a[0]))
		}
		return
	}
	if a[1] > b[1] {
		a, b = b, a
	}
	top, bottom := math.Ceil(a[1]-0.5), math.Ceil(b[1]-0.5)-1
	top, bottom = max(top, 0), min(bottom, float64(c.raster.Height-1))
	if top > bottom {
		return
	}
	c.edges = append(c.edges, edge{
		first: int(top), last: int(bottom), x: a[0], y: a[1], run: b[0] - a[0], rise: b[1] - a[1],
	})
}

// disc sets the pixels whose centres are within the radius.
func (c *canvas) disc(centre orb.Point, radius float64) {
	c.rows(centre[1]-radius, centre[1]+radius, func(y float64) (left, right float64) {
		half := math.Sqrt(max(0, radius*radius-(y-centre[1])*(y-centre[1])))
		return centre[0] - half, centre[0] + half
	})
}

// rows fills between left and right in the middle of every row from top to
// bottom.
func (c *canvas) rows(top, bottom float64, span func(y float64) (left, right float64)) {
	top, bottom = max(math.Ceil(top-0.5), 0), min(math.Floor(bottom-0.5), float64(c.raster.Height-1))
	for y := top; y <= bottom && c.spend(2); y++ {
		left, right := span(y + 0.5)
		c.run(int(y), c.column(left), c.column(right))
	}
}

// stroke draws a line with round ends and joins, radius pixels to either side.
func (c *canvas) stroke(points []orb.Point, radius float64) {
	for i, p := range points {
		if !c.spend(1) {
			return
		}
		if c.near(p, p, radius) {
			c.disc(p, radius)
		}
		if i > 0 && c.near(points[i-1], p, radius) {
			c.band(points[i-1], p, radius)
		}
	}
}

// near tells that a segment with a margin may touch the raster.
func (c *canvas) near(a, b orb.Point, margin float64) bool {
	return max(a[0], b[0]) > -margin && min(a[0], b[0]) < float64(c.raster.Width)+margin &&
		max(a[1], b[1]) > -margin && min(a[1], b[1]) < float64(c.raster.Height)+margin
}

// band fills the rectangle around a segment.
func (c *canvas) band(a, b orb.Point, radius float64) {
	dx, dy := b[0]-a[0], b[1]-a[1]
	length := math.Hypot(dx, dy)
	if length == 0 {
		return
	}
	ox, oy := -dy/length*radius, dx/length*radius
	c.area([]orb.Ring{{
		{a[0] + ox, a[1] + oy}, {b[0] + ox, b[1] + oy}, {b[0] - ox, b[1] - oy}, {a[0] - ox, a[1] - oy},
		{a[0] + ox, a[1] + oy},
	}})
}
