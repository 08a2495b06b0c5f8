package codec

import (
	"encoding/binary"
	"math"
	"runtime"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

func TestStoredForms(t *testing.T) {
	le := binary.LittleEndian
	for name, c := range map[string]struct {
		enc    formats.Encoding
		data   []byte
		w, h   int
		want   []byte
		sample int
		typ    pixel.Type
	}{
		"1 bit fills the byte; rows start anew": {
			enc:  formats.Encoding{Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 1},
			data: []byte{0b10110000, 0b01000000}, w: 4, h: 2, want: []byte{255, 0, 255, 255, 0, 255, 0, 0}, sample: 1,
		},
		"1 bit, white is 0": {
			enc:  formats.Encoding{Photometric: formats.PhotometricMinIsWhite, Samples: 1, BitsPerSample: 1},
			data: []byte{0b10000000}, w: 2, h: 1, want: []byte{0, 255}, sample: 1,
		},
		"2 bits are 0 85 170 255": {
			enc:  formats.Encoding{Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 2},
			data: []byte{0b00011011}, w: 4, h: 1, want: []byte{0, 85, 170, 255}, sample: 1,
		},
		"4 bits": {
			enc:  formats.Encoding{Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 4},
			data: []byte{0x0F, 0x70}, w: 3, h: 1, want: []byte{0, 255, 119}, sample: 1,
		},
		"12 bits keep their values": {
			enc:  formats.Encoding{Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 12, PixelType: pixel.Uint16},
			data: []byte{0xAB, 0xC1, 0x23}, w: 2, h: 1, want: le.AppendUint16(le.AppendUint16(nil, 0xABC), 0x123), sample: 1, typ: pixel.Uint16,
		},
		"12 bits, white is 0": {
			enc:  formats.Encoding{Photometric: formats.PhotometricMinIsWhite, Samples: 1, BitsPerSample: 12, PixelType: pixel.Uint16},
			data: []byte{0xFF, 0xF0}, w: 1, h: 1, want: []byte{0, 0}, sample: 1, typ: pixel.Uint16,
		},
		"16 bits big-endian": {
			enc:  formats.Encoding{Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 16, PixelType: pixel.Uint16, BigEndian: true},
			data: []byte{0x12, 0x34}, w: 1, h: 1, want: []byte{0x34, 0x12}, sample: 1, typ: pixel.Uint16,
		},
		"palette of 2 bits": {
			enc:  formats.Encoding{Photometric: formats.PhotometricPalette, Samples: 1, BitsPerSample: 2, Palette: []byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}},
			data: []byte{0b11000000}, w: 2, h: 1, want: []byte{10, 11, 12, 1, 2, 3}, sample: 3,
		},
		"ink, with alpha behind": {
			// (255−51)·(255−0)/255 = 204; full black gives 0.
			enc:  formats.Encoding{Photometric: formats.PhotometricCMYK, Samples: 5, BitsPerSample: 8, Alpha: true},
			data: []byte{51, 0, 255, 0, 9, 0, 0, 0, 255, 8}, w: 2, h: 1, want: []byte{204, 255, 0, 9, 0, 0, 0, 8}, sample: 4,
		},
		"YCbCr 2×2: one colour for four pixels": {
			enc:  formats.Encoding{Photometric: formats.PhotometricYCbCr, Samples: 3, BitsPerSample: 8, SubsamplingX: 2, SubsamplingY: 2},
			data: []byte{10, 20, 30, 40, 128, 128, 50, 0, 60, 0, 128, 128}, w: 3, h: 2,
			want: []byte{10, 10, 10, 20, 20, 20, 50, 50, 50, 30, 30, 30, 40, 40, 40, 60, 60, 60}, sample: 3,
		},
		"min-is-white keeps alpha": {
			enc:  formats.Encoding{Photometric: formats.PhotometricMinIsWhite, Samples: 2, BitsPerSample: 8, Alpha: true},
			data: []byte{0, 7, 255, 8}, w: 2, h: 1, want: []byte{255, 7, 0, 8}, sample: 2,
		},
	} {
		t.Run(name, func(t *testing.T) {
			c.enc.Codec = formats.CodecNone
			got, err := Decode(c.enc, c.data, c.w, c.h)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got.Pix); diff != "" || got.Samples != c.sample || got.Type != c.typ {
				t.Errorf("%d × %s (-want +got):\n%s", got.Samples, got.Type, diff)
			}
		})
	}
}

func TestPredictors(t *testing.T) {
	le, be := binary.LittleEndian, binary.BigEndian
	check := func(name string, enc formats.Encoding, raw []byte, w int, want []byte) {
		t.Helper()
		enc.Codec, enc.Photometric = formats.CodecDeflate, formats.PhotometricMinIsBlack
		got, err := Decode(enc, deflated(t, raw), w, 1)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(want, got.Pix); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	check("8 bits, 2 samples", formats.Encoding{Samples: 2, BitsPerSample: 8, Predictor: 2},
		[]byte{1, 100, 2, 200, 255, 1}, 3, []byte{1, 100, 3, 44, 2, 45})
	check("16 bits big-endian", formats.Encoding{Samples: 1, BitsPerSample: 16, PixelType: pixel.Uint16, Predictor: 2, BigEndian: true},
		be.AppendUint16(be.AppendUint16(nil, 1000), 500), 2, le.AppendUint16(le.AppendUint16(nil, 1000), 1500))
	check("32 bits", formats.Encoding{Samples: 1, BitsPerSample: 32, PixelType: pixel.Uint32, Predictor: 2},
		le.AppendUint32(le.AppendUint32(nil, 1<<31), 1<<31+5), 2, le.AppendUint32(le.AppendUint32(nil, 1<<31), 5))
	// 1.5 = 3FC00000, −2 = C0000000: bytes by significance 3F C0 | C0 00 | 00 00 | 00 00,
	// then differences.
	check("float", formats.Encoding{Samples: 1, BitsPerSample: 32, PixelType: pixel.Float32, Predictor: 3, BigEndian: true},
		[]byte{0x3F, 0xC0 - 0x3F, 0, 0x40, 0, 0, 0, 0}, 2,
		le.AppendUint32(le.AppendUint32(nil, math.Float32bits(1.5)), math.Float32bits(-2)))
}

func TestBombsAreRefusedBeforeAllocation(t *testing.T) {
	enc := formats.Encoding{Photometric: formats.PhotometricRGB, Samples: 3, BitsPerSample: 8}
	for codec, data := range map[formats.Codec][]byte{
		formats.CodecDeflate: deflated(t, make([]byte, 1<<10)), formats.CodecLZW: {0x80, 0, 0}, formats.CodecPackBits: {0x81, 0},
		formats.CodecNone: {1, 2, 3}, formats.CodecZstd: []byte("(\xb5/\xfd"), formats.CodecJPEG: {0xFF, 0xD8}, formats.CodecPNG: []byte(pngSignature),
	} {
		enc.Codec = codec
		for _, size := range [][2]int{{16000, 16000}, {1 << 20, 1 << 20}} {
			before := testing.AllocsPerRun(1, func() {
				_, err := Decode(enc, data, size[0], size[1])
				if k := fault.KindOf(err); k != fault.Corrupt && k != fault.TooLarge {
					t.Errorf("%s of %d bytes as %v: %v", codec, len(data), size, err)
				}
			})
			if before > 60 {
				t.Errorf("%s: %v allocations", codec, before)
			}
		}
	}
}

func TestUnknownEncodingsAreUnsupported(t *testing.T) {
	base := formats.Encoding{Codec: formats.CodecNone, Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 8}
	for name, change := range map[string]func(*formats.Encoding){
		"JPEG XL":         func(e *formats.Encoding) { e.Codec = formats.CodecJPEGXL },
		"24 bits":         func(e *formats.Encoding) { e.BitsPerSample, e.PixelType = 24, pixel.Float32 },
		"half floats":     func(e *formats.Encoding) { e.BitsPerSample, e.PixelType = 16, pixel.Float32 },
		"predictor 9":     func(e *formats.Encoding) { e.Predictor = 9 },
		"float of ints":   func(e *formats.Encoding) { e.Predictor = 3 },
		"short palette":   func(e *formats.Encoding) { e.Photometric, e.Palette = formats.PhotometricPalette, make([]byte, 3) },
		"ink × 3":         func(e *formats.Encoding) { e.Photometric, e.Samples = formats.PhotometricCMYK, 3 },
		"subsampled by 3": func(e *formats.Encoding) { e.Photometric, e.Samples, e.SubsamplingX = formats.PhotometricYCbCr, 3, 3 },
	} {
		e := base
		change(&e)
		if CanDecode(e) {
			t.Errorf("%s: CanDecode says yes", name)
		}
		if _, err := Decode(e, make([]byte, 64), 2, 2); fault.KindOf(err) != fault.Unsupported {
			t.Errorf("%s: %v, want kind unsupported", name, err)
		}
	}
	if !CanDecode(base) {
		t.Error("plain grey: CanDecode says no")
	}
}

func TestZstdWindowClaimsAllocateNothing(t *testing.T) {
	// A frame that claims a window of 1.75 GiB and holds one run of 96 bytes.
	data := []byte{0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA7, 0x03, 0x03, 0x00, 42}
	enc := formats.Encoding{Codec: formats.CodecZstd, Photometric: formats.PhotometricMinIsBlack, Samples: 1, BitsPerSample: 8}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Decode(enc, data, 12, 8)
	runtime.ReadMemStats(&after)
	if k := fault.KindOf(err); err != nil && k != fault.Corrupt {
		t.Errorf("%v, want nothing or kind corrupt", err)
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 16<<20 {
		t.Errorf("%d bytes were allocated for a tile of 96", grown)
	}
}

func BenchmarkDecodeDeflate(b *testing.B) {
	r := ramp(256, 256, 3, pixel.Uint8)
	enc := encodingOf(formats.CodecDeflate, r)
	enc.Predictor = 2
	data := deflated(b, r.Pix)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Decode(enc, data, 256, 256); err != nil {
			b.Fatal(err)
		}
	}
}
