//go:build cgo

package vips

import (
	"os"
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// TestInkIsTheSameStreamedAndWhole: a slide must not change its colours when it
// is converted.
func TestInkIsTheSameStreamedAndWhole(t *testing.T) {
	path := testfiles.Shared(t, "jpeg/pil_sample_cmyk.jpg")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := DecodeInk(data, 100, 100)
	if err != nil {
		t.Fatal(err)
	}
	s, err := OpenStream(path, formats.CodecJPEG)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	streamed, err := s.Next(100)
	if err != nil {
		t.Fatal(err)
	}
	if whole.Samples != 3 || streamed.Samples != 3 {
		t.Fatalf("whole has %d samples, streamed %d; expected 3", whole.Samples, streamed.Samples)
	}
	for i := range whole.Pix {
		if whole.Pix[i] != streamed.Pix[i] {
			t.Fatalf("sample %d is %d whole and %d streamed", i, whole.Pix[i], streamed.Pix[i])
		}
	}
}
