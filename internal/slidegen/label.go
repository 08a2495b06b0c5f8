package slidegen

import "github.com/pims-cloud/pims/pixel"

// glyph is a 3×5 picture of a character, 15 bits, top row first.
func glyph(c byte) uint16 {
	switch c {
	case '0':
		return 0b111_101_101_101_111
	case '1':
		return 0b010_110_010_010_111
	case '2':
		return 0b111_001_111_100_111
	case '3':
		return 0b111_001_111_001_111
	case '4':
		return 0b101_101_111_001_001
	case '5':
		return 0b111_100_111_001_111
	case '6':
		return 0b111_100_111_101_111
	case '7':
		return 0b111_001_010_010_010
	case '8':
		return 0b111_101_111_101_111
	case '9':
		return 0b111_101_111_001_111
	case ',':
		return 0b000_000_000_010_100
	case '-':
		return 0b000_000_111_000_000
	default:
		return 0
	}
}

const glyphScale = 3 // image pixels a glyph pixel

// textInk reports whether a pixel of a text that begins at 0,0 is ink.
func textInk(text string, x, y, scale int) bool {
	column, row := x/scale, y/scale
	if x < 0 || y < 0 || row >= 5 || column/4 >= len(text) || column%4 == 3 {
		return false
	}
	bit := 14 - row*3 - column%4
	return glyph(text[column/4])>>bit&1 == 1
}

// labelInk reports whether the pixel at (x, y) of the lattice cell (column,
// row) belongs to the cell's label.
func labelInk(x, y, column, row int) bool {
	const margin = 6
	if y < margin || y >= margin+5*glyphScale || x < margin || x > 200 {
		return false
	}
	// Written without strconv: this runs for every pixel near a label.
	var buffer [24]byte
	text := append(appendDecimal(buffer[:0], column), ',')
	text = appendDecimal(text, row)
	return textInk(string(text), x-margin, y-margin, glyphScale)
}

func appendDecimal(dst []byte, n int) []byte {
	if n >= 10 {
		dst = appendDecimal(dst, n/10)
	}
	return append(dst, byte('0'+n%10))
}

// labelImage draws the sticker of a slide: a number and a bar code.
func labelImage(seed uint32, width, height int) *pixel.Raster {
	out := pixel.New(width, height, 3, pixel.Uint8)
	text := string(appendDecimal(appendDecimal([]byte("20"), int(seed%90+10)), int(hash(1, 2, seed)%90000+10000)))
	for y := range height {
		line := out.Row(y)
		for x := range width {
			c := rgb{250, 249, 240}
			bars := y > height/2 && y < height-16 && x > 16 && x < width-16
			if bars && hash(x/3, 0, seed)&1 == 0 || textInk(text, x-16, y-24, 4) {
				c = rgb{25, 25, 28}
			}
			line[x*3], line[x*3+1], line[x*3+2] = byte(c.r), byte(c.g), byte(c.b)
		}
	}
	return out
}

// macroImage draws the whole glass as an overview camera sees it: the sticker on
// the left, the scanned area in a green rectangle on the right.
func macroImage(s *Scene, width, height int) *pixel.Raster {
	out := pixel.New(width, height, 3, pixel.Uint8)
	for i := range out.Pix {
		out.Pix[i] = 232
	}
	paste(out, labelImage(s.Seed, height*3/4, height-16), 8, 8)
	areaWidth, areaHeight := width-height-24, height-32
	factor := max(1, (s.Width+areaWidth-1)/areaWidth, (s.Height+areaHeight-1)/areaHeight)
	w, h := s.Size(factor)
	x, y := height+(areaWidth-w)/2, 16+(areaHeight-h)/2
	green := pixel.New(w+4, h+4, 3, pixel.Uint8)
	for i := 1; i < len(green.Pix); i += 3 {
		green.Pix[i] = 200
	}
	paste(out, green, x-2, y-2)
	paste(out, s.Region(factor, 0, 0, w, h), x, y)
	return out
}

// paste copies src into dst, clipped.
func paste(dst, src *pixel.Raster, x, y int) {
	for row := range src.Height {
		if y+row < 0 || y+row >= dst.Height || x < 0 || x >= dst.Width {
			continue
		}
		copy(dst.Row(y + row)[x*3:], src.Row(row))
	}
}
