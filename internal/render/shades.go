package render

import (
	"encoding/binary"
	"math"
	"sync"

	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

// shadeStep is the distance of two of the 256 shades in 16 bits.
const shadeStep = 257

// minShades is how many shades a range must span to be rounded to them: what is
// narrower would be cut at its ends, or shown as one shade.
const minShades = 4

// shadeOf is which of 256 shades libvips makes of a grey value of 16 bits. It
// goes by linear light: through the sRGB curve, and back by a table of the
// curve at 256 places, between which it is a straight line. So it is up to 0.9
// off v/257, in dark tones mostly.
func shadeOf(v int) int {
	light := linear(float64(v)/65535) * 255
	at := math.Floor(light)
	low := math.RoundToEven(255 * curve(at/255))
	high := math.RoundToEven(255 * curve(min(at+1, 255)/255))
	return int(math.RoundToEven(low + (high-low)*(light-at)))
}

// shaded tells slides whose samples libvips takes for a grey or colours of 16
// bits.
func shaded(m *slide.Manifest) bool { return m.Description.PixelType == pixel.Uint16 && !plain(m) }

// plain tells slides that PIMS reads by a library that knows neither colour
// spaces nor scaling: DICOM (pims-api §5.6).
func plain(m *slide.Manifest) bool { return m.SpatialFormat() == "DICOM" }

// inShades is bounds of 16-bit samples as PIMS finds them. It counts them in a
// picture of 256 shades (pims-api §4.2, §4.12), and Cytomine's defaults show
// slides between such bounds; the stored histogram and the samples themselves
// keep their precision here.
func inShades(lower, upper int) (low, high int) {
	low, high = shadeOf(lower), shadeOf(upper)
	if high-low < minShades {
		return lower, upper
	}
	return low * shadeStep, high * shadeStep
}

// shades brings samples of 16 bits to the 256 shades of PIMS' thumbnails. It
// stands before tables for 8 bits only: deeper pictures keep their precision.
type shades struct{}

// shadeTable is worked out once, when the first picture needs it.
var shadeTable = sync.OnceValue(func() []uint16 {
	table := make([]uint16, 1<<16)
	for v := range table {
		table[v] = uint16(shadeOf(v) * shadeStep)
	}
	return table
})

func (shades) apply(r *pixel.Raster) (*pixel.Raster, error) {
	table := shadeTable()
	for y := range r.Height {
		row := r.Row(y)
		for i := 0; i+1 < len(row); i += 2 {
			binary.LittleEndian.PutUint16(row[i:], table[binary.LittleEndian.Uint16(row[i:])])
		}
	}
	return r, nil
}
