package pixel

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
)

func TestNoTableWhenNothingChanges(t *testing.T) {
	lut, err := NewLUT([]Window{DefaultWindow(8), DefaultWindow(8), DefaultWindow(8)}, 8, 8)
	if err != nil || lut != nil {
		t.Errorf("8 bits shown with 8: table %v, error %v; want neither", lut, err)
	}
	lut, err = NewLUT([]Window{DefaultWindow(16)}, 16, 8)
	if err != nil || lut == nil {
		t.Errorf("16 bits shown with 8: table %v, error %v; want a table", lut, err)
	}
}

// pims-api §4.3 step 1: linspace(0, 1, upper−lower) on [lower, upper), 1 above.
func TestWindowIsTheReferencesRamp(t *testing.T) {
	lut, err := NewLUT([]Window{{Lower: 10, Upper: 15, Gamma: 1}}, 8, 8)
	if err != nil {
		t.Fatal(err)
	}
	// Five points: 0, 63.75 → 64, 127.5 → 128 (half to even), 191.25 → 191, 255.
	if diff := cmp.Diff([]uint16{0, 0, 64, 128, 191, 255, 255, 255}, lut.Tables[0][9:17]); diff != "" {
		t.Errorf("entries 9 to 16 (-want +got):\n%s", diff)
	}
	// Two points around a half that rounds down: 0 and 1; three give 127.5 → 128.
	one, err := NewLUT([]Window{{Lower: 7, Upper: 8, Gamma: 1}}, 8, 8)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint16{0, 0, 255}, one.Tables[0][6:9]); diff != "" {
		t.Errorf("a window of one value (-want +got):\n%s", diff)
	}
}

func TestRoundingIsHalfToEven(t *testing.T) {
	// bits 2 → 1 with the window 0…3: points 0, 0.5, 1 → 0, 0.5 → 0 (even), 1.
	lut, err := NewLUT([]Window{{Upper: 3, Gamma: 1}}, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint16{0, 0, 1, 1}, lut.Tables[0]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestGammaLogThreshold(t *testing.T) {
	at := func(w Window, v int) uint16 {
		lut, err := NewLUT([]Window{w}, 8, 8)
		if err != nil {
			t.Fatal(err)
		}
		return lut.Tables[0][v]
	}
	// No bound differs, so lut[v] = v/255: (51/255)² = 0.04 → 10.2.
	if got := at(Window{Upper: 255, Gamma: 2}, 51); got != 10 {
		t.Errorf("gamma 2 of 51 = %d, want 10", got)
	}
	// ln(1.2)/ln 2 = 0.26303 → 67.07.
	if got := at(Window{Upper: 255, Gamma: 1, Log: true}, 51); got != 67 {
		t.Errorf("log of 51 = %d, want 67", got)
	}
	if got := at(Window{Upper: 255, Gamma: 1, Threshold: 0.21}, 51); got != 0 {
		t.Errorf("threshold 0.21 of 51 = %d, want 0", got)
	}
	if got := at(Window{Upper: 255, Gamma: 1, Threshold: 0.2}, 51); got != 51 {
		t.Errorf("threshold 0.2 of 51 = %d, want 51", got)
	}
	if got := at(Window{Upper: 255, Gamma: 0}, 0); got != 255 {
		t.Errorf("gamma 0 of 0 = %d, want 255", got)
	}
}

func TestBadWindowsAreRefused(t *testing.T) {
	for _, w := range []Window{{Lower: 9, Upper: 8}, {Lower: -1, Upper: 8}, {Upper: 257}} {
		if _, err := NewLUT([]Window{w}, 8, 8); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%+v: %v, want kind invalid", w, err)
		}
	}
	// Without a histogram the reference falls back to (0, 2^B) (pims-api §3.0.5).
	if _, err := NewLUT([]Window{{Upper: 256, Gamma: 1}}, 8, 8); err != nil {
		t.Errorf("upper bound 2^bits: %v, want none", err)
	}
}

func TestAutoImage(t *testing.T) {
	if got := AutoImageWindow(8, 20, 200); got != DefaultWindow(8) {
		t.Errorf("8 bits: %+v", got)
	}
	if got := AutoImageWindow(12, 20, 200); got != (Window{Lower: 20, Upper: 200, Gamma: 1}) {
		t.Errorf("12 bits: %+v", got)
	}
}

func TestApplyAllTypes(t *testing.T) {
	to8, _ := NewLUT([]Window{{Lower: 100, Upper: 102, Gamma: 1}, {Lower: 0, Upper: 65535, Gamma: 1}}, 16, 8)
	got, err := to8.Apply(shortsRaster(2, 1, 2, 100, 65535, 101, 0))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]byte{0, 255, 255, 0}, got.Pix); diff != "" || got.Type != Uint8 {
		t.Errorf("16 to 8 bits (-want +got):\n%s", diff)
	}
	to16, _ := NewLUT([]Window{DefaultWindow(8)}, 8, 16)
	deep, err := to16.Apply(bytesRaster(3, 1, 1, 0, 254, 255))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint16{0, 65535, 65535}, shorts(deep)); diff != "" {
		t.Errorf("8 to 16 bits (-want +got):\n%s", diff) // the ramp ends at upper−1
	}
	twelve, _ := NewLUT([]Window{DefaultWindow(12)}, 12, 8)
	over, err := twelve.Apply(shortsRaster(1, 1, 1, 60000))
	if err != nil || over.Pix[0] != 255 {
		t.Errorf("a value beyond its significant bits: %v, %v; want 255", over, err)
	}
	if _, err := twelve.Apply(shortsRaster(1, 1, 2, 1, 2)); fault.KindOf(err) != fault.Invalid {
		t.Errorf("two channels through one table: %v, want kind invalid", err)
	}
}

func TestToUint8(t *testing.T) {
	got, err := ToUint8(shortsRaster(4, 1, 1, 0, 128, 129, 65535), 16)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]byte{0, 0, 1, 255}, got.Pix); diff != "" { // 128/257 = 0.498, 129/257 = 0.502
		t.Errorf("16 bits (-want +got):\n%s", diff)
	}
	got, err = ToUint8(shortsRaster(3, 1, 1, 2048, 4095, 5000), 12)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]byte{128, 255, 255}, got.Pix); diff != "" { // 2048·255/4095 = 127.53
		t.Errorf("12 bits (-want +got):\n%s", diff)
	}
	same := bytesRaster(1, 1, 1, 7)
	if got, _ := ToUint8(same, 8); got != same {
		t.Error("8 bits were copied")
	}
}

func TestToUnsigned(t *testing.T) {
	r := New(3, 1, 1, Int16)
	for i, v := range []int16{math.MinInt16, 0, math.MaxInt16} {
		put16(r.Pix, 2*i, uint16(v))
	}
	got, err := ToUnsigned(r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint16{0, 32768, 65535}, shorts(got)); diff != "" || got.Type != Uint16 {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := ToUnsigned(New(1, 1, 1, Float32)); fault.KindOf(err) != fault.Unsupported {
		t.Errorf("float: %v, want kind unsupported", err)
	}
}

func TestNormalize(t *testing.T) {
	r := New(5, 1, 1, Float32)
	for i, v := range []float64{-3, 2, 3, 4, math.NaN()} {
		binary.LittleEndian.PutUint32(r.Pix[4*i:], math.Float32bits(float32(v)))
	}
	got, err := Normalize(r, 2, 4, Uint8)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]byte{0, 0, 128, 255, 0}, got.Pix); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if lower, upper := Bounds(r, 0); lower != -3 || upper != 4 {
		t.Errorf("bounds %v to %v, want -3 to 4", lower, upper)
	}
}

func TestHistogram(t *testing.T) {
	counts, err := Histogram(bytesRaster(3, 1, 2, 1, 200, 1, 201, 3, 200), 8)
	if err != nil {
		t.Fatal(err)
	}
	if len(counts) != 2 || len(counts[0]) != 256 || counts[0][1] != 2 || counts[0][3] != 1 || counts[1][200] != 2 {
		t.Errorf("counts %v", counts)
	}
	twelve, err := Histogram(shortsRaster(2, 1, 1, 4095, 9999), 12)
	if err != nil || len(twelve[0]) != 4096 || twelve[0][4095] != 2 {
		t.Errorf("12 bits: %d bins, last %v, error %v", len(twelve[0]), twelve[0][len(twelve[0])-1], err)
	}
	deep := New(1, 1, 1, Uint32)
	binary.LittleEndian.PutUint32(deep.Pix, 0xABCD1234)
	counted, err := Histogram(deep, 0)
	if err != nil || counted[0][0xABCD] != 1 {
		t.Errorf("32 bits: %v", err)
	}
	if _, err := Histogram(New(1, 1, 1, Int8), 0); fault.KindOf(err) != fault.Unsupported {
		t.Errorf("signed: %v, want kind unsupported", err)
	}
}

func BenchmarkApplyLUT(b *testing.B) {
	lut, _ := NewLUT([]Window{{Lower: 100, Upper: 4000, Gamma: 1}}, 16, 8)
	r := noise(256, 256, 1, Uint16)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := lut.Apply(r); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHistogram(b *testing.B) {
	r := noise(1024, 1024, 3, Uint8)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Histogram(r, 8); err != nil {
			b.Fatal(err)
		}
	}
}
