package inspect_test

import (
	"bytes"
	"context"
	"os"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
	"github.com/pims-cloud/pims/tiff/inspect"
)

func print(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(testfiles.Own(t, name))
	if err != nil {
		t.Fatal(err)
	}
	f, err := tiff.Open(context.Background(), source.Bytes("v", data), tiff.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := inspect.Write(context.Background(), &out, f); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestTellsStructureAndWhatIsSlow(t *testing.T) {
	for _, c := range []struct{ file, want string }{
		{"svs/rgb-240.svs", "2220 × 1667 pixels, 3 × 8 bit RGB, JPEG, 70 tiles of 240 × 240"},
		{"svs/rgb-240.svs", `"Aperio Image Library v11.2.1 \nlabel 175x163"`},
		{"svs/rgb-240.svs", "level 1 is smaller than level 0 by 4.0"},
		{"pyrtiff/jpeg-ycbcr-pages.tif", "every tile is one range read and needs no decoding"},
		{"pyrtiff/lzw-mm-pages.tif", "compression is LZW, not JPEG"},
		{"pyrtiff/jpeg-rgb-subifd-big.tif", "Directory 0.1"},
		{"planartiff/strips-lzw.tif", "4 strips of 160 × 32 pixels instead of tiles"},
		{"hostile/zero-width.tif", "ImageWidth is 0"},
		{"hostile/subifd-self.tif", "is a SubIFD of itself"},
	} {
		if got := print(t, c.file); !strings.Contains(got, c.want) {
			t.Errorf("inspect of %s does not say %q:\n%s", c.file, c.want, got)
		}
	}
}
