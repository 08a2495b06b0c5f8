package codec

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/klauspost/compress/zlib"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/pixel"
)

// encodePNG writes the raster as it is: grey, grey+alpha, RGB or RGBA of 8 or
// 16 bits (PNG 3rd edition §11.2.1). image/png cannot: it has no grey with
// alpha, wants RGB as RGBA, and its zlib is slower (BenchmarkEncodePNG).
func encodePNG(r *pixel.Raster) ([]byte, error) {
	colourType := [...]byte{1: 0, 2: 4, 3: 2, 4: 6}[r.Samples]
	var out bytes.Buffer
	out.Grow(r.Width*r.Height*r.Samples*r.Type.Bytes()/2 + 1024)
	out.WriteString(pngSignature)
	var header [13]byte
	binary.BigEndian.PutUint32(header[0:], uint32(r.Width))
	binary.BigEndian.PutUint32(header[4:], uint32(r.Height))
	header[8] = byte(8 * r.Type.Bytes())
	header[9] = colourType
	writeChunk(&out, "IHDR", header[:])
	if err := writePixels(&out, r); err != nil {
		return nil, fault.New(fault.Internal, "codec-png", "The PNG could not be written.").Because(err)
	}
	writeChunk(&out, "IEND", nil)
	return out.Bytes(), nil
}

const pngSignature = "\x89PNG\r\n\x1a\n"

func writeChunk(out *bytes.Buffer, name string, data []byte) {
	start := beginChunk(out, name)
	out.Write(data)
	endChunk(out, start)
}

// beginChunk leaves room for the length; endChunk fills it in, so that the
// pixels are compressed straight into the result.
func beginChunk(out *bytes.Buffer, name string) (start int) {
	start = out.Len()
	out.WriteString("\x00\x00\x00\x00")
	out.WriteString(name)
	return start
}

func endChunk(out *bytes.Buffer, start int) {
	chunk := out.Bytes()[start:]
	binary.BigEndian.PutUint32(chunk, uint32(len(chunk)-8))
	var sum [4]byte
	binary.BigEndian.PutUint32(sum[:], crc32.ChecksumIEEE(chunk[4:]))
	out.Write(sum[:])
}

func writePixels(out *bytes.Buffer, r *pixel.Raster) error {
	start := beginChunk(out, "IDAT")
	z, err := zlib.NewWriterLevel(out, 6)
	if err != nil {
		return err
	}
	f := newRowFilter(r)
	for y := range r.Height {
		if _, err := z.Write(f.row(r.Row(y))); err != nil {
			return err
		}
	}
	if err := z.Close(); err != nil {
		return err
	}
	endChunk(out, start)
	return nil
}

// rowFilter picks for every row the PNG filter whose output has the least sum
// of absolute values (PNG 3rd edition §12.7).
type rowFilter struct {
	pixelBytes int
	swap       bool // 16-bit samples are big-endian in a PNG
	above      []byte
	current    []byte
	tries      [5][]byte // filter type byte, then the filtered row
}

func newRowFilter(r *pixel.Raster) *rowFilter {
	n := r.Width * r.Samples * r.Type.Bytes()
	f := &rowFilter{pixelBytes: r.Samples * r.Type.Bytes(), swap: r.Type == pixel.Uint16}
	f.above, f.current = make([]byte, n), make([]byte, n)
	for i := range f.tries {
		f.tries[i] = make([]byte, n+1)
		f.tries[i][0] = byte(i)
	}
	return f
}

func (f *rowFilter) row(from []byte) []byte {
	copy(f.current, from)
	if f.swap {
		swapBytes(f.current, 16)
	}
	f.filter()
	best, least := 0, int(^uint(0)>>1)
	for i := range f.tries {
		if sum := absoluteSum(f.tries[i][1:], least); sum < least {
			best, least = i, sum
		}
	}
	f.above, f.current = f.current, f.above
	return f.tries[best]
}

// filter fills the five tries (PNG 3rd edition §9.2).
func (f *rowFilter) filter() {
	n, p := len(f.current), f.pixelBytes
	cur, up := f.current, f.above[:n]
	none, sub, above, mean, paeth := f.tries[0][1:][:n], f.tries[1][1:][:n], f.tries[2][1:][:n], f.tries[3][1:][:n], f.tries[4][1:][:n]
	copy(none, cur)
	for i := range min(p, n) {
		sub[i] = cur[i]
		above[i] = cur[i] - up[i]
		mean[i] = cur[i] - up[i]/2
		paeth[i] = cur[i] - up[i]
	}
	for i := p; i < n; i++ {
		left, upLeft := cur[i-p], up[i-p]
		sub[i] = cur[i] - left
		above[i] = cur[i] - up[i]
		mean[i] = cur[i] - byte((int(left)+int(up[i]))/2)
		paeth[i] = cur[i] - nearestOf(left, up[i], upLeft)
	}
}

// nearestOf is the Paeth predictor.
func nearestOf(a, b, c byte) byte {
	pa, pb := int(b)-int(c), int(a)-int(c)
	pc := pa + pb
	pa, pb, pc = max(pa, -pa), max(pb, -pb), max(pc, -pc)
	if pa <= pb && pa <= pc {
		return a
	}
	if pb <= pc {
		return b
	}
	return c
}

// absoluteSum stops early once it is above limit.
func absoluteSum(row []byte, limit int) int {
	sum := 0
	for len(row) > 0 {
		part := row[:min(len(row), 256)]
		row = row[len(part):]
		for _, v := range part {
			d := int(int8(v))
			sum += max(d, -d)
		}
		if sum > limit {
			return sum
		}
	}
	return sum
}
