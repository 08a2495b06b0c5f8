package slidegen

import "encoding/binary"

// iccProfile is a small matrix/TRC display profile: sRGB's primaries in D50
// and a gamma of 2.2 (ICC.1:2001-04).
func iccProfile() []byte {
	be := binary.BigEndian
	text := func(kind, s string) []byte {
		b := append([]byte(kind), 0, 0, 0, 0)
		if kind == "desc" {
			b = be.AppendUint32(b, uint32(len(s)+1))
		}
		b = append(append(b, s...), 0)
		if kind == "desc" {
			b = append(b, make([]byte, 78)...) // no Unicode, no ScriptCode text
		}
		return b
	}
	xyz := func(x, y, z uint32) []byte {
		b := append([]byte("XYZ "), 0, 0, 0, 0)
		return be.AppendUint32(be.AppendUint32(be.AppendUint32(b, x), y), z)
	}
	gamma := be.AppendUint16(be.AppendUint32(append([]byte("curv"), 0, 0, 0, 0), 1), 0x0233) // u8Fixed8: 2.2
	tags := []struct {
		signature string
		data      []byte
	}{
		{"desc", text("desc", "slidegen sRGB")},
		{"cprt", text("text", "No copyright")},
		{"wtpt", xyz(0xF6D6, 0x10000, 0xD32D)}, // s15Fixed16
		{"rXYZ", xyz(0x6FA2, 0x38F5, 0x0390)},
		{"gXYZ", xyz(0x6299, 0xB785, 0x18DA)},
		{"bXYZ", xyz(0x24A0, 0x0F84, 0xB6CF)},
		{"rTRC", gamma}, {"gTRC", gamma}, {"bTRC", gamma},
	}
	head := make([]byte, 128, 1024)
	be.PutUint32(head[8:], 0x02400000) // version 2.4
	copy(head[12:], "mntrRGB XYZ ")
	copy(head[24:], []byte{7, 0xd9, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0}) // 2009-01-01
	copy(head[36:], "acsp")
	copy(head[68:], xyz(0xF6D6, 0x10000, 0xD32D)[8:]) // the D50 illuminant
	out := be.AppendUint32(head, uint32(len(tags)))
	at := len(out) + 12*len(tags)
	var body []byte
	for _, t := range tags {
		out = append(out, t.signature...)
		out = be.AppendUint32(out, uint32(at+len(body)))
		out = be.AppendUint32(out, uint32(len(t.data)))
		body = append(body, t.data...)
		body = append(body, make([]byte, -len(body)&3)...)
	}
	out = append(out, body...)
	be.PutUint32(out, uint32(len(out)))
	return out
}
