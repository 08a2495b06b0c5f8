package pixel

import (
	"encoding/binary"
	"image"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/image/draw"
)

func TestShrink2IsTheMeanAndEdgesKeepTheirLight(t *testing.T) {
	r := bytesRaster(3, 3, 1,
		10, 20, 30,
		40, 50, 61,
		7, 8, 255)
	// (10+20+40+50+2)/4 = 30.5 → 30; (30+61+1)/2 = 46; (7+8+1)/2 = 8; 255.
	if diff := cmp.Diff([]byte{30, 46, 8, 255}, Shrink2(r).Pix); diff != "" {
		t.Errorf("3×3 halved (-want +got):\n%s", diff)
	}
	deep := shortsRaster(2, 2, 1, 1000, 2000, 3000, 4001)
	if diff := cmp.Diff([]uint16{2500}, shorts(Shrink2(deep))); diff != "" {
		t.Errorf("16 bits (-want +got):\n%s", diff) // 10001/4 = 2500.25
	}
	rgb := bytesRaster(2, 1, 3, 0, 100, 200, 10, 110, 211)
	if diff := cmp.Diff([]byte{5, 105, 206}, Shrink2(rgb).Pix); diff != "" {
		t.Errorf("RGB, odd height (-want +got):\n%s", diff)
	}
	five := bytesRaster(2, 1, 5, 0, 1, 2, 3, 4, 10, 11, 12, 13, 14)
	if diff := cmp.Diff([]byte{5, 6, 7, 8, 9}, Shrink2(five).Pix); diff != "" {
		t.Errorf("five samples (-want +got):\n%s", diff)
	}
}

func TestShrinkByOtherFactorsTakesWhatExists(t *testing.T) {
	r := bytesRaster(4, 2, 1, 1, 2, 3, 100, 4, 5, 6, 200)
	if diff := cmp.Diff([]byte{4, 150}, Shrink(r, 3, 2).Pix); diff != "" {
		t.Errorf("4×2 by 3×2 (-want +got):\n%s", diff) // 21/6 = 3.5 → 4; 300/2
	}
}

func TestResizeKeepsAConstantPictureConstant(t *testing.T) {
	for _, typ := range []Type{Uint8, Uint16, Uint32, Int8, Int16, Int32, Float32, Float64} {
		for _, samples := range []int{1, 2, 3, 4, 7} {
			r := New(37, 23, samples, typ)
			line := make([]float64, r.Width*samples)
			for i := range line {
				line[i] = float64(100 + i%samples)
			}
			for y := range r.Height {
				store(r.Row(y), line, typ)
			}
			for _, to := range [][2]int{{10, 7}, {1, 1}, {36, 22}, {80, 50}, {5, 60}, {37, 9}} {
				out := Resize(r, to[0], to[1])
				got := make([]float64, out.Width*samples)
				for y := range out.Height {
					load(got, out.Row(y), typ)
					for i, v := range got {
						if math.Abs(v-float64(100+i%samples)) > 1e-4 {
							t.Fatalf("%s × %d to %v: sample %d of row %d is %v, want %d", typ, samples, to, i, y, v, 100+i%samples)
						}
					}
				}
			}
		}
	}
}

func TestResizeOfTheSameSizeIsACopy(t *testing.T) {
	r := bytesRaster(2, 2, 1, 1, 2, 3, 4)
	got := Resize(r, 2, 2)
	if diff := cmp.Diff(r.Pix, got.Pix); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if &got.Pix[0] == &r.Pix[0] {
		t.Error("the copy shares memory")
	}
}

// A ramp keeps its values at the pixels' centres when corners coincide: the
// centre of output pixel i lies at (i+0.5)·scale − 0.5 in the source. A shift
// by half a pixel, the usual fault, would show as a difference of 25; Lanczos3
// itself bends a ramp by up to 2.
func TestResizeIsCentred(t *testing.T) {
	const size = 1200
	r := New(size, 1, 1, Uint16)
	for x := range size {
		put16(r.Pix, 2*x, uint16(50*x))
	}
	for _, to := range []int{600, 400, 300, 250, 119, 77, 1000, 1199, 2400, 3001} {
		out := Resize(r, to, 1)
		scale := float64(size) / float64(to)
		margin := int(8/scale) + 8 // the repeated edge bends the ramp there
		for x := margin; x < to-margin; x++ {
			want := 50 * ((float64(x)+0.5)*scale - 0.5)
			if got := float64(get16(out.Pix, 2*x)); math.Abs(got-want) > 0.04*50*math.Max(scale, 1) {
				t.Fatalf("%d → %d: pixel %d is %v, want %.2f", size, to, x, got, want)
			}
		}
	}
}

// Mirroring the source mirrors the result, so both edges are treated alike.
func TestResizeIsSymmetric(t *testing.T) {
	r := New(101, 1, 1, Uint8)
	mirrored := New(101, 1, 1, Uint8)
	for x := range 101 {
		v := byte((x*x*7 + x*13) % 251)
		r.Pix[x], mirrored.Pix[100-x] = v, v
	}
	for _, to := range []int{30, 50, 99, 150} {
		a, b := Resize(r, to, 1), Resize(mirrored, to, 1)
		for x := range to {
			if d := int(a.Pix[x]) - int(b.Pix[to-1-x]); d < -1 || d > 1 {
				t.Fatalf("101 → %d: pixel %d is %d, its mirror image %d", to, x, a.Pix[x], b.Pix[to-1-x])
			}
		}
	}
}

// Doubling with Catmull-Rom: centres at −0.25, 0.25, 0.75 … Weights at a
// quarter: −9/128, 111/128, 29/128, −3/128. Between 0 0 100 100 the third and
// fourth of eight pixels are, at 0.75 and 1.25 source pixels:
// x=1.25: (−9·0 + 111·0 + 29·100 − 3·100)/128 = 20.3.
func TestResizeUpIsCatmullRom(t *testing.T) {
	got := Resize(bytesRaster(4, 1, 1, 0, 0, 100, 100), 8, 1)
	// x=0.75: (−3·0 + 29·0 + 111·0 … −9·100)/128 = −7.03 → −3/128·0 … clipped 0.
	want := []byte{0, 0, 0, 20, 80, 107, 102, 100}
	// x=1.75: 100−20.3 = 79.7; x=2.25: 100+7.03; x=2.75: 100 − (−3·100·…)/128 = 102.3
	if diff := cmp.Diff(want, got.Pix); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestLanczosWeights(t *testing.T) {
	// sinc(0.5)·sinc(1/6) = (2/π)·(3/π) = 6/π² = 0.6079
	if got := lanczos3(0.5); math.Abs(got-6/(math.Pi*math.Pi)) > 1e-12 {
		t.Errorf("lanczos3(0.5) = %v, want %v", got, 6/(math.Pi*math.Pi))
	}
	for _, x := range []float64{1, 2, 3, 4} {
		if got := lanczos3(x); math.Abs(got) > 1e-12 {
			t.Errorf("lanczos3(%v) = %v, want 0", x, got)
		}
	}
	f := newFilter[float64](1000, 300, 1, 0)
	for i := range 300 {
		first, weights := f.at(i)
		sum := 0.0
		for _, w := range weights {
			sum += w
		}
		if math.Abs(sum-1) > 1e-12 || first < 0 || first+len(weights) > 1000 {
			t.Fatalf("position %d: weights sum to %v over [%d, %d)", i, sum, first, first+len(weights))
		}
	}
}

func TestResizeOfFloatsIsNotClipped(t *testing.T) {
	r := New(2, 1, 1, Float32)
	binary.LittleEndian.PutUint32(r.Pix, math.Float32bits(-5e6))
	binary.LittleEndian.PutUint32(r.Pix[4:], math.Float32bits(5e6))
	out := Resize(r, 1, 1)
	if got := math.Float32frombits(binary.LittleEndian.Uint32(out.Pix)); got < -1 || got > 1 {
		t.Errorf("mean of ±5e6 is %v, want 0", got)
	}
}

func noise(width, height, samples int, typ Type) *Raster {
	r := New(width, height, samples, typ)
	state := uint32(1)
	for i := range r.Pix {
		state = state*1664525 + 1013904223
		r.Pix[i] = byte(state >> 24)
	}
	return r
}

func BenchmarkResize(b *testing.B) {
	for _, c := range []struct {
		name string
		from *Raster
		to   int
	}{
		{"rgb 1024 to 256", noise(1024, 1024, 3, Uint8), 256},
		{"rgb 1024 to 700", noise(1024, 1024, 3, Uint8), 700},
		{"rgb 256 to 512", noise(256, 256, 3, Uint8), 512},
		{"rgba 1024 to 256", noise(1024, 1024, 4, Uint8), 256},
		{"grey16 1024 to 256", noise(1024, 1024, 1, Uint16), 256},
		{"5 x uint16 1024 to 256", noise(1024, 1024, 5, Uint16), 256},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(c.from.Pix)))
			for b.Loop() {
				Resize(c.from, c.to, c.to)
			}
		})
	}
}

func BenchmarkShrink2(b *testing.B) {
	for _, r := range []*Raster{noise(512, 512, 3, Uint8), noise(512, 512, 1, Uint8), noise(512, 512, 1, Uint16)} {
		b.Run(r.Type.String()+"×"+string(rune('0'+r.Samples)), func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(r.Pix)))
			for b.Loop() {
				Shrink2(r)
			}
		})
	}
}

// The library's kernel scaler on its own best case: 8-bit RGBA.
func BenchmarkDrawLanczos(b *testing.B) {
	from := noise(1024, 1024, 4, Uint8)
	src := &image.RGBA{Pix: from.Pix, Stride: from.Stride, Rect: image.Rect(0, 0, 1024, 1024)}
	dst := image.NewRGBA(image.Rect(0, 0, 256, 256))
	scaler := (&draw.Kernel{Support: 3, At: lanczos3}).NewScaler(256, 256, 1024, 1024)
	b.ReportAllocs()
	b.SetBytes(int64(len(from.Pix)))
	for b.Loop() {
		scaler.Scale(dst, dst.Rect, src, src.Rect, draw.Src, nil)
	}
}
