package slidegen

import "github.com/pims-cloud/pims/pixel"

// Scene is an endless supply of tissue: pink stroma with fibres, glands with a
// purple wall and a white lumen, nuclei, glass around it, and a black frame of
// one pixel that shows every shift by one.
type Scene struct {
	Width, Height int // of level 0 in pixels
	Seed          uint32
	// Labels writes "column,row" every 256 pixels, so that a misplaced tile
	// tells where it belongs.
	Labels bool
}

// rgb is one colour, each 0 to 255; int32 because it is added and scaled.
type rgb struct{ r, g, b int32 }

// mix is a at w = 0 and b at w = 256.
func mix(a, b rgb, w int32) rgb {
	return rgb{a.r + (b.r-a.r)*w/256, a.g + (b.g-a.g)*w/256, a.b + (b.b-a.b)*w/256}
}

// Size is the size of the image that is reduced by a whole factor, rounded up.
func (s *Scene) Size(factor int) (width, height int) {
	return (s.Width + factor - 1) / factor, (s.Height + factor - 1) / factor
}

// Region draws a rectangle of the image that is reduced by a factor (1 is level
// 0), as 8-bit RGB. A reduced pixel is the mean of up to 4×4 samples of its
// square. What lies outside the image is white glass.
func (s *Scene) Region(factor, x, y, width, height int) *pixel.Raster {
	out := pixel.New(width, height, 3, pixel.Uint8)
	p := newPainter(s)
	per := min(factor, 4) // samples along one side of a pixel
	step := factor / per
	sums := make([]int32, width*3)
	colours := make([]rgb, width*per)
	for row := range height {
		clear(sums)
		for j := range per {
			p.row(colours, x*factor+step/2, (y+row)*factor+j*step+step/2, step)
			for i, c := range colours {
				at := i / per * 3
				sums[at] += c.r
				sums[at+1] += c.g
				sums[at+2] += c.b
			}
		}
		samples := int32(per * per)
		line := out.Row(row)
		for i, sum := range sums {
			line[i] = byte((sum + samples/2) / samples)
		}
	}
	return out
}

// Grey draws a rectangle like Region in one channel of 8 or 16 bits. The low
// bits of 16 are noise of their own, so that losing them is seen.
func (s *Scene) Grey(factor, x, y, width, height int, t pixel.Type) *pixel.Raster {
	colour := s.Region(factor, x, y, width, height)
	out := pixel.New(width, height, 1, t)
	for row := range height {
		from, to := colour.Row(row), out.Row(row)
		for i := range width {
			luma := (299*int(from[i*3]) + 587*int(from[i*3+1]) + 114*int(from[i*3+2]) + 500) / 1000
			if t == pixel.Uint8 {
				to[i] = byte(luma)
				continue
			}
			to[i*2] = byte(hash(x+i, y+row, s.Seed+uint32(factor)) & 0x3f)
			to[i*2+1] = byte(luma)
		}
	}
	return out
}

// painter draws rows of samples. It is not safe for concurrent use.
type painter struct {
	s                              *Scene
	mask, edge, fibres, cloud      valueNoise
	maskRow, edgeRow, fibre, haze  []int32
	glandSpacing, nucleusSpacing   int
	wallNucleusSpacing, labelPitch int
}

func newPainter(s *Scene) *painter {
	patch := max(64, max(s.Width, s.Height)/6)
	return &painter{
		s:                  s,
		mask:               valueNoise{patch, patch, s.Seed + 1},
		edge:               valueNoise{max(16, patch/5), max(16, patch/5), s.Seed + 2},
		fibres:             valueNoise{14, 26, s.Seed + 3},
		cloud:              valueNoise{90, 90, s.Seed + 4},
		glandSpacing:       230,
		nucleusSpacing:     34,
		wallNucleusSpacing: 17,
		labelPitch:         256,
	}
}

// row draws len(dst) samples from (x, y), step pixels apart.
func (p *painter) row(dst []rgb, x, y, step int) {
	if len(p.maskRow) != len(dst) {
		p.maskRow, p.edgeRow = make([]int32, len(dst)), make([]int32, len(dst))
		p.fibre, p.haze = make([]int32, len(dst)), make([]int32, len(dst))
	}
	p.mask.row(p.maskRow, x, y, step)
	p.edge.row(p.edgeRow, x, y, step)
	p.cloud.row(p.haze, x, y, step)
	// Shearing the plane turns upright noise into fibres that run downhill.
	p.fibres.row(p.fibre, x-2*y, y, step)
	for i := range dst {
		dst[i] = p.at(i, x+i*step, y)
	}
}

// at is the colour of one sample; i is its place in the rows of noise.
func (p *painter) at(i, x, y int) rgb {
	s := p.s
	glass := rgb{244, 243, 245}
	if x < 0 || y < 0 || x >= s.Width || y >= s.Height {
		return rgb{255, 255, 255}
	}
	if x == 0 || y == 0 || x == s.Width-1 || y == s.Height-1 {
		return rgb{0, 0, 0}
	}
	if s.Labels && labelInk(x%p.labelPitch, y%p.labelPitch, x/p.labelPitch, y/p.labelPitch) {
		return rgb{20, 20, 60}
	}
	tissue := p.tissue(i, x, y)
	if tissue <= 0 {
		grain := int32(hash(x, y, s.Seed) & 1)
		return rgb{glass.r + grain, glass.g + grain, glass.b + grain}
	}
	c := p.stain(i, x, y)
	if tissue < 256 {
		c = mix(glass, c, tissue)
	}
	grain := int32(hash(x, y, s.Seed)&7) - 3
	return rgb{c.r + grain, c.g + grain, c.b + grain}
}

// tissue says how much tissue covers a place: 0 none, 256 and more all.
func (p *painter) tissue(i, x, y int) int32 {
	// Squared distance from the middle in units of half the image, 0 to 2·256.
	dx := int64(2*x-p.s.Width) * 256 / int64(p.s.Width)
	dy := int64(2*y-p.s.Height) * 256 / int64(p.s.Height)
	radial := int32((dx*dx + dy*dy) / 256)
	noise := p.maskRow[i]*3/4/256 + p.edgeRow[i]/4/256 // 0 to 255
	return (300 - radial + (noise-128)*2 - 60) * 12
}

// stain is the colour of tissue.
func (p *painter) stain(i, x, y int) rgb {
	stroma := mix(rgb{236, 178, 207}, rgb{205, 120, 170}, p.fibre[i]/256)
	stroma = mix(stroma, rgb{242, 205, 222}, p.haze[i]/512)
	spacing, chance, tone := p.nucleusSpacing, uint32(130), stroma
	switch wall := p.gland(i, x, y); wall {
	case lumen:
		return mix(rgb{246, 240, 245}, rgb{238, 214, 230}, p.haze[i]/400)
	case epithelium:
		tone = mix(rgb{190, 118, 178}, rgb{168, 96, 168}, p.fibre[i]/256)
		spacing, chance = p.wallNucleusSpacing, 225
	}
	depth := p.nucleus(x, y, spacing, chance)
	if depth == 0 {
		return tone
	}
	speckle := int32(hash(x/2, y/2, p.s.Seed+7) & 31)
	return mix(tone, rgb{78 + speckle, 44 + speckle/2, 128 + speckle/2}, depth)
}

// What a place in a gland is.
const (
	outside = iota
	epithelium
	lumen
)

// gland looks for the gland of the lattice cell that a place lies in. A gland
// never leaves its cell, so that one cell is enough to look at.
func (p *painter) gland(i, x, y int) int {
	g := p.glandSpacing
	cy, fy := split(y, g)
	// Rows are shifted against each other, so that no columns show.
	cx, fx := split(x+int(hash(cy, 0, p.s.Seed+8)&255), g)
	h := hash(cx, cy, p.s.Seed+5)
	if h&255 > 150 {
		return outside
	}
	radius := g/4 + int(h>>8&31)
	room := g/2 - radius - 8
	dx := fx - g/2 - int(h>>16&255)*room/128 + room
	dy := fy - g/2 - int(h>>24&255)*room/128 + room
	wobble := int(p.edgeRow[i]/256) - 128 // bends the outline
	distance := dx*dx + dy*dy + dx*dy/3 + wobble*radius/8
	switch inner := radius - 26; {
	case distance > radius*radius:
		return outside
	case inner > 0 && distance < inner*inner:
		return lumen
	default:
		return epithelium
	}
}

// nucleus is how dark the nucleus at a place is, 0 for none, 256 in its middle.
func (p *painter) nucleus(x, y, spacing int, chance uint32) int32 {
	cx, fx := split(x, spacing)
	cy, fy := split(y, spacing)
	h := hash(cx, cy, p.s.Seed+6+uint32(spacing))
	if h&255 > chance {
		return 0
	}
	radius := 5 + int(h>>8&3)
	room := max(0, spacing/2-radius)
	dx := fx - spacing/2 + int(h>>12&15)*room/8 - room
	dy := fy - spacing/2 + int(h>>16&15)*room/8 - room
	lean := int(h>>20&7) - 3
	distance := dx*dx + dy*dy + dx*dy*lean/5
	if distance >= radius*radius {
		return 0
	}
	return int32(min(256, (radius*radius-distance)*512/(radius*radius)))
}
