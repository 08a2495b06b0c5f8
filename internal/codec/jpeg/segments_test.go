package jpeg

import (
	"bytes"
	"os"
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// TestSpliceLeavesMetadataBehind: EXIF's orientation would make browsers turn a
// tile that is answered as it is stored.
func TestSpliceLeavesMetadataBehind(t *testing.T) {
	data, err := os.ReadFile(testfiles.Shared(t, "jpeg/Portrait_5.jpg")) // EXIF, ICC profile
	if err != nil {
		t.Fatal(err)
	}
	spliced, err := Splice(nil, nil, data, formats.PhotometricYCbCr)
	if err != nil {
		t.Fatal(err)
	}
	for s := range Segments(spliced) {
		if s.Marker == 0xE1 || s.Marker == 0xE2 || s.Marker == markerCOM {
			t.Errorf("the spliced tile has segment %#02x of %d bytes", s.Marker, len(s.Payload))
		}
	}
	before, err := Decode(nil, data, Options{})
	if err != nil {
		t.Fatal(err)
	}
	after, err := Decode(nil, spliced, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(before.Pix, after.Pix) {
		t.Error("the spliced tile has other pixels")
	}
}

func TestSegmentsEndAtTheScan(t *testing.T) {
	stream := []byte{0xFF, 0xD8, 0xFF, 0xFE, 0, 4, 'h', 'i', 0xFF, 0xDA, 0, 2, 0xFF, 0xFE, 0, 2}
	var got []byte
	for s := range Segments(stream) {
		got = append(got, s.Marker)
	}
	if !bytes.Equal(got, []byte{0xFE}) {
		t.Errorf("markers before the scan are % x, expected fe", got)
	}
}
