package jpeg

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/bits"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/pixel"
)

// losslessWriter encodes with one table whose codes are all of 5 bits (T.81
// annex H), written from the standard and not from the decoder.
type losslessWriter struct {
	out  []byte
	held uint64
	n    int
}

func (w *losslessWriter) put(v, n int) {
	w.held, w.n = w.held<<n|uint64(v), w.n+n
	for w.n >= 8 {
		b := byte(w.held >> (w.n - 8))
		if w.out, w.n = append(w.out, b), w.n-8; b == 0xFF {
			w.out = append(w.out, 0)
		}
	}
}

func (w *losslessWriter) flush() {
	if w.n > 0 {
		w.put(1<<(8-w.n)-1, 8-w.n)
	}
}

func (w *losslessWriter) difference(d int) {
	if d == -1<<15 {
		d = 1 << 15 // the one category without a sign
	}
	category := bits.Len(uint(max(d, -d)))
	w.put(category, 5)
	if d < 0 {
		d += 1<<category - 1
	}
	if category < 16 {
		w.put(d, category)
	}
}

// losslessStream is a file of samples by row, column and component.
func losslessStream(width, height, components, precision, predictor, restart int, sample func(x, y, c int) int) []byte {
	be := binary.BigEndian
	out := []byte{0xFF, 0xD8, 0xFF, 0xC4, 0, 2 + 17 + 17, 0, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	for category := range 17 {
		out = append(out, byte(category))
	}
	out = append(out, 0xFF, 0xC3, 0, byte(8+3*components), byte(precision))
	out = be.AppendUint16(be.AppendUint16(out, uint16(height)), uint16(width))
	out = append(out, byte(components))
	for c := range components {
		out = append(out, byte(c+1), 0x11, 0)
	}
	out = append(out, 0xFF, 0xDD, 0, 4, byte(restart>>8), byte(restart), 0xFF, 0xDA, 0, byte(6+2*components), byte(components))
	for c := range components {
		out = append(out, byte(c+1), 0)
	}
	w := &losslessWriter{out: append(out, byte(predictor), 0, 0)}
	firstRow := 0
	for i := range width * height {
		x, y := i%width, i/width
		begins := i == 0
		if restart > 0 && i > 0 && i%restart == 0 {
			w.flush()
			w.out = append(w.out, 0xFF, byte(0xD0+(i/restart-1)%8))
			begins, firstRow = true, y
		}
		for c := range components {
			at := func(dx, dy int) int { return sample(x-dx, y-dy, c) }
			var p int
			switch {
			case begins:
				p = 1 << (precision - 1)
			case x == 0:
				p = at(0, 1)
			case y == firstRow || predictor == 1:
				p = at(1, 0)
			default:
				a, b, c := at(1, 0), at(0, 1), at(1, 1)
				p = []int{0, a, b, c, a + b - c, a + (b-c)>>1, b + (a-c)>>1, (a + b) >> 1}[predictor]
			}
			w.difference(int(int16(sample(x, y, c) - p)))
		}
	}
	w.flush()
	return append(w.out, 0xFF, 0xD9)
}

func TestLosslessStreamsDecodeToTheirSamples(t *testing.T) {
	for predictor := 1; predictor <= 7; predictor++ {
		for _, c := range []struct{ components, precision, restart int }{{1, 8, 0}, {3, 8, 0}, {1, 12, 0}, {1, 16, 0}, {1, 16, 7}, {3, 8, 14}} {
			t.Run(fmt.Sprintf("predictor %d, %+v", predictor, c), func(t *testing.T) {
				const width, height = 7, 6
				sample := func(x, y, k int) int { return (x*x*3917 + y*7919 + k*65 + x*y*31) & (1<<c.precision - 1) }
				data := losslessStream(width, height, c.components, c.precision, predictor, c.restart, sample)
				r, err := DecodeLossless(data, width, height)
				if err != nil {
					t.Fatal(err)
				}
				if wide := c.precision > 8; r.Samples != c.components || wide != (r.Type == pixel.Uint16) {
					t.Fatalf("decoded are %d × %s", r.Samples, r.Type)
				}
				for i := range width * height * c.components {
					x, y, k := i/c.components%width, i/c.components/width, i%c.components
					got := int(r.Pix[i*r.Type.Bytes()])
					if r.Type == pixel.Uint16 {
						got = int(binary.LittleEndian.Uint16(r.Pix[2*i:]))
					}
					if want := sample(x, y, k); got != want {
						t.Fatalf("sample %d of (%d, %d) is %d, expected %d", k, x, y, got, want)
					}
				}
			})
		}
	}
}

func TestLosslessRefusals(t *testing.T) {
	whole := losslessStream(9, 9, 1, 8, 1, 0, func(x, y, _ int) int { return x ^ y })
	changed := func(at int, b byte) []byte {
		out := bytes.Clone(whole)
		out[at] = b
		return out
	}
	frame := bytes.Index(whole, []byte{0xFF, 0xC3})
	for name, data := range map[string][]byte{
		"truncated":         whole[:len(whole)-8],
		"another size":      changed(frame+6, 10),
		"baseline":          changed(frame+1, 0xC0),
		"precision 17":      changed(frame+4, 17),
		"halved components": changed(frame+11, 0x22),
		"a bomb":            changed(frame+5, 0xFF),
		"no table":          append([]byte{0xFF, 0xD8}, whole[frame:]...),
	} {
		width, height := 9, 9
		if name == "a bomb" {
			height = 0xFF09
		}
		if _, err := DecodeLossless(data, width, height); err == nil || fault.KindOf(err) == fault.Internal {
			t.Errorf("%s: %v, expected a refusal with a reason", name, err)
		}
	}
}

func FuzzDecodeLossless(f *testing.F) {
	f.Add(losslessStream(9, 9, 1, 8, 4, 0, func(x, y, _ int) int { return x ^ y }))
	f.Add(losslessStream(5, 4, 3, 16, 7, 5, func(x, y, c int) int { return x*y*c*999 + 3 }))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ParseHeader(data)
		if err != nil || h.Width*h.Height > 1<<20 {
			return
		}
		if _, err := DecodeLossless(data, h.Width, h.Height); err != nil && fault.KindOf(err) == fault.Internal {
			t.Errorf("unclassified error %v", err)
		}
	})
}
