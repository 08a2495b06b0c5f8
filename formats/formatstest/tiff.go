package formatstest

import (
	"io"
	"slices"
	"testing"

	"github.com/pims-cloud/pims/tiff"
)

// TIFFPage is a page of a TIFF made for a test: uncompressed, every segment of
// the right size, all samples zero unless Data is given. Fields are added, and replace what the
// sizes give.
type TIFFPage struct {
	Width, Height int
	Tile          int    // width and height of tiles, 0 for one strip
	Samples       int    // 0 means 1
	Bits          int    // per sample, 0 means 8
	Planes        bool   // samples in separate planes
	Data          []byte // of every segment, nil for zeros
	Located       bool   // Fields say where the segments are, whatever is written
	Fields        []tiff.Field
	SubIFDs       []TIFFPage
}

// TIFF writes pages as a file.
func TIFF(t testing.TB, name string, o tiff.WriteOptions, pages ...TIFFPage) File {
	t.Helper()
	out := &memory{}
	w, err := tiff.NewWriter(out, o)
	if err != nil {
		t.Fatal(err)
	}
	chain := make([]*tiff.Directory, len(pages))
	for i, page := range pages {
		chain[i] = page.directory(t, w)
	}
	if err := w.Close(chain); err != nil {
		t.Fatal(err)
	}
	return File{Name: name, Data: out.data}
}

// directory writes the segments of a page and of its SubIFDs.
func (p TIFFPage) directory(t testing.TB, w *tiff.Writer) *tiff.Directory {
	t.Helper()
	samples, bits := max(p.Samples, 1), p.Bits
	if bits == 0 {
		bits = 8
	}
	width, height, segments := p.Width, p.Height, 1
	photometric := tiff.PhotometricMinIsBlack
	if samples >= 3 {
		photometric = tiff.PhotometricRGB
	}
	d := &tiff.Directory{Tiled: p.Tile > 0}
	d.Fields = []tiff.Field{
		tiff.NumberField(tiff.ImageWidth, tiff.Long, uint64(p.Width)),
		tiff.NumberField(tiff.ImageLength, tiff.Long, uint64(p.Height)),
		tiff.NumberField(tiff.BitsPerSample, tiff.Short, slices.Repeat([]uint64{uint64(bits)}, samples)...),
		tiff.NumberField(tiff.Compression, tiff.Short, uint64(tiff.CompressionNone)),
		tiff.NumberField(tiff.PhotometricInterpretation, tiff.Short, uint64(photometric)),
		tiff.NumberField(tiff.SamplesPerPixel, tiff.Short, uint64(samples)),
	}
	if p.Tile > 0 {
		width, height = p.Tile, p.Tile
		segments = ((p.Width + p.Tile - 1) / p.Tile) * ((p.Height + p.Tile - 1) / p.Tile)
		d.Fields = append(d.Fields, tiff.NumberField(tiff.TileWidth, tiff.Short, uint64(p.Tile)), tiff.NumberField(tiff.TileLength, tiff.Short, uint64(p.Tile)))
	} else {
		d.Fields = append(d.Fields, tiff.NumberField(tiff.RowsPerStrip, tiff.Long, uint64(p.Height)))
	}
	perSegment := samples
	if p.Planes {
		d.Fields = append(d.Fields, tiff.NumberField(tiff.PlanarConfiguration, tiff.Short, 2))
		segments, perSegment = segments*samples, 1
	}
	data := p.Data
	if data == nil {
		data = make([]byte, (width*perSegment*bits+7)/8*height)
	}
	for range segments {
		extent, err := w.Segment(data)
		if err != nil {
			t.Fatal(err)
		}
		d.Segments = append(d.Segments, extent)
	}
	for _, field := range p.Fields {
		d.Fields = slices.DeleteFunc(d.Fields, func(f tiff.Field) bool { return f.Tag == field.Tag })
		d.Fields = append(d.Fields, field)
	}
	if p.Located {
		d.Segments = nil
	}
	for _, sub := range p.SubIFDs {
		d.SubIFDs = append(d.SubIFDs, sub.directory(t, w))
	}
	return d
}

// memory is an io.WriteSeeker.
type memory struct {
	data []byte
	at   int64
}

// Write implements io.Writer.
func (m *memory) Write(b []byte) (int, error) {
	if grow := m.at + int64(len(b)) - int64(len(m.data)); grow > 0 {
		m.data = append(m.data, make([]byte, grow)...)
	}
	m.at += int64(copy(m.data[m.at:], b))
	return len(b), nil
}

// Seek implements io.Seeker.
func (m *memory) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += m.at
	case io.SeekEnd:
		offset += int64(len(m.data))
	}
	m.at = offset
	return offset, nil
}
