package filter

import (
	"math"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/pixel"
)

// TestThresholds has histograms that can be worked by hand.
func TestThresholds(t *testing.T) {
	// Values 10:4, 11:2, 13:1, 16:3.
	counts := make([]int64, 32)
	counts[10], counts[11], counts[13], counts[16] = 4, 2, 1, 3
	for id, want := range map[string]float64{
		// Between 13 and 14: w 7·3, means (40+22+13)/7 = 10.714 and 16: 21·27.94 = 586.6;
		// at 12: 6·4, 10.333 and 15.25: 24·24.17 = 580.2; the first of 13 … 15 is taken.
		"OTSU": 13,
		// T 13: (10.714+16)/2 − 13 = 0.357, in [0, 1); T 12: (10.333+15.25)/2 − 12 = 0.79 comes first.
		"ISODATA": 12,
		// (40+22+13+48)/10
		"MEAN": 12.3,
		// v 10: P 0.4, (0.24)²/(0.16·(0.04+0.01+0.09)) = 2.571; v 11: P 0.6, (0.24)²/(0.2·0.1) = 2.88;
		// v 13: P 0.7, (0.21)²/(0.21·0.09) = 2.333.
		"YEN": 11,
	} {
		f, _ := Find(id)
		if got, err := f.Threshold(counts); err != nil || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s is %v (%v), want %v", id, got, err, want)
		}
	}
}

func TestMinimumLiesBetweenTwoPeaks(t *testing.T) {
	f, _ := Find("minimum")
	// One pass of the mean of three: 2, 3, 2, 1, 2, 3, 2 of 3 3 3 0 0 6 3 … peaks stay two.
	counts := []int64{0, 0, 1, 8, 1, 0, 0, 1, 9, 2}
	got, err := f.Threshold(counts)
	// Smoothed from 2 on: 10/3, 10/3, 3, 1/3, 1/3, 10/3, 4, 13/3: peaks must fall again,
	// so the last rise is no peak.
	if err == nil {
		t.Errorf("a histogram that ends rising has threshold %v, want an error", got)
	}
	counts = append(counts, 0, 1)
	// 10/3, 10/3, 3, 1/3, 1/3, 10/3, 4, 11/3, 1, 2/3: peaks at 3 and 8, lowest first at 5.
	if got, err = f.Threshold(counts); err != nil || got != 5 {
		t.Errorf("the threshold is %v (%v), want 5", got, err)
	}
	if _, err = f.Threshold([]int64{1, 2, 3, 2, 1}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("one peak: %v, want kind invalid", err)
	}
}

func TestDegenerateHistograms(t *testing.T) {
	for _, f := range List() {
		if f.Type != Global {
			continue
		}
		if _, err := f.Threshold(make([]int64, 8)); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s of nothing: %v, want kind invalid", f.ID, err)
		}
		got, err := f.Threshold([]int64{0, 0, 7, 0})
		if f.ID != "MINIMUM" && (err != nil || got != 2) {
			t.Errorf("%s of a single value 2 is %v (%v)", f.ID, got, err)
		}
	}
}

// TestSeparation: CMY's basis is the identity, so a stain is one component and
// the others become white; RGB's rows are pairs.
func TestSeparation(t *testing.T) {
	for _, row := range []struct {
		id   string
		in   [3]uint8
		want [3]uint8
	}{
		{"CMY-CYAN", [3]uint8{100, 50, 25}, [3]uint8{100, 255, 255}},
		{"CMY-YELLOW", [3]uint8{100, 50, 0}, [3]uint8{255, 255, 0}},
		// Densities d of (51, 255, 255) = (ln 5, 0, 0). M⁻¹ is (−1 1 1; 1 −1 1; 1 1 −1)/2:
		// red −ln 5/2 → 0, green ln 5/2: light of red and blue 5^−½ = 0.447 → 114.
		{"RGB-RED", [3]uint8{51, 255, 255}, [3]uint8{255, 255, 255}},
		{"RGB-GREEN", [3]uint8{51, 255, 255}, [3]uint8{114, 255, 114}},
		// White has no stain.
		{"HE-EOSIN", [3]uint8{255, 255, 255}, [3]uint8{255, 255, 255}},
		// What has the colour of a stain alone stays: exp(−(0.65, 0.70, 0.29)) = 0.522, 0.497, 0.748.
		{"HEDAB-HEMATOXYLIN", [3]uint8{133, 127, 191}, [3]uint8{133, 127, 191}},
	} {
		f, ok := Find(strings.ToLower(row.id))
		if !ok {
			t.Fatalf("%s is missing", row.id)
		}
		r := pixel.New(1, 1, 3, pixel.Uint8)
		copy(r.Pix, row.in[:])
		wide := pixel.New(1, 1, 3, pixel.Uint16)
		for k, v := range row.in {
			wide.Pix[2*k], wide.Pix[2*k+1] = v, v
		}
		if err := f.Separate(r, 255); err != nil {
			t.Fatal(err)
		}
		if err := f.Separate(wide, 65535); err != nil {
			t.Fatal(err)
		}
		for k, want := range row.want {
			if d := int(r.Pix[k]) - int(want); d < -1 || d > 1 {
				t.Errorf("%s of %v is %v, want %v", row.id, row.in, r.Pix, row.want)
			}
			if d := int(wide.Pix[2*k+1]) - int(r.Pix[k]); d < -1 || d > 1 {
				t.Errorf("%s: 16 bits give %d, 8 bits %d", row.id, wide.Pix[2*k+1], r.Pix[k])
			}
		}
	}
}

func TestCatalogue(t *testing.T) {
	list := List()
	aliases := 0
	for _, f := range list {
		aliases += len(f.Aliases)
		for _, id := range append([]string{f.ID}, f.Aliases...) {
			if found, ok := Find(strings.ToLower(id)); !ok || found.ID != f.ID {
				t.Errorf("%s gives %s", id, found.ID)
			}
		}
	}
	if len(list) != 20 || aliases != 12 {
		t.Errorf("%d filters and %d aliases", len(list), aliases)
	}
	if f, _ := Find("binary"); f.ID != "ISODATA" || f.Description != "Isodata global filtering" || f.Name != "Iso Data Threshold" {
		t.Errorf("binary is %+v", f)
	}
	if _, ok := Find("blur"); ok {
		t.Error("an unknown filter is found")
	}
}

func BenchmarkSeparate(b *testing.B) {
	f, _ := Find("HE-EOSIN")
	r := pixel.New(256, 256, 3, pixel.Uint8)
	for i := range r.Pix {
		r.Pix[i] = byte(i * 7)
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := f.Separate(r, 255); err != nil {
			b.Fatal(err)
		}
	}
}
