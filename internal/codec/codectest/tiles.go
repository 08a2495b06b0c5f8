package codectest

import (
	"context"
	"testing"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// Page is one directory of a TIFF file with what a decoder needs of it.
type Page struct {
	Index    int // of the directory in the file's chain
	Layout   *tiff.Layout
	Encoding formats.Encoding
	file     source.Reader
	extents  []tiff.Extent
}

// Pages reads the directories of a TIFF file. ok is false when the file is
// not one that package tiff understands; directories that are not images are
// left out.
func Pages(t testing.TB, path string) (pages []Page, ok bool) {
	t.Helper()
	ctx := context.Background()
	r, err := source.File(path)
	if err != nil {
		t.Fatal(err)
	}
	f, err := tiff.Open(ctx, r, tiff.DefaultLimits())
	if err != nil {
		return nil, false
	}
	ifds, err := f.IFDs(ctx)
	if err != nil {
		return nil, false
	}
	for i, d := range ifds {
		layout, err := d.Layout(ctx)
		if err != nil {
			continue
		}
		p := Page{Index: i, Layout: layout, file: r}
		var known bool
		if p.Encoding, known = encoding(layout); !known {
			continue
		}
		p.Encoding.BigEndian = f.ByteOrder().String() == "BigEndian"
		colours, err := d.Uints(ctx, tiff.ColorMap)
		if err != nil {
			continue
		}
		p.Encoding.Palette = palette(colours)
		if p.extents, err = d.Extents(ctx, 0, layout.Segments()); err != nil {
			continue
		}
		pages = append(pages, p)
	}
	return pages, true
}

// Tiles is how many tiles or strips the page has.
func (p Page) Tiles() int { return len(p.extents) }

// Tile gives the stored bytes of a tile and its stored size in pixels; the
// last strip is shorter.
func (p Page) Tile(t testing.TB, i int) (data []byte, width, height int) {
	t.Helper()
	e := p.extents[i]
	width, height = p.Layout.TileWidth, p.Layout.TileHeight
	if !p.Layout.Tiled {
		row := i % p.Layout.Down()
		height = min(height, p.Layout.Height-row*height)
	}
	if e.Length == 0 {
		return nil, width, height
	}
	parts, err := p.file.ReadRanges(context.Background(), []source.Range{{Offset: e.Offset, Length: e.Length}})
	if err != nil {
		t.Fatal(err)
	}
	return parts[0], width, height
}

// Decode puts all tiles of the page together with the given decoder.
func (p Page) Decode(t testing.TB, decode func(formats.Encoding, []byte, int, int) (*pixel.Raster, error)) (*pixel.Raster, error) {
	t.Helper()
	var out *pixel.Raster
	for i := range min(p.Tiles(), p.Layout.Across()*p.Layout.Down()) {
		data, w, h := p.Tile(t, i)
		if data == nil {
			continue
		}
		r, err := decode(p.Encoding, data, w, h)
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = pixel.New(p.Layout.Width, p.Layout.Height, r.Samples, r.Type)
		}
		x, y := i%p.Layout.Across()*p.Layout.TileWidth, i/p.Layout.Across()*p.Layout.TileHeight
		if err := pixel.Paste(out, r, x, y); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func palette(colours []uint64) []byte {
	n := len(colours) / 3
	out := make([]byte, 0, 3*n)
	for i := range n {
		for c := range 3 {
			out = append(out, byte(colours[c*n+i]>>8))
		}
	}
	return out
}

func encoding(l *tiff.Layout) (formats.Encoding, bool) {
	bits := l.BitsPerSample[0]
	for i, b := range l.BitsPerSample {
		if b != bits || l.SampleFormat[i] != l.SampleFormat[0] {
			return formats.Encoding{}, false
		}
	}
	e := formats.Encoding{
		Samples: l.SamplesPerPixel, BitsPerSample: bits, Predictor: l.Predictor, JPEGTables: l.JPEGTables,
		SubsamplingX: l.SubsamplingX, SubsamplingY: l.SubsamplingY,
		Photometric: map[tiff.Photometric]formats.Photometric{
			0: formats.PhotometricMinIsWhite, 1: formats.PhotometricMinIsBlack, 2: formats.PhotometricRGB,
			3: formats.PhotometricPalette, 5: formats.PhotometricCMYK, 6: formats.PhotometricYCbCr,
		}[l.Photometric],
		Codec: map[tiff.Scheme]formats.Codec{
			tiff.CompressionNone: formats.CodecNone, tiff.CompressionLZW: formats.CodecLZW,
			tiff.CompressionJPEG: formats.CodecJPEG, tiff.CompressionAdobeDeflate: formats.CodecDeflate,
			tiff.CompressionDeflate: formats.CodecDeflate, tiff.CompressionPackBits: formats.CodecPackBits,
			tiff.CompressionZstd: formats.CodecZstd, tiff.CompressionWebP: formats.CodecWebP,
			tiff.CompressionAperioJP2000RGB: formats.CodecJPEG2000, tiff.CompressionAperioJP2000YCbCr: formats.CodecJPEG2000,
		}[l.Compression],
	}
	if l.Compression == tiff.CompressionAperioJP2000YCbCr {
		e.Photometric = formats.PhotometricYCbCr
	}
	if l.Planar == 2 {
		e.Samples = 1
		if e.Photometric == formats.PhotometricRGB {
			e.Photometric = formats.PhotometricMinIsBlack
		}
	}
	var ok bool
	e.PixelType, ok = sampleType(l.SampleFormat[0], bits)
	return e, ok && e.Codec != "" && e.Photometric != ""
}

func sampleType(format, bits int) (pixel.Type, bool) {
	size := map[bool]int{true: 8, false: (bits + 7) / 8 * 8}[bits < 8]
	switch {
	case format == 1 && size == 8:
		return pixel.Uint8, true
	case format == 1 && size == 16:
		return pixel.Uint16, true
	case format == 1 && bits == 32:
		return pixel.Uint32, true
	case format == 2 && bits == 8:
		return pixel.Int8, true
	case format == 2 && bits == 16:
		return pixel.Int16, true
	case format == 2 && bits == 32:
		return pixel.Int32, true
	case format == 3 && bits == 32:
		return pixel.Float32, true
	case format == 3 && bits == 64:
		return pixel.Float64, true
	default:
		return 0, false
	}
}
