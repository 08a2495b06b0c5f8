package png_test

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/png"
)

func chunk(kind string, data []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(data)))
	out = append(append(out, kind...), data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

func deflated(data []byte) []byte {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write(data) // to memory: it cannot fail
	_ = w.Close()
	return b.Bytes()
}

// picture is one grey pixel with other chunks before and behind it.
func picture(before, behind []byte, pixels []byte) formatstest.File {
	data := []byte("\x89PNG\r\n\x1a\n")
	data = append(data, chunk("IHDR", []byte{0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0})...)
	data = append(append(append(data, before...), pixels...), behind...)
	return formatstest.File{Name: "made.png", Data: append(data, chunk("IEND", nil)...)}
}

func describe(t *testing.T, file formatstest.File) (map[string]any, *formats.Description) {
	t.Helper()
	image, err := png.New().Open(context.Background(), formatstest.NewBundle(file))
	if err != nil {
		t.Fatal(err)
	}
	d, err := image.Describe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	list, err := image.(formats.RawMetadata).RawMetadata(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]any{}
	for _, m := range list {
		out[m.Namespace+"."+m.Key] = m.Value
	}
	return out, d
}

var pixel = chunk("IDAT", deflated([]byte{0, 7}))

func TestTextsBeforeAndBehindThePixels(t *testing.T) {
	before := append(chunk("tEXt", []byte("Comment\x00caf\xe9")), chunk("zTXt", append([]byte("Creation Time\x00\x00"), deflated([]byte("Mon, 06 May 2019 07:08:09 +0200"))...))...)
	behind := append(chunk("iTXt", append([]byte("Title\x00\x01\x00de\x00Titel\x00"), deflated([]byte("Niere"))...)), chunk("tIME", []byte{7, 228, 1, 2, 3, 4, 5})...)
	got, d := describe(t, picture(before, behind, pixel))
	for key, want := range map[string]any{
		"PNG.Comment": "café", "PNG.CreationTime": "2019:05:06 07:08:09", "PNG.Title-de": "Niere", "PNG.ModifyDate": "2020:01:02 03:04:05",
	} {
		if got[key] != want {
			t.Errorf("%s is %v, expected %v", key, got[key], want)
		}
	}
	if d.Text == nil || *d.Text != "café" || d.AcquiredAt == nil || d.AcquiredAt.Format("2006-01-02T15:04:05") != "2019-05-06T07:08:09" {
		t.Errorf("the description is %v of %v, expected café of 2019-05-06T07:08:09", d.Text, d.AcquiredAt)
	}
}

// TestLargeFilesAreNotReadForTheirTexts: chunks behind the pixels of a large
// file are found from its end.
func TestLargeFilesAreNotReadForTheirTexts(t *testing.T) {
	noise := make([]byte, 5<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 3)
	}
	file := picture(nil, chunk("tEXt", []byte("Comment\x00behind")), chunk("IDAT", noise))
	bundle := formatstest.NewBundle(file)
	image, err := png.New().Open(context.Background(), bundle)
	if err != nil {
		t.Fatal(err)
	}
	d, err := image.Describe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if d.Text == nil || *d.Text != "behind" {
		t.Errorf("the description is %v, expected the comment behind the pixels", d.Text)
	}
	if reads := bundle.Reads(); len(reads) != 2 || bundle.Bytes() > 128<<10 {
		t.Errorf("opening read %v, expected the first and the last 64 KiB", reads)
	}
}

func TestResolutionIsInverted(t *testing.T) {
	_, d := describe(t, picture(chunk("pHYs", []byte{0, 0x1E, 0x84, 0x80, 0, 0x0F, 0x42, 0x40, 1}), nil, pixel))
	if d.PhysicalSizeX == nil || *d.PhysicalSizeX != 0.5 || *d.PhysicalSizeY != 1 {
		t.Errorf("2 000 000 and 1 000 000 pixels a metre give %v × %v µm, expected 0.5 × 1", d.PhysicalSizeX, d.PhysicalSizeY)
	}
	_, d = describe(t, picture(chunk("pHYs", []byte{0, 0, 0, 4, 0, 0, 0, 3, 0}), nil, pixel))
	if d.PhysicalSizeX != nil || d.PhysicalSizeY != nil {
		t.Errorf("an aspect ratio gives %v × %v µm, expected none", d.PhysicalSizeX, d.PhysicalSizeY)
	}
}

// TestBombsAreLeftOut: a text or a profile that grows beyond its bound is not
// kept, and the picture is opened all the same.
func TestBombsAreLeftOut(t *testing.T) {
	bomb := deflated(make([]byte, 8<<20))
	before := append(chunk("zTXt", append([]byte("Comment\x00\x00"), bomb...)), chunk("iCCP", append([]byte("sRGB\x00\x00"), bomb...))...)
	for i := range 1000 {
		before = append(before, chunk("tEXt", fmt.Appendf(nil, "key%d\x00%01000d", i, i))...)
	}
	got, d := describe(t, picture(before, nil, pixel))
	if d.Text != nil || got["PNG.Comment"] != nil || len(got) > 300 {
		t.Errorf("%d values and the text %v are kept", len(got), d.Text)
	}
}

func TestWhatIsRefused(t *testing.T) {
	header := func(b ...byte) formatstest.File {
		return formatstest.File{Name: "made.png", Data: append([]byte("\x89PNG\r\n\x1a\n"), append(chunk("IHDR", b), pixel...)...)}
	}
	for name, c := range map[string]struct {
		file formatstest.File
		code string
	}{
		"no width":         {header(0, 0, 0, 0, 0, 0, 0, 1, 8, 0, 0, 0, 0), "png-size"},
		"3 bits":           {header(0, 0, 0, 1, 0, 0, 0, 1, 3, 0, 0, 0, 0), "png-colour-type"},
		"16-bit palette":   {header(0, 0, 0, 1, 0, 0, 0, 1, 16, 3, 0, 0, 0), "png-colour-type"},
		"no pixels":        {picture(nil, nil, nil), "png-no-pixels"},
		"header alone":     {formatstest.File{Name: "cut.png", Data: header(0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0).Data[:33]}, "png-truncated"},
		"signature alone":  {formatstest.File{Name: "cut.png", Data: []byte("\x89PNG\r\n\x1a\n")}, "png-header"},
		"a chunk too long": {picture([]byte{0, 1, 0, 0, 't', 'E', 'X', 't'}, nil, pixel), "png-chunk-length"},
	} {
		if _, err := png.New().Open(context.Background(), formatstest.NewBundle(c.file)); fault.CodeOf(err) != c.code {
			t.Errorf("%s: %v, expected code %s", name, err, c.code)
		}
	}
}
