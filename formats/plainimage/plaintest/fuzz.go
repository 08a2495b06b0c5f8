package plaintest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/testfiles"
)

const (
	maxSeed       = 16 << 10
	maxFuzzPixels = 1 << 20
)

// Fuzz does with any bytes all that can be done with a file of the format.
// Pixels are decoded by what is written in Go alone: libvips is not what is
// tested here. seeds are added to the small files of the folders.
func Fuzz(f *testing.F, format formats.Format, seeds [][]byte, folders ...string) {
	for _, seed := range seeds {
		f.Add(seed)
	}
	base := os.Getenv("SHARED_TESTDATA")
	if base == "" {
		base = filepath.Join(testfiles.Root(f), "..", "shared", "testdata")
	}
	for _, folder := range folders {
		entries, _ := os.ReadDir(filepath.Join(base, filepath.FromSlash(folder))) // none when they are not here
		for _, entry := range entries {
			path := filepath.Join(base, filepath.FromSlash(folder), entry.Name())
			if data, err := os.ReadFile(path); err == nil && len(data) <= maxSeed {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := formatstest.File{Name: "fuzzed", Data: data}
		formatstest.Survives(t, format, file)
		if worthDecoding(format, file) {
			if _, _, _, err := Decode(format, file); err != nil && fault.KindOf(err) == fault.Internal {
				t.Errorf("decoding gives an error without a class: %v", err)
			}
		}
	})
}

func worthDecoding(format formats.Format, file formatstest.File) bool {
	image, err := format.Open(context.Background(), formatstest.NewBundle(file))
	if err != nil {
		return false
	}
	d, err := image.Describe(context.Background())
	if err != nil || int64(d.Width)*int64(d.Height) > maxFuzzPixels {
		return false
	}
	for _, e := range image.(formats.TileLocator).Encodings() {
		if e.Codec == formats.CodecJPEG2000 || e.Codec == formats.CodecWebP || e.Photometric == formats.PhotometricCMYK || !codec.CanDecode(e) {
			return false
		}
	}
	return true
}
