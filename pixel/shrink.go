package pixel

import "github.com/pims-cloud/pims/fault"

// Shrink2 halves both sides: each new pixel is the mean of a 2×2 block,
// rounded half up for integers. An odd last column or row is the mean of the
// pixels that exist, so that no edge darkens and ⌈w/2⌉ × ⌈h/2⌉ pixels remain.
func Shrink2(r *Raster) *Raster { return Shrink(r, 2, 2) }

// Shrink divides the sides by whole factors of at least 1: each new pixel is
// the mean of its block, of what of the block exists at the right and bottom
// edges. The result has ⌈w/fx⌉ × ⌈h/fy⌉ pixels.
func Shrink(r *Raster, fx, fy int) *Raster {
	fx, fy = max(fx, 1), max(fy, 1)
	out := New((r.Width+fx-1)/fx, (r.Height+fy-1)/fy, r.Samples, r.Type)
	shrinkInto(out, r, fx, fy)
	return out
}

// Shrink2Into is Shrink2 into a rectangle of dst whose top left pixel is
// (x, y). Kind Invalid when samples or types differ, or it does not fit.
func Shrink2Into(dst, r *Raster, x, y int) error {
	width, height := (r.Width+1)/2, (r.Height+1)/2
	if dst.Samples != r.Samples || dst.Type != r.Type || x < 0 || y < 0 || x+width > dst.Width || y+height > dst.Height {
		return fault.New(fault.Invalid, "pixel-shrink-mismatch", "A raster of %d × %d pixels of %d × %s cannot be halved into one of %d × %d of %d × %s at (%d, %d).",
			r.Width, r.Height, r.Samples, r.Type, dst.Width, dst.Height, dst.Samples, dst.Type, x, y)
	}
	part := &Raster{Width: width, Height: height, Samples: dst.Samples, Type: dst.Type, Stride: dst.Stride}
	if width > 0 && height > 0 {
		part.Pix = dst.Pix[y*dst.Stride+x*dst.Samples*dst.Type.Bytes():]
	}
	shrinkInto(part, r, 2, 2)
	return nil
}

// shrinkInto fills out, which has the size of the result.
func shrinkInto(out, r *Raster, fx, fy int) {
	if out.Width == 0 || out.Height == 0 {
		return
	}
	if r.Type == Uint8 && fx == 2 && fy == 2 {
		shrink2Bytes(out, r)
		return
	}
	if wide(r.Type) {
		shrinkRows[float64](out, r, fx, fy)
	} else {
		shrinkRows[float32](out, r, fx, fy)
	}
}

// shrink2Bytes is the pyramid builder's inner loop, in integers.
func shrink2Bytes(out, r *Raster) {
	n := r.Samples
	for y := range out.Height {
		a := r.Row(2 * y)
		b := a
		if 2*y+1 < r.Height {
			b = r.Row(2*y + 1)
		}
		to := out.Row(y)
		whole := r.Width / 2
		switch n {
		case 1:
			for x := range whole {
				i := 2 * x
				to[x] = byte((uint32(a[i]) + uint32(a[i+1]) + uint32(b[i]) + uint32(b[i+1]) + 2) >> 2)
			}
		case 3:
			for x := range whole {
				p, q, t := a[6*x:6*x+6], b[6*x:6*x+6], to[3*x:3*x+3]
				t[0] = byte((uint32(p[0]) + uint32(p[3]) + uint32(q[0]) + uint32(q[3]) + 2) >> 2)
				t[1] = byte((uint32(p[1]) + uint32(p[4]) + uint32(q[1]) + uint32(q[4]) + 2) >> 2)
				t[2] = byte((uint32(p[2]) + uint32(p[5]) + uint32(q[2]) + uint32(q[5]) + 2) >> 2)
			}
		default:
			for x := range whole {
				for k := range n {
					i := 2*x*n + k
					to[x*n+k] = byte((uint32(a[i]) + uint32(a[i+n]) + uint32(b[i]) + uint32(b[i+n]) + 2) >> 2)
				}
			}
		}
		if r.Width%2 == 1 { // with b = a on an odd last row this is a itself
			for k := range n {
				i := (r.Width-1)*n + k
				to[whole*n+k] = byte((uint32(a[i]) + uint32(b[i]) + 1) >> 1)
			}
		}
	}
}

func shrinkRows[F real](out, r *Raster, fx, fy int) {
	box := newBoxer[F](r, fx, fy)
	line := make([]F, out.Width*out.Samples)
	for y := range out.Height {
		box.row(line, y)
		store(out.Row(y), line, out.Type)
	}
}

// boxer gives the rows of a raster shrunk by whole factors, as numbers: the
// first half of Resize, and Shrink for all but bytes.
type boxer[F real] struct {
	r      *Raster
	fx, fy int
	sums   []F // one full-width row: the sum of up to fy source rows
	one    []F
}

func newBoxer[F real](r *Raster, fx, fy int) *boxer[F] {
	b := &boxer[F]{r: r, fx: fx, fy: fy}
	if fx > 1 || fy > 1 {
		b.sums = make([]F, r.Width*r.Samples)
		b.one = make([]F, r.Width*r.Samples)
	}
	return b
}

// row writes row y of the shrunk picture.
func (b *boxer[F]) row(dst []F, y int) {
	r := b.r
	if b.fx == 1 && b.fy == 1 {
		load(dst, r.Row(y), r.Type)
		return
	}
	first, last := y*b.fy, min((y+1)*b.fy, r.Height)
	load(b.sums, r.Row(first), r.Type)
	for yy := first + 1; yy < last; yy++ {
		load(b.one, r.Row(yy), r.Type)
		sums := b.sums[:len(b.one)]
		for i, v := range b.one {
			sums[i] += v
		}
	}
	b.columns(dst, last-first)
}

// columns sums groups of fx pixels of b.sums and divides by the block's area.
func (b *boxer[F]) columns(dst []F, rows int) {
	n := b.r.Samples
	inverse := 1 / F(rows*b.fx)
	whole := b.r.Width / b.fx
	switch n {
	case 1:
		for x := range whole {
			var sum F
			for _, v := range b.sums[x*b.fx : (x+1)*b.fx] {
				sum += v
			}
			dst[x] = sum * inverse
		}
	case 3:
		for x := range whole {
			var s0, s1, s2 F
			for block := b.sums[3*x*b.fx : 3*(x+1)*b.fx]; len(block) >= 3; block = block[3:] {
				s0 += block[0]
				s1 += block[1]
				s2 += block[2]
			}
			dst[3*x], dst[3*x+1], dst[3*x+2] = s0*inverse, s1*inverse, s2*inverse
		}
	default:
		for x := range whole {
			for k := range n {
				var sum F
				for i := x*b.fx*n + k; i < (x+1)*b.fx*n; i += n {
					sum += b.sums[i]
				}
				dst[x*n+k] = sum * inverse
			}
		}
	}
	if rest := b.r.Width - whole*b.fx; rest > 0 {
		inverse = 1 / F(rows*rest)
		for k := range n {
			var sum F
			for i := whole*b.fx*n + k; i < len(b.sums); i += n {
				sum += b.sums[i]
			}
			dst[whole*n+k] = sum * inverse
		}
	}
}
