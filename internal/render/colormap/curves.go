package colormap

import "math"

// formulas are three components as functions of the place in [0, 1]; results
// beyond that are clipped by Table.
type formulas struct {
	components [3]func(x float64) float64
	inverted   bool
}

func (f formulas) at(i, n int) [3]float64 {
	x := position(i, n)
	if f.inverted {
		x = 1 - x
	}
	return [3]float64{f.components[0](x), f.components[1](x), f.components[2](x)}
}

// line is a·x + b.
func line(a, b float64) func(float64) float64 {
	return func(x float64) float64 { return float64(a*x) + b }
}

// wave is a·sin(π(f·x + p)) + b.
func wave(a, f, p, b float64) func(float64) float64 {
	return func(x float64) float64 { return a*math.Sin((x*f+p)*math.Pi) + b }
}

// helix is one component of the cubehelix of D. A. Green (2011) with start 0.5,
// −1.5 rotations, hue 1 and gamma 1.
func helix(cosine, sine float64) func(float64) float64 {
	return func(x float64) float64 {
		angle := 2 * math.Pi * (0.5/3 - 1.5*x)
		return x + x*(1-x)/2*(cosine*math.Cos(angle)+sine*math.Sin(angle))
	}
}

// curves are the maps that formulas define: gnuplot's palette functions and the
// IDL maps. Id may have "!" in front.
func curves(id string, inverted bool) formulas {
	same := func(f func(float64) float64) [3]func(float64) float64 { return [3]func(float64) float64{f, f, f} }
	out := formulas{inverted: inverted}
	if inverted {
		id = id[1:]
	}
	switch id {
	case "GIST_YARG":
		out.components = same(line(-1, 1))
	case "AFMHOT":
		out.components = [3]func(float64) float64{line(2, 0), line(2, -0.5), line(2, -1)}
	case "GIST_HEAT":
		out.components = [3]func(float64) float64{line(1.5, 0), line(2, -1), line(4, -3)}
	case "FLAG":
		out.components = [3]func(float64) float64{wave(0.75, 31.5, 0.25, 0.5), wave(1, 31.5, 0, 0), wave(0.75, 31.5, -0.25, 0.5)}
	case "PRISM":
		out.components = [3]func(float64) float64{wave(0.75, 20.9, 0.25, 0.67), wave(0.75, 20.9, -0.25, 0.33), wave(-1.1, 20.9, 0, 0)}
	case "OCEAN":
		out.components = [3]func(float64) float64{line(3, -2), func(x float64) float64 { return math.Abs((3*x - 1) / 2) }, line(1, 0)}
	case "GNUPLOT":
		out.components = [3]func(float64) float64{math.Sqrt, func(x float64) float64 { return x * x * x }, wave(1, 2, 0, 0)}
	case "GNUPLOT2":
		out.components = [3]func(float64) float64{func(x float64) float64 { return x/0.32 - 0.78125 }, line(2, -0.84), gnuplotBlue}
	case "CUBEHELIX":
		out.components = [3]func(float64) float64{helix(-0.14861, 1.78277), helix(-0.29227, -0.90649), helix(1.97294, 0)}
	case "RAINBOW":
		out.components = [3]func(float64) float64{
			func(x float64) float64 { return math.Abs(2*x - 0.5) }, wave(1, 1, 0, 0),
			func(x float64) float64 { return math.Cos(x * math.Pi / 2) },
		}
	default: // GIST_GRAY
		out.components = same(line(1, 0))
	}
	return out
}

// gnuplotBlue is gnuplot's function 32.
func gnuplotBlue(x float64) float64 {
	switch {
	case x < 0.25:
		return 4 * x
	case x < 0.92:
		return -2*x + 1.84
	default:
		return x/0.08 - 11.5
	}
}
