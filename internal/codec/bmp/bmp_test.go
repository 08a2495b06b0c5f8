package bmp

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/pims-cloud/pims/fault"
)

// made is a Windows 3 file: header, what follows it, pixels.
func made(width, height int32, depth uint16, compression uint32, between, pixels []byte) []byte {
	le := binary.LittleEndian
	out := append([]byte("BM"), make([]byte, 8)...)
	out = le.AppendUint32(out, uint32(54+len(between)))
	out = le.AppendUint32(out, 40)
	out = le.AppendUint32(out, uint32(width))
	out = le.AppendUint32(out, uint32(height))
	out = le.AppendUint16(out, 1)
	out = le.AppendUint16(out, depth)
	out = le.AppendUint32(out, compression)
	out = append(out, make([]byte, 20)...)
	return append(append(out, between...), pixels...)
}

// grey4 is a palette of 4 greys, stored as blue, green, red, 0.
var grey4 = []byte{0, 0, 0, 0, 85, 85, 85, 0, 170, 170, 170, 0, 255, 255, 255, 0}

func TestPixelsByHand(t *testing.T) {
	masks := func(m ...uint32) (out []byte) {
		for _, v := range m {
			out = binary.LittleEndian.AppendUint32(out, v)
		}
		return out
	}
	for name, c := range map[string]struct {
		file          []byte
		width, height int
		samples       int
		want          []byte
	}{
		"24 bits, from the bottom": {made(1, 2, 24, 0, nil, []byte{3, 2, 1, 0, 6, 5, 4, 0}), 1, 2, 3, []byte{4, 5, 6, 1, 2, 3}},
		"24 bits, from the top":    {made(1, -2, 24, 0, nil, []byte{3, 2, 1, 0, 6, 5, 4, 0}), 1, 2, 3, []byte{1, 2, 3, 4, 5, 6}},
		"1 bit, grey palette":      {made(3, 1, 1, 0, []byte{255, 255, 255, 0, 0, 0, 0, 0}, []byte{0b010_00000, 0, 0, 0}), 3, 1, 1, []byte{255, 0, 255}},
		"4 bits, colours":          {made(3, 1, 4, 0, []byte{0, 0, 255, 0, 0, 255, 0, 0}, []byte{0x01, 0x20, 0, 0}), 3, 1, 3, []byte{255, 0, 0, 0, 255, 0, 0, 0, 0}},
		"16 bits, 5 each":          {made(1, 1, 16, 0, nil, []byte{0x1F, 0x7C, 0, 0}), 1, 1, 3, []byte{255, 0, 255}},
		"16 bits, 5 6 5":           {made(1, 1, 16, 3, masks(0xF800, 0x07E0, 0x001F), []byte{0xE0, 0x07, 0, 0}), 1, 1, 3, []byte{0, 255, 0}},
		"32 bits with alpha":       {made(1, 1, 32, 6, masks(0xFF, 0xFF00, 0xFF0000, 0xFF000000), []byte{1, 2, 3, 4}), 1, 1, 4, []byte{1, 2, 3, 4}},
		"alpha that is 0 all over": {made(1, 1, 32, 6, masks(0xFF, 0xFF00, 0xFF0000, 0xFF000000), []byte{1, 2, 3, 0}), 1, 1, 4, []byte{1, 2, 3, 255}},
		"RLE8: runs, literals, moves, gaps": {
			made(4, 3, 8, 1, grey4, []byte{2, 1, 2, 2, 0, 0 /* line 1 */, 0, 3, 3, 2, 1, 0 /* literal, padded */, 0, 2, 1, 0 /* move */, 0, 0, 0, 2, 1, 0, 1, 3, 0, 1}),
			4, 3, 1, []byte{0, 255, 0, 0, 255, 170, 85, 0, 85, 85, 170, 170},
		},
		"RLE4: two indexes in turn": {made(5, 1, 4, 2, grey4, []byte{3, 0x12, 0, 2, 1, 0, 1, 0x30, 0, 1}), 5, 1, 1, []byte{85, 170, 85, 0, 255}},
	} {
		got, err := Decode(c.file, c.width, c.height)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got.Samples != c.samples || !bytes.Equal(got.Pix, c.want) {
			t.Errorf("%s: %d samples %v, expected %d samples %v", name, got.Samples, got.Pix, c.samples, c.want)
		}
	}
}

func TestWhatIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		file []byte
		code string
	}{
		"nothing":              {nil, "bmp-header"},
		"no pixels":            {made(0, 5, 24, 0, nil, nil), "bmp-size"},
		"least height":         {made(1, -1<<31, 24, 0, nil, nil), "bmp-size"},
		"cut off":              {made(4, 4, 24, 0, nil, make([]byte, 47)), "bmp-truncated"},
		"bomb of run lengths":  {made(1<<13, 1<<13, 8, 1, grey4, []byte{0, 1}), "bmp-impossible-size"},
		"runs cut off":         {made(4, 4, 8, 1, grey4, []byte{4, 1, 0}), "bmp-rle-truncated"},
		"runs from the top":    {made(4, -4, 8, 1, grey4, []byte{0, 1}), "bmp-rle-top-down"},
		"a mask with a hole":   {made(1, 1, 32, 3, []byte{5, 0, 0, 0, 2, 0, 0, 0, 8, 0, 0, 0}, make([]byte, 4)), "bmp-masks"},
		"no palette":           {made(1, 1, 8, 0, nil, make([]byte, 4)), "bmp-palette"},
		"an embedded JPEG":     {made(1, 1, 0, 4, nil, make([]byte, 4)), "bmp-embedded"},
		"another size is told": {made(2, 1, 24, 0, nil, make([]byte, 8)), "bmp-size-mismatch"},
	} {
		width, height := 1, 1
		if h, err := ParseHeader(c.file); err == nil && c.code != "bmp-size-mismatch" {
			width, height = h.Width, h.Height
		}
		if _, err := Decode(c.file, width, height); fault.CodeOf(err) != c.code {
			t.Errorf("%s: %v, expected code %s", name, err, c.code)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(made(4, 3, 8, 1, grey4, []byte{2, 1, 2, 2, 0, 0, 0, 1}))
	f.Add(made(1, 1, 32, 6, make([]byte, 16), []byte{1, 2, 3, 4}))
	f.Add(made(5, 1, 4, 2, grey4, []byte{3, 0x12, 0, 2, 1, 0, 1, 0x30, 0, 1}))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ParseHeader(data)
		if err != nil || h.Width*h.Height > 1<<20 {
			return
		}
		r, err := Decode(data, h.Width, h.Height)
		switch {
		case err != nil && fault.KindOf(err) == fault.Internal:
			t.Errorf("the error has no class: %v", err)
		case err == nil && (r.Width != h.Width || r.Height != h.Height || r.Samples != h.Samples()):
			t.Errorf("decoded are %d × %d × %d, the header says %d × %d × %d", r.Width, r.Height, r.Samples, h.Width, h.Height, h.Samples())
		}
	})
}
