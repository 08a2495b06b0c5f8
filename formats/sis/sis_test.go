package sis_test

import (
	"context"
	"encoding/binary"
	"math"
	"testing"
	"time"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/sis"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/tiff"
)

// structure is what tag 33560 points to, as package sis describes it. It lies at
// byte `at` of the file, the calibration behind it.
func structure(at int) []byte {
	le := binary.LittleEndian
	head := make([]byte, 60+2*8)
	copy(head, "SIS0")
	for i, v := range []uint16{41, 9, 17, 4, 112} { // 09:41 on 17 May 2012
		le.PutUint16(head[10+2*i:], v)
	}
	copy(head[26:], "Liver, 40x")
	le.PutUint16(head[58:], 2)
	le.PutUint16(head[60:], 7) // an entry that is not known
	le.PutUint16(head[68:], 1)
	le.PutUint32(head[72:], uint32(at+len(head)))
	calibration := make([]byte, 112)
	exponent := -6
	le.PutUint16(calibration[10:], uint16(exponent))
	le.PutUint64(calibration[12:], math.Float64bits(0.25))
	le.PutUint64(calibration[20:], math.Float64bits(0.26))
	le.PutUint64(calibration[36:], math.Float64bits(40))
	copy(calibration[46:], "XC50")
	copy(calibration[80:], "RGB")
	return append(head, calibration...)
}

// file makes a file whose only strip begins with the structure: the writer puts
// it behind the header.
func file(t testing.TB, data []byte, fields ...tiff.Field) formatstest.File {
	t.Helper()
	strip := make([]byte, 40*30*3)
	copy(strip, data)
	return formatstest.TIFF(t, "made.tif", tiff.WriteOptions{}, formatstest.TIFFPage{Width: 40, Height: 30, Samples: 3, Data: strip, Fields: fields})
}

const headerBytes = 8

func olympus(t testing.TB) formatstest.File {
	return file(t, structure(headerBytes), tiff.NumberField(33560, tiff.Long, headerBytes))
}

func ini(t testing.TB) formatstest.File {
	return file(t, nil, tiff.TextField(33471, "[Dimension]\nBand=3\nZ=1\n; a remark\n[Band]\nName=Fluo = green\n"))
}

func TestContract(t *testing.T) {
	formatstest.Run(t, formatstest.Suite{
		Format:  sis.New(),
		Accepts: []formatstest.File{olympus(t), ini(t)},
		Refused: append(formatstest.Folder(t, testfiles.Own(t, "planartiff")), formatstest.Folder(t, testfiles.Own(t, "imagejtiff"))...),
		Hostile: formatstest.Folder(t, testfiles.Own(t, "hostile")),
	})
}

func open(t *testing.T, f formatstest.File) (formats.Image, *formats.Description) {
	t.Helper()
	image, err := sis.New().Open(context.Background(), formatstest.NewBundle(f))
	if err != nil {
		t.Fatal(err)
	}
	d, err := image.Describe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return image, d
}

func metadata(t *testing.T, image formats.Image) map[string]any {
	t.Helper()
	list, err := image.(formats.RawMetadata).RawMetadata(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for _, m := range list {
		out[m.Namespace+"."+m.Key] = m.Value
	}
	return out
}

func TestOlympusValues(t *testing.T) {
	image, d := open(t, olympus(t))
	if d.PhysicalSizeX == nil || math.Abs(*d.PhysicalSizeX-0.25) > 1e-12 || d.PhysicalSizeY == nil || math.Abs(*d.PhysicalSizeY-0.26) > 1e-12 {
		t.Errorf("a pixel is %v × %v µm, expected 0.25 × 0.26", d.PhysicalSizeX, d.PhysicalSizeY)
	}
	if d.NominalMagnification == nil || *d.NominalMagnification != 40 {
		t.Errorf("the magnification is %v, expected 40", d.NominalMagnification)
	}
	if at := time.Date(2012, 5, 17, 9, 41, 0, 0, time.UTC); d.AcquiredAt == nil || !d.AcquiredAt.Equal(at) {
		t.Errorf("acquired at %v, expected %v", d.AcquiredAt, at)
	}
	got := metadata(t, image)
	for key, want := range map[string]any{"OLYMPUS.name": "Liver, 40x", "OLYMPUS.cameraname": "XC50", "OLYMPUS.picturetype": "RGB", "OLYMPUS.magnification": 40.0} {
		if got[key] != want {
			t.Errorf("%s is %v, expected %v", key, got[key], want)
		}
	}
}

func TestIniValues(t *testing.T) {
	image, d := open(t, ini(t))
	if d.PhysicalSizeX != nil || d.AcquiredAt != nil {
		t.Errorf("a file without calibration has pixels of %v µm, acquired at %v", d.PhysicalSizeX, d.AcquiredAt)
	}
	got := metadata(t, image)
	for key, want := range map[string]any{"OLYMPUS.Dimension.Band": int64(3), "OLYMPUS.Band.Name": "Fluo = green"} {
		if got[key] != want {
			t.Errorf("%s is %v, expected %v", key, got[key], want)
		}
	}
}

// TestLyingStructuresAreIgnored: the picture can still be seen.
func TestLyingStructuresAreIgnored(t *testing.T) {
	broken := structure(headerBytes)
	binary.LittleEndian.PutUint32(broken[72:], 1<<31) // calibration beyond the end
	negative := structure(headerBytes)
	binary.LittleEndian.PutUint16(negative[58:], 0xfff0) // −16 entries
	infinite := structure(headerBytes)
	binary.LittleEndian.PutUint16(infinite[76+10:], 9999) // × 10^9999
	for name, f := range map[string]formatstest.File{
		"calibration beyond the end": file(t, broken, tiff.NumberField(33560, tiff.Long, headerBytes)),
		"negative number of entries": file(t, negative, tiff.NumberField(33560, tiff.Long, headerBytes)),
		"infinite pixels":            file(t, infinite, tiff.NumberField(33560, tiff.Long, headerBytes)),
		"structure beyond the end":   file(t, nil, tiff.NumberField(33560, tiff.Long, math.MaxUint32)),
		"something else":             file(t, nil, tiff.NumberField(33560, tiff.Long, headerBytes)),
	} {
		if _, d := open(t, f); d.PhysicalSizeX != nil {
			t.Errorf("%s: a pixel is %v µm wide", name, *d.PhysicalSizeX)
		}
	}
}

// FuzzSIS: whatever the bytes, errors are classified and nothing panics.
func FuzzSIS(f *testing.F) {
	f.Add(olympus(f).Data)
	f.Add(ini(f).Data)
	f.Fuzz(func(t *testing.T, data []byte) {
		formatstest.Survives(t, sis.New(), formatstest.File{Name: "fuzz.tif", Data: data})
	})
}
