package pixel

import (
	"slices"
	"testing"

	"github.com/pims-cloud/pims/fault"
)

func TestReductionsOfSamplesAndRasters(t *testing.T) {
	for how, want := range map[Reduction]byte{Min: 3, Median: 9, Max: 200} {
		r := New(1, 1, 4, Uint8)
		copy(r.Pix, []byte{9, 200, 3, 7}) // sorted 3 7 9 200: the upper median is 9
		if got := ReduceSamples(r, how); got.Samples != 1 || got.Pix[0] != want {
			t.Errorf("reduction %d of four samples is %v, want %d", how, got.Pix, want)
		}
		var planes []*Raster
		for _, v := range []uint16{9, 200, 3, 7} {
			p := New(2, 1, 1, Uint16)
			put16(p.Pix, 0, v)
			put16(p.Pix, 2, 60000+v)
			planes = append(planes, p)
		}
		got, err := ReduceRasters(planes, how)
		if err != nil || get16(got.Pix, 0) != uint16(want) || get16(got.Pix, 2) != 60000+uint16(want) {
			t.Errorf("reduction %d of four planes is %v (%v), want %d", how, got, err, want)
		}
		if get16(planes[0].Pix, 0) != 9 {
			t.Error("a plane was changed")
		}
	}
}

func TestReductionsRefuseWhatDiffers(t *testing.T) {
	for _, rasters := range [][]*Raster{nil, {New(1, 1, 1, Uint8), New(1, 2, 1, Uint8)}, {New(1, 1, 1, Uint8), New(1, 1, 1, Uint16)}} {
		if _, err := ReduceRasters(rasters, Max); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%v: %v, want kind invalid", rasters, err)
		}
	}
}

// TestTablesAreTheirFormula: tables are filled between the values where they
// step; every entry must still be what the formula gives.
func TestTablesAreTheirFormula(t *testing.T) {
	for _, w := range []Window{
		{Upper: 65535, Gamma: 1}, {Lower: 100, Upper: 40000, Gamma: 0.4}, {Lower: 7, Upper: 9000, Gamma: 2.2, Log: true},
		{Upper: 65535, Gamma: 0}, {Lower: 5, Upper: 6, Gamma: 1}, {Lower: 3000, Upper: 3001, Gamma: 3}, {Upper: 60000, Gamma: 1.5, Threshold: 0.3},
	} {
		for _, bits := range []int{8, 12, 16} {
			top := float64(int(1)<<bits - 1)
			got := table(w, 65536, true, top)
			want := make([]uint16, 65536)
			for v := range want {
				want[v] = entry(w, v, 65536, true, top)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%+v with %d bits differs from its formula", w, bits)
			}
		}
	}
}

func BenchmarkTableOf16Bits(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		table(Window{Lower: 100, Upper: 40000, Gamma: 0.7}, 65536, true, 255)
	}
}
