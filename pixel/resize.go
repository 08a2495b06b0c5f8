package pixel

import "math"

// Resize scales r to exactly width × height pixels, each side by its own
// factor (a side below 1 is taken as 1). Any number of samples, any type.
//
// A side that shrinks is first averaged by a whole factor, so that at least a
// factor of 2 remains, and then resampled with Lanczos3; a side that grows is
// resampled with the Catmull-Rom bicubic (libvips' thumbnail with forced size:
// pims-api §4.7). Pixels are areas: the corners of both pictures coincide, and
// beyond an edge its last pixel repeats. Alpha is treated like every other
// sample; flatten it first. r is never changed; the same size gives a copy.
//
// The arithmetic is our own and not golang.org/x/image/draw: that calculates
// 8-bit four-sample pictures only. It is also the faster one, see
// BenchmarkResize: rows are loaded once as numbers and filtered while in
// cache.
func Resize(r *Raster, width, height int) *Raster {
	width, height = max(width, 1), max(height, 1)
	if width == r.Width && height == r.Height || r.Width == 0 || r.Height == 0 {
		return Crop(r, 0, 0, width, height)
	}
	return resized(r, width, height, 0)
}

// Thumbnail is Resize as libvips' thumbnail operation does it (pims-api §4.7),
// for pictures that must lie where the reference's lie. When a side grows, both
// are resampled by an affine transformation whose origin is the corner of a
// pixel and not its middle, so the picture lies half a pixel of the result to
// the right and below. A side that shrinks at the same time does so first.
func Thumbnail(r *Raster, width, height int) *Raster {
	width, height = max(width, 1), max(height, 1)
	if width <= r.Width && height <= r.Height || r.Width == 0 || r.Height == 0 {
		return Resize(r, width, height)
	}
	if width < r.Width || height < r.Height {
		r = Resize(r, min(width, r.Width), min(height, r.Height))
	}
	return resized(r, width, height, 0.5)
}

func resized(r *Raster, width, height int, shift float64) *Raster {
	out := New(width, height, r.Samples, r.Type)
	if wide(r.Type) {
		resize[float64](out, r, shift)
	} else {
		resize[float32](out, r, shift)
	}
	return out
}

// boxGap is what remains for Lanczos3 after averaging, at least: libvips' gap.
const boxGap = 2.0

func boxFactor(from, to int) int {
	return max(1, int(math.Floor(float64(from)/float64(to)/boxGap)))
}

func resize[F real](out, r *Raster, shift float64) {
	fx, fy := boxFactor(r.Width, out.Width), boxFactor(r.Height, out.Height)
	columns := newFilter[F](r.Width, out.Width, fx, shift)
	rows := newFilter[F](r.Height, out.Height, fy, shift)
	box := newBoxer[F](r, fx, fy)

	source := make([]F, ((r.Width+fx-1)/fx)*r.Samples)
	// The ring holds the horizontally filtered rows that the vertical filter
	// still needs: row y lies in slot y modulo its size.
	ring := make([][]F, rows.most)
	for i := range ring {
		ring[i] = make([]F, out.Width*out.Samples)
	}
	sum := make([]F, out.Width*out.Samples)
	next := 0
	for y := range out.Height {
		first, weights := rows.at(y)
		if next < first {
			next = first
		}
		for ; next < first+len(weights); next++ {
			box.row(source, next)
			columns.apply(ring[next%len(ring)], source, r.Samples)
		}
		combine(sum, ring, first, weights)
		store(out.Row(y), sum, out.Type)
	}
}

// combine is the vertical filter: the weighted sum of rows.
func combine[F real](sum []F, ring [][]F, first int, weights []F) {
	clear(sum)
	k := 0
	// Four rows a pass: the sum is read and written a quarter as often.
	for ; k+4 <= len(weights); k += 4 {
		a := ring[(first+k)%len(ring)][:len(sum)]
		b := ring[(first+k+1)%len(ring)][:len(sum)]
		c := ring[(first+k+2)%len(ring)][:len(sum)]
		d := ring[(first+k+3)%len(ring)][:len(sum)]
		wa, wb, wc, wd := weights[k], weights[k+1], weights[k+2], weights[k+3]
		for i := range sum {
			sum[i] += wa*a[i] + wb*b[i] + wc*c[i] + wd*d[i]
		}
	}
	for ; k < len(weights); k++ {
		w := weights[k]
		row := ring[(first+k)%len(ring)][:len(sum)]
		for i, v := range row {
			sum[i] += w * v
		}
	}
}
