package codec_test

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
	"github.com/pims-cloud/pims/pixel"
)

func TestADeflatedTileComesBackAsItWas(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for typ := pixel.Uint8; typ <= pixel.Float64; typ++ {
		for _, samples := range []int{1, 3, 4} {
			r := pixel.New(48, 33, samples, typ)
			for i := range r.Pix {
				r.Pix[i] = byte(random.Uint32()) // floats include NaN with payload
			}
			for _, big := range []bool{false, true} {
				enc := codec.DeflateEncoding(samples, typ, samples == 4)
				enc.BigEndian = big
				data, err := codec.EncodeTile(enc, r, 0)
				if err != nil {
					t.Fatal(err)
				}
				got, err := codec.Decode(enc, data, r.Width, r.Height)
				if err != nil {
					t.Fatalf("%s × %d, big endian %t: %v", typ, samples, big, err)
				}
				if !bytes.Equal(got.Pix, r.Pix) {
					t.Errorf("%s × %d, big endian %t: the samples changed", typ, samples, big)
				}
			}
		}
	}
}

func TestJPEGTilesShareTheirTables(t *testing.T) {
	for _, samples := range []int{1, 3} {
		for _, quality := range []int{75, 90} {
			enc, err := codec.JPEGEncoding(samples, quality)
			if err != nil {
				t.Fatal(err)
			}
			r := pixel.New(64, 64, samples, pixel.Uint8)
			for i := range r.Pix {
				r.Pix[i] = byte(i/samples%64 + 2*(i/samples/64))
			}
			data, err := codec.EncodeTile(enc, r, quality)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(data, []byte{0xFF, 0xDB}) || bytes.Contains(data, []byte("JFIF")) {
				t.Errorf("samples %d, quality %d: the tile holds tables or markers of its own", samples, quality)
			}
			got, err := codec.Decode(enc, data, 64, 64)
			if err != nil {
				t.Fatal(err)
			}
			if worst := furthest(got.Pix, r.Pix); worst > 8 {
				t.Errorf("samples %d, quality %d: a sample is %d off", samples, quality, worst)
			}
		}
	}
}

func furthest(a, b []byte) (worst int) {
	for i := range a {
		worst = max(worst, int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return worst
}

func TestWhatDoesNotFitItsEncodingIsNotStored(t *testing.T) {
	r := pixel.New(16, 16, 3, pixel.Uint8)
	if _, err := codec.EncodeTile(codec.DeflateEncoding(1, pixel.Uint8, false), r, 0); err == nil {
		t.Error("three samples were stored as one")
	}
	if _, err := codec.EncodeTile(formats.Encoding{Codec: formats.CodecLZW, Samples: 3, BitsPerSample: 8}, r, 0); err == nil {
		t.Error("LZW was written")
	}
}
