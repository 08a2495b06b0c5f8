package dicom

import "encoding/binary"

const (
	rleHeaderBytes = 64
	rleMaxSegments = 15
)

// decodeRLE unpacks a frame of the RLE transfer syntax (PS3.5 annex G): one
// segment a byte of a sample, the most significant first, each PackBits. The
// result is little-endian, samples side by side.
func decodeRLE(data []byte, p *picture) ([]byte, error) {
	if len(data) < rleHeaderBytes {
		return nil, corrupt("rle", "a frame has %d bytes, its RLE header alone needs %d", len(data), rleHeaderBytes)
	}
	size, plane := p.bits/8, p.rows*p.columns
	segments := int(binary.LittleEndian.Uint32(data))
	if segments != size*p.samples || segments > rleMaxSegments {
		return nil, corrupt("rle", "a frame has %d RLE segments, %d samples of %d bits need %d", segments, p.samples, p.bits, size*p.samples)
	}
	out := make([]byte, plane*segments)
	for n := range segments {
		from := int64(binary.LittleEndian.Uint32(data[4+4*n:]))
		to := int64(len(data))
		if n+1 < segments {
			to = int64(binary.LittleEndian.Uint32(data[8+4*n:]))
		}
		if from < rleHeaderBytes || from > to || to > int64(len(data)) {
			return nil, corrupt("rle", "RLE segment %d lies at bytes %d to %d of a frame of %d", n, from, to, len(data))
		}
		sample, place := n/size, size-1-n%size
		if err := unpack(data[from:to], out[sample*size+place:], p.samples*size, plane); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// unpack writes count unpacked bytes, every stride bytes.
func unpack(packed, out []byte, stride, count int) error {
	done := 0
	for len(packed) > 0 && done < count {
		head := int8(packed[0])
		packed = packed[1:]
		switch {
		case head == -128:
		case head >= 0:
			n := min(int(head)+1, count-done)
			if len(packed) < n {
				return corrupt("rle", "an RLE segment ends within a run")
			}
			for i := range n {
				out[(done+i)*stride] = packed[i]
			}
			done, packed = done+n, packed[min(int(head)+1, len(packed)):]
		case len(packed) == 0:
			return corrupt("rle", "an RLE segment ends within a run")
		default:
			n := min(1-int(head), count-done)
			for i := range n {
				out[(done+i)*stride] = packed[0]
			}
			done, packed = done+n, packed[1:]
		}
	}
	if done < count {
		return corrupt("rle", "an RLE segment has %d bytes, expected %d", done, count)
	}
	return nil
}
