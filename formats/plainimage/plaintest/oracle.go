package plaintest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/codec/vips"
	"github.com/pims-cloud/pims/pixel"
)

// Picture is pixels as red, green, blue, alpha from 0 to 1, so that readers
// with different ideas of grey and alpha can be compared.
type Picture struct {
	Width, Height int
	RGBA          []float32
}

// FromRaster reads a decoded tile: 1 to 4 samples of an unsigned type.
func FromRaster(r *pixel.Raster) (Picture, error) {
	top, ok := map[pixel.Type]float32{pixel.Uint8: 255, pixel.Uint16: 65535}[r.Type]
	if !ok || r.Samples < 1 || r.Samples > 4 {
		return Picture{}, fmt.Errorf("%d × %s cannot be compared", r.Samples, r.Type)
	}
	p := Picture{Width: r.Width, Height: r.Height, RGBA: make([]float32, 0, 4*r.Width*r.Height)}
	sample := func(row []byte, i int) float32 {
		if r.Type == pixel.Uint8 {
			return float32(row[i]) / top
		}
		return float32(binary.LittleEndian.Uint16(row[2*i:])) / top
	}
	for y := range r.Height {
		row := r.Row(y)
		for x := range r.Width {
			at := x * r.Samples
			v := [4]float32{0, 0, 0, 1}
			for c := range 3 {
				v[c] = sample(row, at+min(c, (r.Samples-1)/2*2))
			}
			if r.Samples%2 == 0 {
				v[3] = sample(row, at+r.Samples-1)
			}
			p.RGBA = append(p.RGBA, v[:]...)
		}
	}
	return p, nil
}

// Vips reads a file with libvips' command. The error is exec.ErrNotFound when it
// is not installed; another one says that libvips refuses the file.
func Vips(t testing.TB, path string) (Picture, error) {
	t.Helper()
	command, err := exec.LookPath("vips")
	if err != nil {
		return Picture{}, exec.ErrNotFound
	}
	run := func(operation ...string) (*pixel.Raster, bool, error) {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if said, err := exec.CommandContext(ctx, command, operation...).CombinedOutput(); err != nil {
			return nil, false, fmt.Errorf("vips: %w: %s", err, said)
		}
		data, err := os.ReadFile(operation[2])
		if err != nil {
			t.Fatal(err)
		}
		return readV(data)
	}
	out := filepath.Join(t.TempDir(), "out.v")
	r, ink, err := run("copy", path, out)
	switch {
	case err != nil:
		return Picture{}, err
	case ink && vips.Available: // builds with libvips manage colours
		if r, _, err = run("colourspace", path, out, "srgb"); err != nil {
			return Picture{}, err
		}
	case ink:
		r = inkToRGB(r)
	}
	return FromRaster(r)
}

// readV reads libvips' own format: 64 bytes of header, pixels, XML.
func readV(data []byte) (r *pixel.Raster, ink bool, err error) {
	const header, interpretationCMYK = 64, 15
	if len(data) < header || binary.LittleEndian.Uint32(data) != 0x08F2A6B6 {
		return nil, false, errors.New("libvips wrote no .v file")
	}
	field := func(at int) int { return int(binary.LittleEndian.Uint32(data[at:])) }
	kind, ok := map[int]pixel.Type{0: pixel.Uint8, 2: pixel.Uint16}[field(20)]
	if !ok {
		return nil, false, fmt.Errorf("libvips' band format %d cannot be compared", field(20))
	}
	r = pixel.New(field(4), field(8), field(12), kind)
	if copy(r.Pix, data[header:]) < len(r.Pix) {
		return nil, false, errors.New("libvips wrote a short .v file")
	}
	return r, field(28) == interpretationCMYK, nil
}

// inkToRGB is the arithmetic without profiles: libvips gives 255 for full ink.
func inkToRGB(r *pixel.Raster) *pixel.Raster {
	out := pixel.New(r.Width, r.Height, 3, pixel.Uint8)
	for i := range r.Width * r.Height {
		k := 255 - float64(r.Pix[4*i+3])
		for c := range 3 {
			out.Pix[3*i+c] = uint8(math.Round((255 - float64(r.Pix[4*i+c])) * k / 255))
		}
	}
	return out
}

// Difference is the mean and the greatest absolute difference, 0 to 1. Colours
// count as far as they are seen: those behind full transparency do not.
func Difference(a, b Picture) (mean, greatest float64, err error) {
	if a.Width != b.Width || a.Height != b.Height {
		return 0, 0, fmt.Errorf("%d × %d pixels, expected %d × %d", a.Width, a.Height, b.Width, b.Height)
	}
	sum := 0.0
	for i := 0; i < len(a.RGBA); i += 4 {
		for c := range 4 {
			x, y := a.RGBA[i+c], b.RGBA[i+c]
			if c < 3 {
				x, y = x*a.RGBA[i+3], y*b.RGBA[i+3]
			}
			d := math.Abs(float64(x - y))
			sum += d
			greatest = max(greatest, d)
		}
	}
	return sum / float64(len(a.RGBA)), greatest, nil
}
