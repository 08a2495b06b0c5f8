package jpeg_test

import (
	"testing"

	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/jpeg"
	"github.com/pims-cloud/pims/formats/plainimage/plaintest"
	"github.com/pims-cloud/pims/internal/testfiles"
)

func TestRealFiles(t *testing.T) {
	plaintest.Run(t, jpeg.New(), plaintest.Folder{
		Name: "jpeg",
		Refused: map[string]string{
			"1px.ljp": "jpeg-process", "2dht.ljp": "jpeg-process", "linearraw.ljp": "jpeg-process", "testimg_rgb.jpg": "jpeg-process", // lossless
			"gray.u2.jpg": "jpeg-precision", // 12 bits
			"rgba.u1.jls": "jpeg-ls",
		},
	})
}

func TestHostileFiles(t *testing.T) { plaintest.Hostile(t, jpeg.New(), "hostile/jpeg") }

// A CMYK file is shown in RGB, but has four samples (pims-api §3.2).
func TestInksAreCounted(t *testing.T) {
	for name, want := range map[string][2]int{"jpeg/pil_sample_cmyk.jpg": {3, 4}, "jpeg/gray-sample.jpg": {1, 0}} {
		image, err := jpeg.New().Open(t.Context(), formatstest.NewBundle(formatstest.Load(t, testfiles.Shared(t, name))))
		if err != nil {
			t.Fatal(err)
		}
		d, err := image.Describe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got := [2]int{d.Samples, d.FileSamples}; got != want {
			t.Errorf("%s has %v samples shown and stored, want %v", name, got, want)
		}
	}
}
