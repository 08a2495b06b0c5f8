package bmp

import "github.com/pims-cloud/pims/pixel"

// painter puts indexes into a picture that is built from the bottom.
type painter struct {
	header *Header
	out    *pixel.Raster
	table  [256][3]byte
	x, y   int
}

func (p *painter) put(index byte) {
	if p.x < p.out.Width && p.y < p.out.Height {
		to := p.header.row(p.out, p.y)[p.x*p.out.Samples:]
		copy(to[:p.out.Samples], p.table[index][:])
	}
	p.x++
}

// runs decodes RLE8 and RLE4. Pixels that nothing is said of have index 0.
func (h *Header) runs(out *pixel.Raster, body []byte) error {
	p := &painter{header: h, out: out, table: h.colours(out.Samples)}
	if p.table[0] != [3]byte{} {
		for p.y = range h.Height {
			for p.x = 0; p.x < h.Width; {
				p.put(0)
			}
		}
	}
	p.x, p.y = 0, 0
	for p.y < h.Height {
		if len(body) < 2 {
			return corrupt("bmp-rle-truncated", "The BMP's run lengths end in line %d of %d.", p.y, h.Height)
		}
		count, value := int(body[0]), body[1]
		body = body[2:]
		if count > 0 {
			p.repeat(count, value)
			continue
		}
		switch value {
		case 0: // end of line
			p.x, p.y = 0, p.y+1
		case 1: // end of picture
			return nil
		case 2: // move
			if len(body) < 2 {
				return corrupt("bmp-rle-truncated", "The BMP's run lengths end within a move.")
			}
			p.x, p.y = p.x+int(body[0]), p.y+int(body[1])
			body = body[2:]
		default:
			var err error
			if body, err = p.literal(int(value), body); err != nil {
				return err
			}
		}
	}
	return nil
}

// repeat paints count pixels: of RLE4 two indexes in turn.
func (p *painter) repeat(count int, value byte) {
	for i := range count {
		switch {
		case p.header.Compression == RLE8:
			p.put(value)
		case i%2 == 0:
			p.put(value >> 4)
		default:
			p.put(value & 15)
		}
	}
}

// literal paints count pixels that are stored one by one, padded to 16 bits.
func (p *painter) literal(count int, body []byte) ([]byte, error) {
	size := count
	if p.header.Compression == RLE4 {
		size = (count + 1) / 2
	}
	padded := size + size%2
	if len(body) < size {
		return nil, corrupt("bmp-rle-truncated", "The BMP's run lengths end within %d pixels stored one by one.", count)
	}
	for i := range count {
		switch {
		case p.header.Compression == RLE8:
			p.put(body[i])
		case i%2 == 0:
			p.put(body[i/2] >> 4)
		default:
			p.put(body[i/2] & 15)
		}
	}
	return body[min(padded, len(body)):], nil
}
