package ppm_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/plainimage/plaintest"
	"github.com/pims-cloud/pims/formats/ppm"
)

func TestRealFiles(t *testing.T) {
	plaintest.Run(t, ppm.New(), plaintest.Folder{
		Name: "pnm",
		// Plain (P1 to P3) and arbitrary (P7) maps are not accepted (pims-api §5.2).
		NotThis: []string{"colors.ppm", "feep.pgm", "feep16.pgm", "hopper_1bit_plain.pbm", "j.pbm", "rgba.pam", "snail2.pam"},
	})
}

func file(text string) formatstest.File {
	return formatstest.File{Name: "made.ppm", Data: []byte(text)}
}

func TestContract(t *testing.T) {
	formatstest.Run(t, formatstest.Suite{
		Format: ppm.New(),
		Accepts: []formatstest.File{
			file("P4 9 2\n\x80\x00\x00\x80"), file("P5\n# 12 bits\n2 1 4095\n\x0f\xff\x00\x01"), file("P6 1 1 255 abc"),
			{Name: "in strips", Data: append([]byte("P5 3000 3001 255\n"), make([]byte, 3000*3001)...)},
		},
		Refused: []formatstest.File{file("P1 1 1 1"), file("P3 1 1 255 1 2 3"), file("P7\nWIDTH 1"), file("Pdf"), file("P"), file("")},
		Hostile: []formatstest.File{file("P5 99999999 99999999 255\n"), file("P5 1 1 70000\n"), file("P5 # " + string(bytes.Repeat([]byte("x"), 1<<17)))},
	})
}

func TestValuesByHand(t *testing.T) {
	for text, want := range map[string][]byte{
		"P4 9 2\n\x80\x00\x00\x80":                            {0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0},
		"P5 2 1 4095\n\x0f\xff\x00\x01":                       {0xFF, 0x0F, 1, 0}, // little-endian, not scaled
		"P6#c\n1\t1\r\n255\n\n23":                             {'\n', '2', '3'},   // the second line feed is red
		"P6 1 1 # one\n# two\n65535 \x00\x01\x00\x02\x00\x03": {1, 0, 2, 0, 3, 0},
	} {
		_, _, got, err := plaintest.Decode(ppm.New(), file(text))
		if err != nil || !bytes.Equal(got.Pix, want) {
			t.Errorf("%q: %v, %v; expected %v", text, got, err, want)
		}
	}
}

func TestWhatTheHeaderSays(t *testing.T) {
	image, d, _, err := plaintest.Decode(ppm.New(), file("P5\n# a kidney\n2 1\n4095\n\x0f\xff\x00\x01"))
	if err != nil {
		t.Fatal(err)
	}
	if d.SignificantBits != 12 || d.Text == nil || *d.Text != "a kidney" || d.AcquiredAt != nil {
		t.Errorf("described are %d bits, %v, %v; expected 12, a kidney, no date", d.SignificantBits, d.Text, d.AcquiredAt)
	}
	list, err := image.(formats.RawMetadata).RawMetadata(context.Background())
	if err != nil || fmt.Sprint(list) != "[{FILE Comment a kidney } {FILE ImageWidth 2 } {FILE ImageHeight 1 } {FILE MaxVal 4095 }]" {
		t.Errorf("metadata are %v, %v", list, err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	for text, code := range map[string]string{
		"P5 0 1 255\n":       "ppm-number",
		"P5 1 -1 255\n":      "ppm-number",
		"P5 1 1 65536\n\x00": "ppm-number",
		"P5 2 2 255\n123":    "ppm-truncated",
		"P6 1 1 255":         "ppm-header",
	} {
		if _, err := ppm.New().Open(context.Background(), formatstest.NewBundle(file(text))); fault.CodeOf(err) != code {
			t.Errorf("%q: %v, expected code %s", text, err, code)
		}
	}
}

// TestLargeImagesAreReadInStrips: any row costs its strip, not the file.
func TestLargeImagesAreReadInStrips(t *testing.T) {
	large := formatstest.File{Name: "large.pgm", Data: append([]byte("P5 3000 3001 255\n"), make([]byte, 3000*3001)...)}
	image, err := ppm.New().Open(context.Background(), formatstest.NewBundle(large))
	if err != nil {
		t.Fatal(err)
	}
	d, err := image.Describe(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	l := d.Levels[0]
	if !l.Strips || l.TileHeight != 1398 || l.Tiles() != 3 {
		t.Fatalf("level 0 is %+v, expected 3 strips of up to 1398 rows", l)
	}
	extents, err := image.(formats.TileLocator).Locate(context.Background(), 0, formats.Plane{}, 2, 1)
	if err != nil || extents[0] != (formats.Extent{Offset: 17 + 2*1398*3000, Length: 205 * 3000}) {
		t.Errorf("the last strip is %+v, %v; expected 205 rows", extents, err)
	}
}
