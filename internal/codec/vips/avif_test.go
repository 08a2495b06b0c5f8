//go:build cgo

package vips_test

import (
	"bytes"
	"testing"

	govips "github.com/davidbyttow/govips/v2/vips"

	"github.com/pims-cloud/pims/internal/codec/vips"
	"github.com/pims-cloud/pims/pixel"
)

func TestAVIF(t *testing.T) {
	if !vips.CanEncodeAVIF() {
		t.Skip("this libvips has no encoder for AVIF")
	}
	for samples := 1; samples <= 4; samples++ {
		for _, side := range []int{1, 17, 64} {
			r := pixel.New(side, side, samples, pixel.Uint8)
			for i := range r.Pix {
				r.Pix[i] = 200
			}
			body, err := vips.EncodeAVIF(r, 0)
			if err != nil {
				t.Errorf("%d samples, %d pixels: %v", samples, side, err)
				continue
			}
			if len(body) < 12 || !bytes.Equal(body[4:12], []byte("ftypavif")) {
				t.Errorf("%d samples, %d pixels: the file begins with %q", samples, side, body[:min(12, len(body))])
			}
			img, err := govips.NewImageFromBuffer(body)
			if err != nil {
				t.Errorf("%d samples, %d pixels: %v", samples, side, err)
				continue
			}
			got, err := img.GetPoint(0, 0)
			if err != nil || img.Width() != side || img.Height() != side || got[0] < 190 || got[0] > 210 {
				t.Errorf("%d samples, %d pixels: read back as %d × %d of %v: %v", samples, side, img.Width(), img.Height(), got, err)
			}
			img.Close()
		}
	}
	if _, err := vips.EncodeAVIF(pixel.New(4, 4, 3, pixel.Uint16), 0); err == nil {
		t.Error("16 bits were written")
	}
}
