package dicom_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// oracle prints, for every file that pydicom decodes without other libraries,
// its samples as PIMS shows them: unsigned, black least.
const oracle = `
import sys, json, hashlib, warnings
import numpy as np, pydicom
warnings.filterwarnings("ignore")
plain = {"1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.2", "1.2.840.10008.1.2.5"}
out = {}
for path in sys.argv[1:]:
    try:
        d = pydicom.dcmread(path)
        if d.file_meta.get("TransferSyntaxUID", "1.2.840.10008.1.2") not in plain or d.PhotometricInterpretation not in ("MONOCHROME1", "MONOCHROME2", "RGB"):
            continue
        a = d.pixel_array
    except Exception:
        continue
    if a.dtype.kind == "i":
        a = (a.astype(np.int64) - np.iinfo(a.dtype).min).astype("u%d" % a.dtype.itemsize)
    if d.BitsAllocated == 1:
        a = a * 255
    if d.PhotometricInterpretation == "MONOCHROME1":
        a = np.iinfo(a.dtype).max - a
    frames = a if int(d.get("NumberOfFrames", 1)) > 1 else a[None]
    out[path] = [hashlib.sha256(np.ascontiguousarray(f.astype(f.dtype.newbyteorder("<"))).tobytes()).hexdigest() for f in frames[:3]]
print(json.dumps(out))
`

func TestPixelsAgainstPydicom(t *testing.T) {
	python := os.Getenv("PIMS_TEST_PYTHON")
	if python == "" {
		python = "python3"
	}
	files, err := filepath.Glob(filepath.Join(testfiles.Shared(t, "dicom"), "*"))
	if err != nil {
		t.Fatal(err)
	}
	if err := exec.Command(python, "-c", "import numpy, pydicom").Run(); err != nil {
		t.Skip("Python with numpy and pydicom is not here (PIMS_TEST_PYTHON names one)")
	}
	printed, err := exec.Command(python, append([]string{"-c", oracle}, files...)...).Output()
	if err != nil {
		t.Fatal(err)
	}
	var want map[string][]string
	if err := json.Unmarshal(printed, &want); err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	compared := 0
	for path, sums := range want {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		base := filepath.Base(path)
		i, d, err := open(t, data)
		if err != nil {
			if refusedReal[base] == "" {
				t.Errorf("%s: pydicom reads it, we do not: %v", base, err)
			}
			continue
		}
		compared += compare(ctx, t, base, data, i, d, sums)
	}
	if compared < 20 {
		t.Errorf("only %d frames were compared", compared)
	}
}

func compare(ctx context.Context, t *testing.T, base string, data []byte, i formats.Image, d *formats.Description, sums []string) (compared int) {
	t.Helper()
	for z, sum := range sums {
		r, err := frame(ctx, data, i, d, z)
		if err != nil {
			t.Errorf("%s, frame %d: %v", base, z, err)
			continue
		}
		if got := sha256Hex(r.Pix); got != sum {
			t.Errorf("%s, frame %d: other samples than pydicom's", base, z)
		}
		compared++
	}
	return compared
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
