package importer_test

import (
	"testing"

	"github.com/pims-cloud/pims/internal/testfiles"
)

// The values are those of `vips thumbnail --size force --linear` (libvips 8.14)
// of the two pages in their full size: shades 54 to 255, though both pages begin
// at 0. It enlarges the SubIFDs of half the size.
func TestSmallPyramidsOfOMEAreCountedEnlarged(t *testing.T) {
	w := newWorld(t, nil)
	job := w.upload(testfiles.Own(t, "pyrometiff/subifd-c2-16bit.ome.tif"))
	_, err := w.importer().Import(background, job)
	must(t, err)
	s, err := w.catalog.Open(background, job.ID)
	must(t, err)
	h, err := s.Histogram(background)
	must(t, err)
	for _, plane := range h.Planes {
		counted := plane.Samples[0]
		if low, _, _ := counted.Bounds(); low != 0 {
			t.Errorf("channel %d begins at %d, want 0: the counts are exact", plane.C, low)
		}
		if f := counted.Found; f == nil || f.Low < 53*257 || f.Low > 55*257 || f.High < 254*257 {
			t.Errorf("channel %d is found at %+v, want shades 54 to 255", plane.C, counted.Found)
		}
		if b := s.Manifest().Bounds[plane.C]; counted.Found != nil && (int(b.Min) != counted.Found.Low || int(b.Max) != counted.Found.High) {
			t.Errorf("channel %d has the bounds %+v, want those that were found", plane.C, b)
		}
	}
	if len(h.Planes) != 2 {
		t.Errorf("%d planes were counted, want 2", len(h.Planes))
	}
}

// Nothing else is.
func TestOtherSlidesAreCountedAsTheyAre(t *testing.T) {
	w := newWorld(t, nil)
	job := w.upload(testfiles.Own(t, "svs/rgb-240.svs"))
	_, err := w.importer().Import(background, job)
	must(t, err)
	s, err := w.catalog.Open(background, job.ID)
	must(t, err)
	h, err := s.Histogram(background)
	must(t, err)
	for _, plane := range h.Planes {
		for i, sample := range plane.Samples {
			if sample.Found != nil {
				t.Errorf("sample %d is found at %+v, want its counts", i, sample.Found)
			}
		}
	}
}
