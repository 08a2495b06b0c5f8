package render

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

// BenchmarkRender is what a 256² tile costs from stored samples to the picture,
// reading and encoding left out; "decode" is the part of it that only brings
// the samples together, so the others can be read as a ratio to it.
func BenchmarkRender(b *testing.B) {
	const side = 256
	fluorescence := newPlanes(side, side, 1, 3, 1, pixel.Uint16, 16)
	random := rand.New(rand.NewPCG(1, 2))
	for c := range 3 {
		data := make([]byte, 2*side*side)
		for i := 0; i < len(data); i += 2 {
			binary.LittleEndian.PutUint16(data[i:], uint16(random.IntN(4096)+200*(i>>9)))
		}
		fluorescence.pixels[formats.Plane{C: c}] = data
	}
	bright := newPlanes(side, side, 3, 1, 1, pixel.Uint8, 8)
	data := make([]byte, 3*side*side)
	for i := range data {
		data[i] = byte(random.IntN(256))
	}
	bright.pixels[formats.Plane{}] = data
	windows := []pixel.Window{{Lower: 100, Upper: 40000, Gamma: 0.7}, {Lower: 300, Upper: 50000, Gamma: 1.4}, {Lower: 10, Upper: 60000, Gamma: 0.9}}
	colors := maps(b, "VIRIDIS", "lime", "#f0f")
	bent := full(8, 3)
	bent[0].Gamma = 0.8
	stain := Default(&bright.m)
	stain.Windows = bent
	stain.Space = GreySpace
	for _, row := range []struct {
		name  string
		slide *planes
		view  View
	}{
		{"3x16-colormap-gamma", fluorescence, View{Channels: []int{0, 1, 2}, Windows: windows, Colormaps: colors, Bits: 8}},
		{"3x16-max", fluorescence, View{Channels: []int{0, 1, 2}, Windows: windows, Colormaps: colors, Reduction: Max, Bits: 8}},
		{"rgb-gamma-grey", bright, stain},
	} {
		r := New(Config{Concurrency: 1, MaxPixels: 1 << 24, MaxMemory: 1 << 28, MaxTile: 1 << 24})
		rect := Rect{0, 0, side, side}
		b.Run(row.name+"/decode", func(b *testing.B) {
			p, err := planFor(b.Context(), row.slide, row.view)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.region(b.Context(), row.slide, 0, rect, p); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(row.name+"/picture", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				p, err := planFor(b.Context(), row.slide, row.view)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := r.picture(b.Context(), row.slide, 0, rect, p, side, side); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
