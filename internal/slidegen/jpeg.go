package slidegen

import (
	"encoding/binary"

	"github.com/pims-cloud/pims/pixel"
)

// jpegColour is what the components of a JPEG are.
type jpegColour int

const (
	jpegGrey   jpegColour = iota
	jpegRGB               // components are R, G, B, untransformed, as Aperio stores them
	jpegYCC               // Y, Cb, Cr, all at full resolution
	jpegYCC420            // Y, Cb, Cr, chroma halved in both directions
)

// jpegEncoder writes baseline JPEG. Its output depends on nothing but the
// pixels and the settings: all arithmetic is on whole numbers. encode and tables
// are safe for concurrent use.
type jpegEncoder struct {
	colour jpegColour
	quant  [2][64]uint16 // zigzag order
	codes  [4][256]uint32
	order  [64]uint8

	out   []byte
	bits  uint32 // not yet written, from the high end
	nbits uint
}

func newJPEGEncoder(colour jpegColour, quality int) *jpegEncoder {
	e := &jpegEncoder{colour: colour, order: zigzag()}
	e.quant[0], e.quant[1] = quantisation(0, quality), quantisation(1, quality)
	for i, spec := range huffmanSpecs() {
		e.codes[i] = spec.codes()
	}
	return e
}

// codes gives each symbol its code, length in the upper 8 bits (T.81 Annex C).
func (h huffmanSpec) codes() (out [256]uint32) {
	code, next := uint32(0), 0
	for i, count := range h.counts {
		for range count {
			out[h.symbols[next]] = uint32(i+1)<<24 | code
			code++
			next++
		}
		code <<= 1
	}
	return out
}

// components is how many components there are, and how many sets of tables.
func (e *jpegEncoder) components() (components, tables int) {
	switch e.colour {
	case jpegGrey:
		return 1, 1
	case jpegRGB:
		return 3, 1 // all alike
	default:
		return 3, 2
	}
}

// tableOf is the set of tables of a component.
func (e *jpegEncoder) tableOf(component int) int {
	if e.colour == jpegRGB || component == 0 {
		return 0
	}
	return 1
}

// appendTables appends the DQT and DHT segments.
func (e *jpegEncoder) appendTables(dst []byte) []byte {
	_, tables := e.components()
	specs := huffmanSpecs()
	for t := range tables {
		dst = append(dst, 0xff, 0xdb, 0, 67, byte(t))
		for _, q := range e.quant[t] {
			dst = append(dst, byte(q))
		}
		for _, spec := range specs[2*t : 2*t+2] {
			dst = append(dst, 0xff, 0xc4)
			dst = binary.BigEndian.AppendUint16(dst, uint16(19+len(spec.symbols)))
			dst = append(dst, spec.class<<4|spec.id)
			dst = append(dst, spec.counts[:]...)
			dst = append(dst, spec.symbols...)
		}
	}
	return dst
}

// tables is the stream for the tag JPEGTables: SOI, tables, EOI.
func (e *jpegEncoder) tables() []byte {
	return append(e.appendTables([]byte{0xff, 0xd8}), 0xff, 0xd9)
}

// encode writes a raster of 1 or 3 samples; abbreviated leaves the tables out.
func (e *jpegEncoder) encode(r *pixel.Raster, abbreviated bool) []byte {
	own := *e // the settings are shared, the output belongs to this call
	e = &own
	e.out = append(make([]byte, 0, r.Width*r.Height/4+1024), 0xff, 0xd8)
	if !abbreviated {
		e.out = e.appendTables(e.out)
	}
	components, _ := e.components()
	e.out = append(e.out, 0xff, 0xc0, 0, byte(8+3*components), 8)
	e.out = binary.BigEndian.AppendUint16(e.out, uint16(r.Height))
	e.out = binary.BigEndian.AppendUint16(e.out, uint16(r.Width))
	e.out = append(e.out, byte(components))
	for c := range components {
		sampling := byte(0x11)
		if c == 0 && e.colour == jpegYCC420 {
			sampling = 0x22
		}
		e.out = append(e.out, e.componentID(c), sampling, byte(e.tableOf(c)))
	}
	e.out = append(e.out, 0xff, 0xda, 0, byte(6+2*components), byte(components))
	for c := range components {
		e.out = append(e.out, e.componentID(c), byte(e.tableOf(c)*0x11))
	}
	e.out = append(e.out, 0, 63, 0)
	e.scan(r)
	e.put(0x7f, 7) // fill the last byte with ones
	return append(e.out, 0xff, 0xd9)
}

// componentID is 0, 1, 2 for RGB, as Aperio's writer numbers them (it gives a
// decoder no hint that they are not Y, Cb, Cr), and 1, 2, 3 else.
func (e *jpegEncoder) componentID(component int) byte {
	if e.colour == jpegRGB {
		return byte(component)
	}
	return byte(component + 1)
}

// scan encodes all MCUs.
func (e *jpegEncoder) scan(r *pixel.Raster) {
	size := 8
	if e.colour == jpegYCC420 {
		size = 16
	}
	var last [3]int32
	var planes [3][256]int32
	components, _ := e.components()
	for y := 0; y < r.Height; y += size {
		for x := 0; x < r.Width; x += size {
			e.gather(r, x, y, size, &planes)
			for c := range components {
				if size == 16 && c == 0 {
					for _, at := range [4]int{0, 8, 128, 136} {
						e.block(planes[0][at:], 16, c, &last[c])
					}
					continue
				}
				e.block(planes[c][:], 8, c, &last[c])
			}
		}
	}
}

// gather fetches an MCU as centred component planes; edges are repeated. With
// 4:2:0 plane 0 has 16×16 values and the others 8×8.
func (e *jpegEncoder) gather(r *pixel.Raster, x0, y0, size int, planes *[3][256]int32) {
	if size == 16 {
		clear(planes[1][:64])
		clear(planes[2][:64])
	}
	for y := range size {
		line := r.Row(min(y0+y, r.Height-1))
		for x := range size {
			at := min(x0+x, r.Width-1) * r.Samples
			i := y*size + x
			if e.colour == jpegGrey {
				planes[0][i] = int32(line[at]) - 128
				continue
			}
			a, b, c := int32(line[at]), int32(line[at+1]), int32(line[at+2])
			if e.colour != jpegRGB {
				a, b, c = ycc(a, b, c)
			}
			planes[0][i] = a - 128
			if size == 16 {
				i = y/2*8 + x/2
				planes[1][i] += b
				planes[2][i] += c
				continue
			}
			planes[1][i], planes[2][i] = b-128, c-128
		}
	}
	if size == 16 {
		for i := range 64 {
			planes[1][i] = (planes[1][i]+2)/4 - 128
			planes[2][i] = (planes[2][i]+2)/4 - 128
		}
	}
}

// ycc is the colour transform of JFIF in 16-bit fixed point.
func ycc(r, g, b int32) (y, cb, cr int32) {
	const half = 1 << 15
	y = (19595*r + 38470*g + 7471*b + half) >> 16
	cb = (-11059*r - 21709*g + 32768*b + 128<<16 + half - 1) >> 16
	cr = (32768*r - 27439*g - 5329*b + 128<<16 + half - 1) >> 16
	return y, cb, cr
}

// block transforms, quantises and codes one 8×8 block.
func (e *jpegEncoder) block(samples []int32, stride, component int, last *int32) {
	var c [64]int32
	for y := range 8 {
		copy(c[y*8:y*8+8], samples[y*stride:])
	}
	transform(&c)
	table := e.tableOf(component)
	quant := &e.quant[table]
	dc, ac := &e.codes[2*table], &e.codes[2*table+1]

	value := quantise(c[0], quant[0])
	e.coefficient(dc, 0, value-*last)
	*last = value
	zeros := uint32(0)
	for i := 1; i < 64; i++ {
		value := quantise(c[e.order[i]], quant[i])
		if value == 0 {
			zeros++
			continue
		}
		for ; zeros > 15; zeros -= 16 {
			e.symbol(ac, 0xf0)
		}
		e.coefficient(ac, zeros, value)
		zeros = 0
	}
	if zeros > 0 {
		e.symbol(ac, 0)
	}
}

// quantise divides and rounds to the nearest, halves away from zero.
func quantise(v int32, by uint16) int32 {
	q := int32(by)
	if v < 0 {
		return -((-v + q/2) / q)
	}
	return (v + q/2) / q
}

// coefficient codes a run of zeros and a value (T.81 F.1.2).
func (e *jpegEncoder) coefficient(table *[256]uint32, zeros uint32, value int32) {
	magnitude, low := value, uint32(value)
	if value < 0 {
		magnitude, low = -value, uint32(value-1)
	}
	size := uint(0)
	for ; magnitude > 0; magnitude >>= 1 {
		size++
	}
	e.symbol(table, zeros<<4|uint32(size))
	e.put(low&(1<<size-1), size)
}

func (e *jpegEncoder) symbol(table *[256]uint32, s uint32) {
	code := table[s]
	e.put(code&0xffffff, uint(code>>24))
}

// put writes the low n bits, n ≤ 16; a byte 0xff is followed by 0.
func (e *jpegEncoder) put(v uint32, n uint) {
	e.nbits += n
	e.bits |= v << (32 - e.nbits)
	for e.nbits >= 8 {
		b := byte(e.bits >> 24)
		e.out = append(e.out, b)
		if b == 0xff {
			e.out = append(e.out, 0)
		}
		e.bits <<= 8
		e.nbits -= 8
	}
}

// transform is the forward DCT of T.81 A.3.3 in place: rows, then columns, each
// as even and odd halves with constants ½·cos(kπ/16)·2¹³.
func transform(c *[64]int32) {
	for y := 0; y < 64; y += 8 {
		transform8(c, y, 1, 10) // keeps three bits of fraction
	}
	for x := range 8 {
		transform8(c, x, 8, 16)
	}
}

func transform8(c *[64]int32, at, step int, shift uint) {
	const c1, c2, c3, c4, c5, c6, c7 = 4017, 3784, 3406, 2896, 2276, 1567, 799
	round := int32(1) << (shift - 1)
	a0, a7 := c[at], c[at+7*step]
	a1, a6 := c[at+step], c[at+6*step]
	a2, a5 := c[at+2*step], c[at+5*step]
	a3, a4 := c[at+3*step], c[at+4*step]
	s0, s1, s2, s3 := a0+a7, a1+a6, a2+a5, a3+a4
	d0, d1, d2, d3 := a0-a7, a1-a6, a2-a5, a3-a4
	c[at] = (c4*(s0+s1+s2+s3) + round) >> shift
	c[at+4*step] = (c4*(s0-s1-s2+s3) + round) >> shift
	c[at+2*step] = (c2*(s0-s3) + c6*(s1-s2) + round) >> shift
	c[at+6*step] = (c6*(s0-s3) - c2*(s1-s2) + round) >> shift
	c[at+step] = (c1*d0 + c3*d1 + c5*d2 + c7*d3 + round) >> shift
	c[at+3*step] = (c3*d0 - c7*d1 - c1*d2 - c5*d3 + round) >> shift
	c[at+5*step] = (c5*d0 - c1*d1 + c7*d2 + c3*d3 + round) >> shift
	c[at+7*step] = (c7*d0 - c5*d1 + c3*d2 - c1*d3 + round) >> shift
}
