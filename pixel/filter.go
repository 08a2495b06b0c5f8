package pixel

import "math"

// filter is one axis of a resampling: for every output position the first
// source position and the weights from there on, which sum to 1. The ends
// already lie within the source.
type filter[F real] struct {
	first   []int
	starts  []int // of each position's weights, and the end of the last
	weights []F
	most    int // the greatest number of weights of one position
}

// newFilter plans scaling `from` source pixels, averaged in blocks of `box`
// (the last may be partial), to `to` pixels that lie `shift` of their own width
// to the right.
func newFilter[F real](from, to, box int, shift float64) *filter[F] {
	source := (from + box - 1) / box
	scale := float64(from) / float64(box) / float64(to) // averaged pixels per output pixel
	kernel, support := lanczos3, 3*scale
	stretch := scale
	switch {
	case from == to && shift == 0:
		kernel, support, stretch = nearest, 0.5, 1
	case scale <= 1:
		kernel, support, stretch = catmullRom, 2, 1
	}
	f := &filter[F]{first: make([]int, to), starts: make([]int, to+1)}
	var raw []float64
	for i := range to {
		centre := (float64(i)+0.5-shift)*scale - 0.5
		low := int(math.Ceil(centre - support))
		high := int(math.Floor(centre + support))
		a, b := clampInt(low, source), clampInt(high, source)
		raw = raw[:0]
		for range b - a + 1 {
			raw = append(raw, 0)
		}
		total := 0.0
		for p := low; p <= high; p++ {
			w := kernel((float64(p) - centre) / stretch)
			raw[clampInt(p, source)-a] += w // beyond an edge its pixel repeats
			total += w
		}
		for len(raw) > 1 && raw[len(raw)-1] == 0 {
			raw = raw[:len(raw)-1]
		}
		f.first[i] = a
		for _, w := range raw {
			f.weights = append(f.weights, F(w/total))
		}
		f.starts[i+1] = len(f.weights)
		f.most = max(f.most, len(raw))
	}
	return f
}

func (f *filter[F]) at(i int) (first int, weights []F) {
	return f.first[i], f.weights[f.starts[i]:f.starts[i+1]]
}

// apply is the horizontal filter of one row.
func (f *filter[F]) apply(dst, src []F, samples int) {
	switch samples {
	case 1:
		for x := range f.first {
			first, weights := f.at(x)
			from := src[first:][:len(weights)]
			var sum F
			for k, w := range weights {
				sum += w * from[k]
			}
			dst[x] = sum
		}
	case 3:
		for x := range f.first {
			first, weights := f.at(x)
			from := src[3*first:][:3*len(weights)]
			var s0, s1, s2 F
			for _, w := range weights {
				s0 += w * from[0]
				s1 += w * from[1]
				s2 += w * from[2]
				from = from[3:]
			}
			to := dst[3*x : 3*x+3]
			to[0], to[1], to[2] = s0, s1, s2
		}
	case 4:
		for x := range f.first {
			first, weights := f.at(x)
			from := src[4*first:][:4*len(weights)]
			var s0, s1, s2, s3 F
			for _, w := range weights {
				s0 += w * from[0]
				s1 += w * from[1]
				s2 += w * from[2]
				s3 += w * from[3]
				from = from[4:]
			}
			to := dst[4*x : 4*x+4]
			to[0], to[1], to[2], to[3] = s0, s1, s2, s3
		}
	default:
		for x := range f.first {
			first, weights := f.at(x)
			for c := range samples {
				var sum F
				i := first*samples + c
				for _, w := range weights {
					sum += w * src[i]
					i += samples
				}
				dst[x*samples+c] = sum
			}
		}
	}
}

func clampInt(p, size int) int { return min(max(p, 0), size-1) }

func nearest(x float64) float64 {
	if math.Abs(x) < 0.25 {
		return 1
	}
	return 0
}

// lanczos3 is sinc(x)·sinc(x/3) for |x| < 3 (Duchon 1979).
func lanczos3(x float64) float64 {
	x = math.Abs(x)
	if x < 1e-9 {
		return 1
	}
	if x >= 3 {
		return 0
	}
	p := math.Pi * x
	return 3 * math.Sin(p) * math.Sin(p/3) / (p * p)
}

// catmullRom is the cubic convolution kernel with a = −1/2 (Keys 1981).
func catmullRom(x float64) float64 {
	x = math.Abs(x)
	switch {
	case x < 1:
		return (1.5*x-2.5)*x*x + 1
	case x < 2:
		return ((-0.5*x+2.5)*x-4)*x + 2
	default:
		return 0
	}
}
