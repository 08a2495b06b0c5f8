package dicom_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/dicom"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
)

func open(t testing.TB, data []byte) (formats.Image, *formats.Description, error) {
	t.Helper()
	ctx := context.Background()
	i, err := dicom.New().Open(ctx, source.Single("x.dcm", source.Bytes("v", data)))
	if err != nil {
		return nil, nil, err
	}
	d, err := i.Describe(ctx)
	return i, d, err
}

// frame decodes one frame, located or put together.
func frame(ctx context.Context, data []byte, i formats.Image, d *formats.Description, z int) (*pixel.Raster, error) {
	if reader, ok := i.(formats.RegionReader); ok {
		return reader.ReadRegion(ctx, 0, formats.Plane{Z: z}, 0, 0, d.Width, d.Height)
	}
	l := i.(formats.TileLocator)
	at, err := l.Locate(ctx, 0, formats.Plane{Z: z}, 0, 1)
	if err != nil {
		return nil, err
	}
	return codec.Decode(l.Encodings()[0], data[at[0].Offset:at[0].Offset+at[0].Length], d.Width, d.Height)
}

func TestContract(t *testing.T) {
	suite := formatstest.Suite{
		Format: dicom.New(),
		Refused: []formatstest.File{
			{Name: "too short", Data: make([]byte, 131)},
			{Name: "no mark", Data: make([]byte, 500)},
		},
		Hostile: []formatstest.File{{Name: "mark only", Data: append(make([]byte, 128), "DICM"...)}},
	}
	for name, make := range map[string]maker{
		"grey": {}, "signed.dcm": {signed: true, bits: 16}, "planar.dcm": {samples: 3, planar: true},
		"frames.dcm": {frames: 3}, "implicit.dcm": {implicit: true}, "bigendian.dcm": {bigEndian: true, bits: 16},
		"rle.dcm": {rle: true}, "bits.dcm": {bits: 1, frames: 2}, "sequence.dcm": {sequence: true}, "palette.dcm": {palette: true},
	} {
		suite.Accepts = append(suite.Accepts, formatstest.File{Name: name, Data: make.file()})
	}
	formatstest.Run(t, suite)
}

// TestPixelsByHand holds the samples of hand-made files of 3×2 pixels to what
// they were made of.
func TestPixelsByHand(t *testing.T) {
	ctx := context.Background()
	for name, c := range map[string]struct {
		maker
		frame int
		want  []byte
	}{
		"grey":            {maker{}, 0, []byte{0, 1, 2, 3, 4, 5}},
		"second frame":    {maker{frames: 2}, 1, []byte{6, 7, 8, 9, 10, 11}},
		"planes of RGB":   {maker{samples: 3, planar: true}, 0, []byte{0, 6, 12, 1, 7, 13, 2, 8, 14, 3, 9, 15, 4, 10, 16, 5, 11, 17}},
		"signed counts":   {maker{bits: 16, signed: true}, 0, []byte{0, 0x80, 1, 0x80, 2, 0x80, 3, 0x80, 4, 0x80, 5, 0x80}},
		"big endian":      {maker{bits: 16, bigEndian: true}, 0, []byte{0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5, 0}},
		"run lengths":     {maker{rle: true}, 0, []byte{0, 1, 2, 3, 4, 5}},
		"single bits":     {maker{bits: 1, frames: 2}, 1, []byte{0xff, 0, 0xff, 0, 0xff, 0}},
		"white is least":  {maker{photometric: "MONOCHROME1"}, 0, []byte{255, 254, 253, 252, 251, 250}},
		"palette":         {maker{palette: true}, 0, []byte{0, 0, 0, 1, 2, 3, 2, 4, 6, 3, 6, 9, 4, 8, 12, 5, 10, 15}},
		"nested sequence": {maker{sequence: true}, 0, []byte{0, 1, 2, 3, 4, 5}},
	} {
		data := c.file()
		i, d, err := open(t, data)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r, err := frame(ctx, data, i, d, c.frame)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.want, r.Pix); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestDescription(t *testing.T) {
	i, d, err := open(t, maker{frames: 4, spacing: `0.5\0.25`, date: "20260203", time: "040506.7"}.file())
	if err != nil {
		t.Fatal(err)
	}
	if d.Depth != 4 || d.Width != 3 || d.Height != 2 || d.PhysicalSizeX == nil || *d.PhysicalSizeX != 500 || *d.PhysicalSizeY != 250 {
		t.Errorf("got %+v", d)
	}
	if d.AcquiredAt == nil || d.AcquiredAt.Format("2006-01-02T15:04:05") != "2026-02-03T04:05:06" {
		t.Errorf("acquired at %v", d.AcquiredAt)
	}
	metadata, err := i.(formats.RawMetadata).RawMetadata(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	for _, m := range metadata {
		if m.Namespace != "DICOM" {
			t.Errorf("%s stands in namespace %q", m.Key, m.Namespace)
		}
		got[m.Key] = m.Value
	}
	want := map[string]any{"Rows": int64(2), "NumberofFrames": int64(4), "PixelSpacing": []any{0.5, 0.25}, "AcquisitionDate": "20260203"}
	for key, value := range want {
		if diff := cmp.Diff(value, got[key]); diff != "" {
			t.Errorf("%s (-want +got):\n%s", key, diff)
		}
	}
}

func TestBrokenFilesSayWhy(t *testing.T) {
	whole := maker{frames: 3}.file()
	for name, c := range map[string]struct {
		data []byte
		code string
	}{
		"pixels cut off":     {whole[:len(whole)-1], "dicom-pixels"},
		"cut in an element":  {whole[:201], "dicom-truncated"},
		"no pixels":          {maker{noPixels: true}.file(), "dicom-no-pixels"},
		"no rows":            {maker{noRows: true}.file(), "dicom-attribute"},
		"RLE cut off":        {maker{rle: true, cutRLE: true}.file(), ""},
		"deep sequences":     {maker{nesting: 100}.file(), "dicom-nesting"},
		"compressed unknown": {maker{syntax: "1.2.840.10008.1.2.4.80"}.file(), "dicom-transfer-syntax"},
	} {
		i, d, err := open(t, c.data)
		if err == nil {
			_, err = frame(context.Background(), c.data, i, d, 0)
		}
		if k := fault.KindOf(err); k != fault.Corrupt && k != fault.Unsupported {
			t.Errorf("%s: got %v, want kind corrupt or unsupported", name, err)
		}
		if c.code != "" && fault.CodeOf(err) != c.code {
			t.Errorf("%s: got %v, want code %s", name, err, c.code)
		}
	}
}

// refusedReal are the real files that are not read, with the code that says why.
var refusedReal = map[string]string{
	"liver_j2k.dcm": "dicom-samples", "liver_rle.dcm": "dicom-samples", // single bits, compressed
	"HTJ2KLossless_08_RGB.dcm": "dicom-transfer-syntax", "JLSL_08_07_0_1F.dcm": "dicom-transfer-syntax", "JLSL_16_15_1_1F.dcm": "dicom-transfer-syntax",
	"JPEGLSNearLossless_08.dcm": "dicom-transfer-syntax", "SC_rgb_jls_lossy_line.dcm": "dicom-transfer-syntax",
	"emri_small_jpeg_ls_lossless.dcm": "dicom-transfer-syntax", "jpeg-ls-Palette.dcm": "dicom-transfer-syntax", // JPEG-LS
	"liver_deflate.dcm": "dicom-transfer-syntax",
	"GH1146.dcm":        "dicom-pixels", "GH178.dcm": "dicom-no-pixels", "chrKoreanMulti.dcm": "dicom-no-pixels",
	"GH340.dcm": "not DICM", "JLSL_RGB_ILV2.dcm": "not DICM", "OT-MONO2-8-colon.dcm": "not DICM", // no mark at byte 128
	"JPEG-lossy.dcm": "decode", // JPEG of 12 bits
}

// TestRealFiles opens every real file: each is decoded, or refused for the
// reason in the table.
func TestRealFiles(t *testing.T) {
	ctx := context.Background()
	files, err := filepath.Glob(filepath.Join(testfiles.Shared(t, "dicom"), "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, base := "", filepath.Base(path)
		c, err := formats.NewCandidate(ctx, source.Single(base, source.Bytes("v", data)))
		if err != nil {
			t.Fatal(err)
		}
		match, err := dicom.New().Probe(ctx, c)
		if err != nil {
			t.Fatal(err)
		}
		i, d, err := open(t, data)
		switch {
		case !match.OK:
			got = "not DICM"
		case err != nil:
			got = fault.CodeOf(err)
		default:
			for z := range min(d.Depth, 3) {
				if _, err := frame(ctx, data, i, d, z); err != nil {
					got = "decode"
					t.Logf("%s: %v", base, err)
				}
			}
		}
		if want := refusedReal[base]; got != want {
			t.Errorf("%s: got %q (%v), want %q", base, got, err, want)
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, m := range []maker{{}, {rle: true}, {bits: 1, frames: 2}, {sequence: true}, {palette: true}, {implicit: true}} {
		f.Add(m.file())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		i, d, err := open(t, data)
		if err != nil {
			return
		}
		if d.Width*d.Height < 1<<16 {
			_, _ = frame(context.Background(), data, i, d, 0)
		}
		if _, err := i.(formats.RawMetadata).RawMetadata(context.Background()); fault.KindOf(err) == fault.Internal && err != nil {
			t.Error(err)
		}
	})
}
