package codec

import "encoding/binary"

// undoDifferences undoes horizontal differencing (TIFF 6.0 §14): each sample
// was stored as its difference from the same sample of the pixel before it.
// The samples are little-endian.
func (s *stored) undoDifferences(raw []byte) {
	n := s.enc.Samples
	for y := range s.height {
		row := raw[int64(y)*s.rowBytes : int64(y+1)*s.rowBytes]
		switch s.enc.BitsPerSample {
		case 8:
			for i := n; i < len(row); i++ {
				row[i] += row[i-n]
			}
		case 16:
			for i := 2 * n; i+2 <= len(row); i += 2 {
				v := binary.LittleEndian.Uint16(row[i:]) + binary.LittleEndian.Uint16(row[i-2*n:])
				binary.LittleEndian.PutUint16(row[i:], v)
			}
		case 32:
			for i := 4 * n; i+4 <= len(row); i += 4 {
				v := binary.LittleEndian.Uint32(row[i:]) + binary.LittleEndian.Uint32(row[i-4*n:])
				binary.LittleEndian.PutUint32(row[i:], v)
			}
		case 64:
			for i := 8 * n; i+8 <= len(row); i += 8 {
				v := binary.LittleEndian.Uint64(row[i:]) + binary.LittleEndian.Uint64(row[i-8*n:])
				binary.LittleEndian.PutUint64(row[i:], v)
			}
		}
	}
}

// undoFloat undoes the floating point predictor (Adobe TIFF technical note 3):
// a row holds all most significant bytes, then all second ones and so on, and
// these bytes are differences over the pixel's samples.
func (s *stored) undoFloat(raw []byte) {
	n := s.enc.Samples
	size := s.enc.PixelType.Bytes()
	line := make([]byte, s.rowBytes)
	for y := range s.height {
		row := raw[int64(y)*s.rowBytes : int64(y+1)*s.rowBytes]
		for i := n; i < len(row); i++ {
			row[i] += row[i-n]
		}
		values := len(row) / size
		for i := range values {
			for k := range size {
				line[i*size+size-1-k] = row[k*values+i]
			}
		}
		copy(row, line)
	}
}
