package jpeg

import "testing"

// What the tests outside the package share with those inside.
var (
	Drawing        = drawing
	Abbreviate     = abbreviate
	Relabel        = relabel
	StandardPixels = standardPixels
	Difference     = difference
)

// WithoutHuffman leaves out the DHT segments of a complete JPEG.
func WithoutHuffman(t testing.TB, data []byte) []byte {
	t.Helper()
	out := []byte{0xFF, markerSOI}
	w := walker{data: data}
	if err := w.start(); err != nil {
		t.Fatal(err)
	}
	for {
		s, err := w.next()
		if err != nil {
			t.Fatal(err)
		}
		if s.marker == markerSOS {
			return append(out, data[s.start:]...)
		}
		if s.marker != markerDHT {
			out = append(out, data[s.start:s.end]...)
		}
	}
}
