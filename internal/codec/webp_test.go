package codec

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/codec/vips"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// TestGoWebPIsLibvips: builds without libvips show the same pictures. Chroma
// is not smoothed there, hence the tolerance.
func TestGoWebPIsLibvips(t *testing.T) {
	if !vips.Available {
		t.Skip("this build has no libvips")
	}
	for name, size := range map[string][2]int{
		"2_webp_ll.webp": {386, 395}, "gopher-doc.8bpp.lossless.webp": {75, 100}, "yellow_rose.lossy.webp": {400, 301}, "1_webp_a.webp": {400, 301},
	} {
		data, err := os.ReadFile(filepath.Join(testfiles.Shared(t, "webp"), name))
		if err != nil {
			t.Fatal(err)
		}
		want, err := vips.DecodeWebP(data, size[0], size[1])
		if err != nil {
			t.Fatal(err)
		}
		got, err := goWebP(data, size[0], size[1])
		if err != nil {
			t.Fatal(err)
		}
		sum, count := 0, 0
		for i := range size[0] * size[1] {
			for c := range 3 {
				d := int(got.Pix[i*got.Samples+c]) - int(want.Pix[i*want.Samples+c])
				sum, count = sum+max(d, -d), count+1
			}
		}
		limit := 2.0
		if !strings.Contains(name, "lossy") && name != "1_webp_a.webp" {
			limit = 0
		}
		if mean := float64(sum) / float64(count); mean > limit {
			t.Errorf("%s: the mean difference is %.2f, expected at most %.1f", name, mean, limit)
		}
	}
}
