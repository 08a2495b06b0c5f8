package slidegen

// appendLZW appends data in TIFF's LZW (TIFF 6.0 §13): codes of 9 to 12 bits,
// high bit first; the width grows with entry 511, 1023 and 2047 of the table,
// one earlier than in GIF.
func appendLZW(dst, data []byte) []byte {
	const clearCode, endCode, firstFree, lastFree = 256, 257, 258, 4094
	var bits, nbits uint32
	put := func(code, width uint32) {
		bits = bits<<width | code
		nbits += width
		for nbits >= 8 {
			dst = append(dst, byte(bits>>(nbits-8)))
			nbits -= 8
		}
	}
	table := make(map[uint32]uint32, lastFree) // prefix code << 8 | byte → code
	next, width := uint32(firstFree), uint32(9)
	put(clearCode, width)
	if len(data) == 0 {
		put(endCode, width)
		return flush(dst, bits, nbits)
	}
	prefix := uint32(data[0])
	for _, b := range data[1:] {
		if code, ok := table[prefix<<8|uint32(b)]; ok {
			prefix = code
			continue
		}
		put(prefix, width)
		table[prefix<<8|uint32(b)] = next
		next++
		prefix = uint32(b)
		switch next {
		case 512, 1024, 2048:
			width++
		case lastFree:
			put(clearCode, width)
			clear(table)
			next, width = firstFree, 9
		}
	}
	put(prefix, width)
	// The decoder counts one more entry now, and may widen or clear with it.
	switch next + 1 {
	case 512, 1024, 2048:
		width++
	case lastFree:
		put(clearCode, width)
		width = 9
	}
	put(endCode, width)
	return flush(dst, bits, nbits)
}

// flush writes the bits that do not fill a byte.
func flush(dst []byte, bits, nbits uint32) []byte {
	if nbits > 0 {
		dst = append(dst, byte(bits<<(8-nbits)))
	}
	return dst
}
