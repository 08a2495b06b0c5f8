package jpeg

import (
	"encoding/binary"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/pixel"
)

const markerSOF3 = 0xC3

// IsLossless tells whether a stream is of the lossless process (SOF3), which
// DecodeLossless decodes and Decode does not.
func IsLossless(data []byte) bool {
	h, err := ParseHeader(data)
	return err == nil && h.Process == markerSOF3-markerSOF0
}

// DecodeLossless decodes a Huffman coded stream of the lossless process (T.81
// annex H), as DICOM files have them: 1 or 3 components of 2 to 16 bits at full
// size, uint8 or little-endian uint16 as they are coded, without any change of
// colours. Its size must be widthPx × heightPx.
func DecodeLossless(data []byte, widthPx, heightPx int) (*pixel.Raster, error) {
	h, err := ParseHeader(data)
	if err != nil {
		return nil, err
	}
	if err := h.expect(widthPx, heightPx); err != nil {
		return nil, err
	}
	if err := h.losslessDecodable(len(data)); err != nil {
		return nil, err
	}
	kind := pixel.Uint8
	if h.Precision > 8 {
		kind = pixel.Uint16
	}
	l := &lossless{header: h, restart: h.RestartInterval, out: pixel.New(h.Width, h.Height, len(h.Components), kind)}
	w := walker{data: data}
	if err := w.start(); err != nil {
		return nil, err
	}
	decoded := 0
	for decoded < len(h.Components) {
		s, err := w.next()
		if err != nil {
			return nil, err
		}
		switch s.marker {
		case markerDHT:
			err = l.tables(s.payload)
		case markerDRI:
			if len(s.payload) == 2 {
				l.restart = int(binary.BigEndian.Uint16(s.payload))
			}
		case markerSOS:
			var n int
			n, err = l.scan(s.payload, data[s.end:])
			decoded += n
		case markerEOI:
			err = corrupt("jpeg-no-scan", "The JPEG ends at byte %d before all of its components.", s.start)
		}
		if err != nil {
			return nil, err
		}
	}
	return l.out, nil
}

// losslessDecodable refuses what is not understood, and what claims more
// samples than its bytes can hold: each costs a bit at least.
func (h *Header) losslessDecodable(size int) error {
	switch {
	case h.Process != markerSOF3-markerSOF0:
		return fault.New(fault.Unsupported, "jpeg-process", "The JPEG uses process SOF%d; the lossless one, SOF3, was expected.", h.Process)
	case h.Precision < 2 || h.Precision > 16:
		return corrupt("jpeg-precision", "The lossless JPEG has %d bits a sample; 2 to 16 are possible.", h.Precision)
	case len(h.Components) == 4:
		return fault.New(fault.Unsupported, "jpeg-components", "The lossless JPEG has %d components; 1 and 3 are understood.", len(h.Components))
	}
	for _, c := range h.Components {
		if c.H != 1 || c.V != 1 {
			return fault.New(fault.Unsupported, "jpeg-sampling", "The lossless JPEG's components differ in size, which is not understood.")
		}
	}
	if samples := int64(h.Width) * int64(h.Height) * int64(len(h.Components)); samples/8 > int64(size) {
		return corrupt("jpeg-too-short", "The lossless JPEG claims %d × %d pixels, which need at least %d bytes, but has %d.", h.Width, h.Height, samples/8, size)
	}
	return nil
}

// lossless is one stream on its way.
type lossless struct {
	header  *Header
	huffman [4]*huffmanTable
	restart int
	out     *pixel.Raster
}

// huffmanTable decodes the categories of differences (T.81 §F.2.2.3).
type huffmanTable struct {
	maxCode [17]int // by length; -1: none
	first   [17]int // what to add to a code of a length for its place in values
	values  []byte
}

// tables reads a DHT segment (§B.2.4.2).
func (l *lossless) tables(p []byte) error {
	for len(p) >= 17 {
		id, counts := p[0], p[1:17]
		total := 0
		for _, n := range counts {
			total += int(n)
		}
		if id > 3 || total > len(p)-17 || total > 256 {
			return corrupt("jpeg-huffman", "The lossless JPEG has a Huffman table %#02x of %d codes in %d bytes.", id, total, len(p))
		}
		t := &huffmanTable{values: p[17 : 17+total]}
		code, at := 0, 0
		for length := 1; length <= 16; length++ {
			n := int(counts[length-1])
			t.first[length], t.maxCode[length] = at-code, -1
			if n > 0 {
				code, at = code+n, at+n
				t.maxCode[length] = code - 1
			}
			if code > 1<<length {
				return corrupt("jpeg-huffman", "The lossless JPEG's Huffman table %d has too many codes of %d bits.", id, length)
			}
			code <<= 1
		}
		l.huffman[id] = t
		p = p[17+total:]
	}
	if len(p) != 0 {
		return corrupt("jpeg-huffman", "The lossless JPEG's Huffman tables have %d bytes too many.", len(p))
	}
	return nil
}

// scanned is one component of a scan.
type scanned struct {
	number int // of the frame's component
	table  *huffmanTable
}

// scan decodes one scan (§B.2.3, §H.1) and tells how many components it has.
func (l *lossless) scan(p, data []byte) (int, error) {
	if len(p) < 1 || len(p) != 4+2*int(p[0]) {
		return 0, corrupt("jpeg-scan-length", "The JPEG's scan header has %d bytes, which does not fit its component count.", len(p))
	}
	var parts []scanned
	for i := range int(p[0]) {
		id, table := p[1+2*i], p[2+2*i]>>4
		number := -1
		for n, c := range l.header.Components {
			if c.ID == id {
				number = n
			}
		}
		if number < 0 || table > 3 || l.huffman[table] == nil {
			return 0, corrupt("jpeg-scan", "The lossless JPEG's scan uses component %d or Huffman table %d, which do not exist.", id, table)
		}
		parts = append(parts, scanned{number, l.huffman[table]})
	}
	predictor, shift := int(p[len(p)-3]), int(p[len(p)-1]&15)
	if len(parts) == 0 || predictor < 1 || predictor > 7 || shift >= l.header.Precision {
		return 0, corrupt("jpeg-scan", "The lossless JPEG's scan has %d components, predictor %d and point transform %d.", len(parts), predictor, shift)
	}
	return len(parts), l.samples(parts, predictor, shift, &bitReader{data: data})
}

// samples decodes all samples of a scan.
func (l *lossless) samples(parts []scanned, predictor, shift int, bits *bitReader) error {
	width, height := l.header.Width, l.header.Height
	rows := make([][2][]int, len(parts)) // the row before, this row
	for i := range rows {
		rows[i] = [2][]int{make([]int, width), make([]int, width)}
	}
	fresh := true // at the start of a scan or restart interval
	freshRow, left := 0, l.restart
	for y := range height {
		for x := range width {
			if l.restart > 0 && left == 0 {
				if err := bits.nextInterval(); err != nil {
					return err
				}
				fresh, left = true, l.restart
			}
			left--
			if fresh {
				freshRow = y
			}
			for i, part := range parts {
				difference, err := bits.difference(part.table)
				if err != nil {
					return corrupt("jpeg-damaged", "The lossless JPEG is damaged or breaks off at row %d of %d.", y, height)
				}
				before, row := rows[i][0], rows[i][1]
				var predicted int
				switch {
				case fresh:
					predicted = 1 << (l.header.Precision - shift - 1)
				case x == 0:
					predicted = before[0]
				case y == freshRow:
					predicted = row[x-1]
				default:
					predicted = predict(predictor, row[x-1], before[x], before[x-1])
				}
				row[x] = (predicted + difference) & 0xFFFF
				l.set(x, y, part.number, row[x]<<shift)
			}
			fresh = false
		}
		for i := range rows {
			rows[i][0], rows[i][1] = rows[i][1], rows[i][0]
		}
	}
	return nil
}

// predict is table H.1: a is left, b above, c left above.
func predict(predictor, a, b, c int) int {
	switch predictor {
	case 1:
		return a
	case 2:
		return b
	case 3:
		return c
	case 4:
		return a + b - c
	case 5:
		return a + (b-c)>>1
	case 6:
		return b + (a-c)>>1
	}
	return (a + b) / 2
}

func (l *lossless) set(x, y, component, v int) {
	row := l.out.Row(y)
	at := x*l.out.Samples + component
	if l.out.Type == pixel.Uint8 {
		row[at] = byte(v)
		return
	}
	binary.LittleEndian.PutUint16(row[2*at:], uint16(v))
}

// bitReader reads entropy coded bits (§F.2.2.5): a zero byte follows every 0xFF
// of the data, any other byte after it is a marker.
type bitReader struct {
	data []byte
	at   int
	held uint32
	n    int // bits held
}

var errBitsEnd = corrupt("jpeg-truncated", "The JPEG's entropy coded data end too early.")

func (b *bitReader) bit() (int, error) {
	if b.n == 0 {
		if b.at >= len(b.data) {
			return 0, errBitsEnd
		}
		v := b.data[b.at]
		if v == 0xFF {
			if b.at+1 >= len(b.data) || b.data[b.at+1] != 0 {
				return 0, errBitsEnd
			}
			b.at++
		}
		b.at++
		b.held, b.n = uint32(v), 8
	}
	b.n--
	return int(b.held>>b.n) & 1, nil
}

// difference reads one difference (§H.1.2.2).
func (b *bitReader) difference(t *huffmanTable) (int, error) {
	code := 0
	for length := 1; length <= 16; length++ {
		bit, err := b.bit()
		if err != nil {
			return 0, err
		}
		code = code<<1 | bit
		if code <= t.maxCode[length] {
			return b.extended(int(t.values[code+t.first[length]]))
		}
	}
	return 0, errBitsEnd
}

// extended reads the bits of a difference of a category.
func (b *bitReader) extended(category int) (int, error) {
	switch {
	case category == 0:
		return 0, nil
	case category == 16:
		return 1 << 15, nil
	case category > 16:
		return 0, errBitsEnd
	}
	v := 0
	for range category {
		bit, err := b.bit()
		if err != nil {
			return 0, err
		}
		v = v<<1 | bit
	}
	if v < 1<<(category-1) {
		v -= 1<<category - 1
	}
	return v, nil
}

// nextInterval goes behind the restart marker that must come next.
func (b *bitReader) nextInterval() error {
	b.n = 0
	for b.at+1 < len(b.data) {
		if m := b.data[b.at+1]; b.data[b.at] == 0xFF && m >= markerRST0 && m <= markerRST7 {
			b.at += 2
			return nil
		}
		if b.data[b.at] == 0xFF && b.data[b.at+1] == 0xFF {
			b.at++
			continue
		}
		break
	}
	return corrupt("jpeg-restart", "The lossless JPEG lacks a restart marker.")
}
