package formatstest

import (
	"math"

	"github.com/pims-cloud/pims/pixel"
)

// MeanDifference is the mean absolute difference of two uint8 rasters over the
// area and samples that both have, 0 to 255.
func MeanDifference(a, b *pixel.Raster) float64 {
	width, height, samples := min(a.Width, b.Width), min(a.Height, b.Height), min(a.Samples, b.Samples)
	if width < 1 || height < 1 || a.Type != pixel.Uint8 || b.Type != pixel.Uint8 {
		return math.Inf(1)
	}
	total := 0.0
	for y := range height {
		rowA, rowB := a.Row(y), b.Row(y)
		for x := range width {
			for s := range samples {
				total += math.Abs(float64(rowA[x*a.Samples+s]) - float64(rowB[x*b.Samples+s]))
			}
		}
	}
	return total / float64(width*height*samples)
}
