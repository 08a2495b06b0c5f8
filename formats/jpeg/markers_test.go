package jpeg_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/formatstest"
	"github.com/pims-cloud/pims/formats/jpeg"
	"github.com/pims-cloud/pims/formats/plainimage/plaintest"
	codec "github.com/pims-cloud/pims/internal/codec/jpeg"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/pixel"
)

// picture is 8 × 8 pixels with segments behind the start marker and without
// the encoder's own JFIF segment.
func picture(t *testing.T, segments ...[]byte) formatstest.File {
	t.Helper()
	r := pixel.New(8, 8, 3, pixel.Uint8)
	data, err := codec.Encode(nil, r, codec.EncodeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if data[3] == 0xE0 {
		data = append([]byte{0xFF, 0xD8}, data[4+binary.BigEndian.Uint16(data[4:]):]...)
	}
	out := append([]byte{0xFF, 0xD8}, bytes.Join(segments, nil)...)
	return formatstest.File{Name: "made.jpg", Data: append(out, data[2:]...)}
}

func segment(marker byte, payload string) []byte {
	out := binary.BigEndian.AppendUint16([]byte{0xFF, marker}, uint16(2+len(payload)))
	return append(out, payload...)
}

func describe(t *testing.T, file formatstest.File) (formats.Image, *formats.Description) {
	t.Helper()
	image, d, _, err := plaintest.Decode(jpeg.New(), file)
	if err != nil {
		t.Fatal(err)
	}
	return image, d
}

// TestResolutionIsInverted: PIMS makes 72 inches of 72 pixels an inch.
func TestResolutionIsInverted(t *testing.T) {
	for name, c := range map[string]struct {
		jfif string
		x, y float64
	}{
		"dots an inch":       {"JFIF\x00\x01\x01\x01\x00\x48\x00\x90\x00\x00", 25_400.0 / 72, 25_400.0 / 144},
		"dots a centimetre":  {"JFIF\x00\x01\x02\x02\x27\x10\x4e\x20\x00\x00", 1, 0.5},
		"an aspect ratio":    {"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00", 0, 0},
		"no dots at all":     {"JFIF\x00\x01\x01\x01\x00\x00\x00\x00\x00\x00", 0, 0},
		"a unit that is not": {"JFIF\x00\x01\x01\x09\x00\x48\x00\x48\x00\x00", 0, 0},
	} {
		_, d := describe(t, picture(t, segment(0xE0, c.jfif)))
		for axis, got := range map[string]*float64{"x": d.PhysicalSizeX, "y": d.PhysicalSizeY} {
			want := map[string]float64{"x": c.x, "y": c.y}[axis]
			if (got == nil) != (want == 0) || got != nil && math.Abs(*got-want) > 1e-9 {
				t.Errorf("%s: %s is %v µm, expected %v", name, axis, got, want)
			}
		}
	}
}

func TestTheCommentDescribes(t *testing.T) {
	image, d := describe(t, picture(t, segment(0xFE, "first"), segment(0xFE, "t\xe9st\x00")))
	if d.Text == nil || *d.Text != "tést" {
		t.Errorf("the description is %v, expected the last comment", d.Text)
	}
	list, err := image.(formats.RawMetadata).RawMetadata(context.Background())
	if err != nil || len(list) == 0 || list[0].Key != "Comment" || list[0].Value != "tést" {
		t.Errorf("metadata are %v, %v; expected the comment once, first", list, err)
	}
}

// TestOrientationIsTold: pixels stay as they are stored, as in PIMS.
func TestOrientationIsTold(t *testing.T) {
	file := formatstest.Load(t, testfiles.Shared(t, "jpeg/hopper_orientation_6.jpg"))
	image, d := describe(t, file)
	list, err := image.(formats.RawMetadata).RawMetadata(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	told := false
	for _, m := range list {
		told = told || m.Key == "Orientation" && m.Value == "Rotate 90 CW"
	}
	if !told || d.Width < 1 {
		t.Errorf("metadata %v do not tell the orientation", list)
	}
}

func TestProfilesArePutTogether(t *testing.T) {
	part := func(number, total byte, data string) []byte {
		return segment(0xE2, "ICC_PROFILE\x00"+string([]byte{number, total})+data)
	}
	for name, c := range map[string]struct {
		segments [][]byte
		want     string
	}{
		"out of order": {[][]byte{part(2, 2, "B"), part(1, 2, "A")}, "AB"},
		"one missing":  {[][]byte{part(2, 2, "B")}, ""},
		"none":         {nil, ""},
	} {
		image, _ := describe(t, picture(t, c.segments...))
		got, err := image.(formats.ColorProfile).ICCProfile(context.Background())
		if err != nil || string(got) != c.want {
			t.Errorf("%s: the profile is %q, %v; expected %q", name, got, err, c.want)
		}
	}
}

// TestLongHeadersAreReadInSteps: previews and profiles may push the frame far
// back, and a header without end is refused.
func TestLongHeadersAreReadInSteps(t *testing.T) {
	filler := segment(0xE5, string(make([]byte, 60_000)))
	long := picture(t, bytes.Repeat(filler, 10))
	if _, d := describe(t, long); d.Width != 8 {
		t.Errorf("the image is %d pixels wide, expected 8", d.Width)
	}
	endless := picture(t, bytes.Repeat(filler, 400))
	bundle := formatstest.NewBundle(endless)
	_, err := jpeg.New().Open(context.Background(), bundle)
	if fault.CodeOf(err) != "jpeg-header-too-large" || bundle.Bytes() > 16<<20 {
		t.Errorf("a header of 24 MB gives %v after %d bytes", err, bundle.Bytes())
	}
}

func TestContract(t *testing.T) {
	formatstest.Run(t, formatstest.Suite{
		Format:  jpeg.New(),
		Accepts: []formatstest.File{picture(t), picture(t, segment(0xFE, "a comment"))},
		Refused: []formatstest.File{{Name: "empty"}, {Name: "half a marker", Data: []byte{0xFF, 0xD8}}, {Name: "text", Data: []byte("JFIF")}},
	})
}
