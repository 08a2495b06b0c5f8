package slide

import (
	"bytes"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
)

func TestHistogramIsReadOnce(t *testing.T) {
	store := objectstore.New(memory.New())
	s := &Slide{id: "upload-a", manifest: &Manifest{Name: "a.tif"}, stores: &Stores{Slides: store}}
	if _, err := s.Histogram(t.Context()); fault.KindOf(err) != fault.Invalid || fault.CodeOf(err) != "no-histogram" {
		t.Fatalf("without one the error is %v, want no-histogram", err)
	}
	body := []byte(`{"type":"FAST","bits":8,"planes":[{"c":0,"z":0,"t":0,"samples":[{"first":3,"counts":[1,2]}]}]}`)
	if _, err := store.Put(t.Context(), s.id.HistogramKey(), bytes.NewReader(body), int64(len(body)), objectstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	first, err := s.Histogram(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := s.Histogram(t.Context()); err != nil || again != first {
		t.Errorf("the second time it is %p (%v), want the same %p", again, err, first)
	}
	if low, high, ok := first.Image().Bounds(); low != 3 || high != 4 || !ok {
		t.Errorf("its bounds are %d to %d", low, high)
	}
}
