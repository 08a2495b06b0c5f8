package dicom_test

import (
	"bytes"
	"encoding/binary"
)

// maker writes small DICOM files of 3×2 pixels whose samples count from 0.
type maker struct {
	frames, samples, bits                    int
	signed, planar, implicit, bigEndian      bool
	rle, cutRLE, sequence, palette           bool
	noPixels, noRows                         bool
	nesting                                  int
	photometric, spacing, date, time, syntax string
	out                                      *bytes.Buffer
	order                                    binary.ByteOrder
}

const undefinedLength = 0xffffffff

func (m maker) file() []byte {
	m.out, m.order = &bytes.Buffer{}, binary.LittleEndian
	m.frames, m.samples = max(m.frames, 1), max(m.samples, 1)
	if m.bits == 0 {
		m.bits = 8
	}
	m.out.Write(append(make([]byte, 128), "DICM"...))
	body, meta := m, m
	meta.implicit = false
	meta.put(0x0002, 0x0010, "UI", []byte(m.transferSyntax()))
	if m.bigEndian {
		body.order = binary.BigEndian
	}
	body.dataset()
	return m.out.Bytes()
}

func (m maker) transferSyntax() string {
	switch {
	case m.syntax != "":
		return m.syntax
	case m.implicit:
		return "1.2.840.10008.1.2"
	case m.bigEndian:
		return "1.2.840.10008.1.2.2"
	case m.rle:
		return "1.2.840.10008.1.2.5"
	}
	return "1.2.840.10008.1.2.1"
}

func (m maker) dataset() {
	if m.date != "" {
		m.put(0x0008, 0x0022, "DA", []byte(m.date))
		m.put(0x0008, 0x0032, "TM", []byte(m.time))
	}
	if m.sequence {
		m.nested(1)
	}
	if m.nesting > 0 {
		m.nested(m.nesting)
	}
	m.number(0x0028, 0x0002, m.samples)
	m.put(0x0028, 0x0004, "CS", []byte(m.colours()))
	if m.planar {
		m.number(0x0028, 0x0006, 1)
	}
	m.put(0x0028, 0x0008, "IS", []byte{byte('0' + m.frames)})
	if !m.noRows {
		m.number(0x0028, 0x0010, 2)
	}
	m.number(0x0028, 0x0011, 3)
	if m.spacing != "" {
		m.put(0x0028, 0x0030, "DS", []byte(m.spacing))
	}
	m.number(0x0028, 0x0100, m.bits)
	if m.signed {
		m.number(0x0028, 0x0103, 1)
	}
	if m.palette {
		m.tables()
	}
	if !m.noPixels {
		m.pixels()
	}
}

func (m maker) colours() string {
	switch {
	case m.photometric != "":
		return m.photometric
	case m.palette:
		return "PALETTE COLOR"
	case m.samples == 3:
		return "RGB"
	}
	return "MONOCHROME2"
}

// tables map index i to (i, 2i, 3i).
func (m maker) tables() {
	for c := range 3 {
		m.put(0x0028, uint16(0x1101+c), "US", binary.LittleEndian.AppendUint16([]byte{16, 0, 0, 0}, 8))
	}
	for c := range 3 {
		table := make([]byte, 16)
		for i := range table {
			table[i] = byte(i * (c + 1))
		}
		m.put(0x0028, uint16(0x1201+c), "OW", table)
	}
}

func (m maker) pixels() {
	count := 6 * m.samples * m.frames
	var data []byte
	switch m.bits {
	case 1: // 0 1 0 1 … in the first frame, its reverse in the second
		data = []byte{0b01_101010, 0b0000_0101}
	case 16:
		for i := range count {
			data = append(data, 0, 0)
			m.order.PutUint16(data[2*i:], uint16(i))
		}
	default:
		for i := range count {
			data = append(data, byte(i))
		}
	}
	if !m.rle && m.syntax == "" {
		m.put(0x7fe0, 0x0010, "OB", data)
		return
	}
	m.head(0x7fe0, 0x0010, "OB", undefinedLength)
	m.item(0xe000, nil) // an empty offset table
	header := make([]byte, 64)
	header[0], header[4] = 1, 64
	packed := append(header, append([]byte{byte(count - 1)}, data...)...)
	if m.cutRLE {
		packed = packed[:len(packed)-2]
	}
	m.item(0xe000, append(packed, make([]byte, len(packed)%2)...))
	m.item(0xe0dd, nil)
}

// nested writes sequences without lengths within each other.
func (m maker) nested(depth int) {
	m.head(0x0008, 0x1140, "SQ", undefinedLength)
	m.itemHead(0xe000, undefinedLength)
	if depth > 1 {
		m.nested(depth - 1)
	} else {
		m.number(0x0028, 0x0010, 999) // not the picture's rows
	}
	m.item(0xe00d, nil)
	m.item(0xe0dd, nil)
}

func (m maker) item(element uint16, value []byte) {
	m.itemHead(element, uint32(len(value)))
	m.out.Write(value)
}

func (m maker) itemHead(element uint16, length uint32) {
	m.words(0xfffe, element)
	m.long(length)
}

func (m maker) number(group, element uint16, n int) {
	b := make([]byte, 2)
	m.order.PutUint16(b, uint16(n))
	m.put(group, element, "US", b)
}

func (m maker) put(group, element uint16, vr string, value []byte) {
	if len(value)%2 == 1 {
		value = append(bytes.Clone(value), 0)
	}
	m.head(group, element, vr, uint32(len(value)))
	m.out.Write(value)
}

func (m maker) head(group, element uint16, vr string, length uint32) {
	m.words(group, element)
	switch {
	case m.implicit:
		m.long(length)
	case vr == "OB" || vr == "OW" || vr == "SQ":
		m.out.WriteString(vr)
		m.words(0)
		m.long(length)
	default:
		m.out.WriteString(vr)
		m.words(uint16(length))
	}
}

func (m maker) words(values ...uint16) {
	for _, v := range values {
		b := make([]byte, 2)
		m.order.PutUint16(b, v)
		m.out.Write(b)
	}
}

func (m maker) long(v uint32) {
	b := make([]byte, 4)
	m.order.PutUint32(b, v)
	m.out.Write(b)
}
