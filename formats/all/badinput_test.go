package all_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/tiff"
)

// strange is a file that somebody may upload: refused with a code, or read with
// the values that it was made of.
type strange struct {
	name    string // of the file
	data    []byte
	refused string                   // the code
	samples func(x, y int) []float64 // of a pixel
}

func encoded(t *testing.T, encode func(*bytes.Buffer) error) []byte {
	t.Helper()
	var b bytes.Buffer
	check(t, encode(&b))
	return b.Bytes()
}

// TestStrangeFilesAreReadRightOrRefusedWithAReason is the list of bad input.
func TestStrangeFilesAreReadRightOrRefusedWithAReason(t *testing.T) {
	grey := image.NewGray(image.Rect(0, 0, 64, 48))
	for i := range grey.Pix {
		grey.Pix[i] = byte(i * 7)
	}
	pngData := encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, grey) })
	jpegData := encoded(t, func(b *bytes.Buffer) error { return jpeg.Encode(b, grey, nil) })
	greyAt := func(x, y int) []float64 { return []float64{float64(grey.GrayAt(x, y).Y)} }
	tiffOf := func(page formatstest.TIFFPage) []byte {
		return formatstest.TIFF(t, "x.tif", tiff.WriteOptions{}, page).Data
	}
	field := func(tag tiff.Tag, v ...uint64) tiff.Field { return tiff.NumberField(tag, tiff.Short, v...) }
	for what, s := range map[string]strange{
		"an empty file":            {name: "x.svs", refused: "no-matching-format"},
		"a JPEG cut off":           {name: "x.jpg", data: jpegData[:len(jpegData)/2], refused: "jpeg-"},
		"a PNG cut off":            {name: "x.png", data: pngData[:len(pngData)/2], refused: "codec-png-damaged"},
		"a TIFF cut off":           {name: "x.tif", data: tiffOf(formatstest.TIFFPage{Width: 64, Height: 64})[:40], refused: "no-matching-format"},
		"a PNG bomb":               {name: "x.png", data: pngBomb(pngData), refused: "codec-"},
		"a map of no pixels":       {name: "x.ppm", data: []byte("P6 0 0 255\n"), refused: "ppm-number"},
		"text that is called TIFF": {name: "x.tif", data: []byte("Dear doctor,\nplease find attached\n"), refused: "no-matching-format"},
		"a PNG that is called SVS": {name: "x.svs", data: pngData, samples: greyAt},
		"a PNG without a name":     {name: "noname", data: pngData, samples: greyAt},
		"70,000 pixels in one row": {name: "x.pgm", data: row(70_000), samples: func(x, _ int) []float64 { return []float64{float64(byte(x * 3))} }},
		"one bit a pixel":          {name: "x.pbm", data: []byte("P4 9 1\n\xA0\x80"), samples: func(x, _ int) []float64 { return []float64{[]float64{0, 255, 0, 255, 255, 255, 255, 255, 0}[x]} }},
		"twelve bits":              {name: "x.pgm", data: []byte("P5 2 1 4095\n\x0F\xFF\x01\x02"), samples: func(x, _ int) []float64 { return []float64{[]float64{4095, 258}[x]} }},
		"ink without a profile":    {name: "x.tif", data: inkTIFF(tiffOf, field), samples: func(int, int) []float64 { return []float64{204, 102, 0} }},
		"a palette with alpha":     {name: "x.png", data: palettePNG(t), samples: func(x, _ int) []float64 { return [][]float64{{10, 20, 30}, {200, 100, 50}}[x%2] }},
		"numbers that are not":     {name: "x.tif", data: nanTIFF(tiffOf, field), samples: func(x, y int) []float64 { return []float64{math.NaN()} }},
	} {
		t.Run(what, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), s.name)
			check(t, os.WriteFile(path, s.data, 0o600))
			read, refused := importFile(t, path, false)
			if s.refused != "" || refused != "" {
				code, sentence, _ := strings.Cut(refused, ": ")
				if s.refused == "" || !strings.HasPrefix(code, s.refused) || len(sentence) < 10 {
					t.Errorf("refused as %q, expected code %q", refused, s.refused)
				}
				return
			}
			if err := read.holds(s.samples); err != nil {
				t.Errorf("%s: %v", read.summary, err)
			}
		})
	}
}

// holds compares the points of levels that were not made.
func (m *imported) holds(want func(x, y int) []float64) error {
	at, compared := 0, 0
	for _, g := range m.grids {
		for _, y := range g.Ys {
			for _, x := range g.Xs {
				for c := range m.points.samples {
					got := m.points.values[at]
					at++
					if g.Shrink > 1 {
						continue
					}
					compared++
					if v := want(x, y)[c]; got != v && !(math.IsNaN(got) && math.IsNaN(v)) {
						return fmt.Errorf("sample %d at (%d, %d) is %v, expected %v", c, x, y, got, v)
					}
				}
			}
		}
	}
	if compared == 0 {
		return fmt.Errorf("nothing was compared")
	}
	return nil
}

// pngBomb is a PNG whose header claims 30,000 × 30,000 pixels.
func pngBomb(data []byte) []byte {
	out := bytes.Clone(data)
	be := binary.BigEndian
	be.PutUint32(out[16:], 30_000)
	be.PutUint32(out[20:], 30_000)
	be.PutUint32(out[29:], crc32.ChecksumIEEE(out[12:29]))
	return out
}

func row(width int) []byte {
	out := []byte(fmt.Sprintf("P5 %d 1 255\n", width))
	for x := range width {
		out = append(out, byte(x*3))
	}
	return out
}

func palettePNG(t *testing.T) []byte {
	m := image.NewPaletted(image.Rect(0, 0, 4, 1), color.Palette{color.NRGBA{10, 20, 30, 255}, color.NRGBA{200, 100, 50, 128}})
	copy(m.Pix, []byte{0, 1, 0, 1})
	return encoded(t, func(b *bytes.Buffer) error { return png.Encode(b, m) })
}

// inkTIFF is one colour: 20 % cyan, 60 % magenta, all yellow, no black.
func inkTIFF(tiffOf func(formatstest.TIFFPage) []byte, field func(tiff.Tag, ...uint64) tiff.Field) []byte {
	return tiffOf(formatstest.TIFFPage{
		Width: 8, Height: 8, Samples: 4, Fields: []tiff.Field{field(tiff.PhotometricInterpretation, 5)},
		Data: bytes.Repeat([]byte{51, 153, 255, 0}, 64),
	})
}

func nanTIFF(tiffOf func(formatstest.TIFFPage) []byte, field func(tiff.Tag, ...uint64) tiff.Field) []byte {
	return tiffOf(formatstest.TIFFPage{
		Width: 8, Height: 8, Bits: 32, Fields: []tiff.Field{field(tiff.SampleFormat, 3)},
		Data: bytes.Repeat(binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(math.NaN()))), 64),
	})
}
