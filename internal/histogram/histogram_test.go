package histogram

import (
	"slices"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
)

const twoPlanes = `{"type":"FAST","bits":3,"planes":[
	{"C":0,"Z":0,"T":0,"samples":[{"first":1,"counts":[2,0,1]},{"first":0,"counts":[1]}]},
	{"C":0,"Z":1,"T":0,"samples":[{"first":3,"counts":[4,0,0,5]},{"first":7,"counts":[1]}]}]}`

func TestSumsAndBounds(t *testing.T) {
	f, err := Parse([]byte(twoPlanes))
	if err != nil {
		t.Fatal(err)
	}
	s, ok := f.Channel(0, 0)
	// 1:2, 3:1 and 3:4, 6:5
	if want := []int64{2, 0, 5, 0, 0, 5}; !ok || s.First != 1 || !slices.Equal(s.Counts, want) {
		t.Errorf("channel 0 is %+v, want %v from 1", s, want)
	}
	if low, high, ok := s.Bounds(); low != 1 || high != 6 || !ok {
		t.Errorf("its bounds are %d, %d, %t, want 1, 6", low, high, ok)
	}
	if got, want := s.Bins(3, 4), []int64{2, 5, 0, 5}; !slices.Equal(got, want) {
		t.Errorf("in four bins it is %v, want %v", got, want)
	}
	if got := s.Bins(3, 64); len(got) != 8 || got[3] != 5 {
		t.Errorf("in more bins than values it is %v", got)
	}
	if got, want := f.Image().Bins(3, 8), []int64{1, 2, 0, 5, 0, 0, 5, 1}; !slices.Equal(got, want) {
		t.Errorf("the image is %v, want %v", got, want)
	}
	one, ok := f.Sample(formats.Plane{Z: 1}, 0)
	if low, high, _ := one.Bounds(); low != 3 || high != 6 || !ok {
		t.Errorf("plane z 1 has bounds %d, %d, want 3, 6", low, high)
	}
	if _, ok := f.Sample(formats.Plane{Z: 2}, 0); ok {
		t.Error("a plane that was not counted is found")
	}
	if _, _, ok := (Sample{Counts: []int64{0}}).Bounds(); ok {
		t.Error("an empty histogram has bounds")
	}
}

func TestWhatIsStoredIsHeldToItsBounds(t *testing.T) {
	for _, text := range []string{
		`[]`, `{"bits":0}`, `{"bits":17}`,
		`{"bits":2,"planes":[{"samples":[{"first":3,"counts":[1,1]}]}]}`,
		`{"bits":2,"planes":[{"samples":[{"first":-1,"counts":[1]}]}]}`,
		`{"bits":2,"planes":[{"samples":[{"first":0,"counts":[-1]}]}]}`,
	} {
		if _, err := Parse([]byte(text)); fault.KindOf(err) != fault.Corrupt {
			t.Errorf("%s: %v, want kind corrupt", text, err)
		}
	}
}
