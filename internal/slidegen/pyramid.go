package slidegen

import (
	"context"
	"io"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/tiff"
)

// Pixels is what a pyramidal TIFF stores for each pixel.
type Pixels int

// The kinds of pixels.
const (
	RGB8 Pixels = iota
	Grey8
	Grey16
)

// Pyramid is a pyramidal TIFF: levels halved until one tile holds the last.
type Pyramid struct {
	Scene
	TileSize    int // pixels, a multiple of 16
	Pixels      Pixels
	Compression tiff.Scheme // none, LZW, AdobeDeflate or JPEG
	Predictor   bool
	Quality     int  // of JPEG, 1 to 100
	RGBJPEG     bool // JPEG stores R, G, B; otherwise Y, Cb, Cr 4:2:0
	Complete    bool // JPEG tiles carry their tables; otherwise JPEGTables does
	BigTIFF     bool
	BigEndian   bool
	SubIFDs     bool // levels are SubIFDs of the first; otherwise pages
	Strips      bool // one untiled level only
	Separate    bool // every sample is a plane of its own (PlanarConfiguration 2)
	// Pool, when positive, is how many distinct tiles a level has.
	Pool int
}

// WritePyramid writes a pyramidal TIFF. It may be cancelled.
func WritePyramid(ctx context.Context, w io.WriteSeeker, o Pyramid) error {
	if err := checkSize(o.Scene, o.TileSize); err != nil {
		return err
	}
	out, err := tiff.NewWriter(w, tiff.WriteOptions{BigTIFF: o.BigTIFF, BigEndian: o.BigEndian})
	if err != nil {
		return err
	}
	var levels []*tiff.Directory
	for factor := 1; ; factor *= 2 {
		p := o.page(factor)
		d, err := p.write(ctx, out)
		if err != nil {
			return err
		}
		levels = append(levels, d)
		if o.Strips || max(p.width, p.height) <= o.TileSize {
			break
		}
	}
	if o.SubIFDs {
		levels[0].SubIFDs = levels[1:]
		levels = levels[:1]
	}
	return out.Close(levels)
}

// checkSize refuses scenes that cannot be written.
func checkSize(s Scene, tileSize int) error {
	const most = 1 << 24
	if s.Width < 1 || s.Height < 1 || s.Width > most || s.Height > most || tileSize < 16 || tileSize > 4096 || tileSize%16 != 0 {
		return fault.New(fault.Invalid, "slidegen-size",
			"Width and height must be 1 to %d pixels and the tile size a multiple of 16 up to 4096; got %d × %d and %d.", most, s.Width, s.Height, tileSize)
	}
	return nil
}

// page is one level.
func (o Pyramid) page(factor int) *page {
	width, height := o.Size(factor)
	p := &page{
		width: width, height: height, tileWidth: o.TileSize, tileHeight: o.TileSize,
		tiled: !o.Strips, separate: o.Separate, pool: poolOf(o.Pool, factor),
		encoder: &encoder{scheme: o.Compression, predictor: o.Predictor, bigEndian: o.BigEndian, complete: o.Complete},
	}
	if o.Strips {
		p.tileWidth = width
	}
	switch o.Pixels {
	case RGB8:
		p.photometric = tiff.PhotometricRGB
		p.draw = func(x, y, w, h int) *pixel.Raster { return o.Region(factor, x, y, w, h) }
	case Grey8, Grey16:
		t := pixel.Uint8
		if o.Pixels == Grey16 {
			t = pixel.Uint16
		}
		p.photometric = tiff.PhotometricMinIsBlack
		p.draw = func(x, y, w, h int) *pixel.Raster { return o.Grey(factor, x, y, w, h, t) }
	}
	if o.Compression == tiff.CompressionJPEG {
		p.encoder.jpeg = newJPEGEncoder(o.jpegColour(), o.Quality)
		if p.encoder.jpeg.colour == jpegYCC420 {
			p.photometric = tiff.PhotometricYCbCr
		}
	}
	subfile := uint64(0)
	if factor > 1 {
		subfile = 1
	}
	p.fields = []tiff.Field{
		tiff.NumberField(tiff.NewSubfileType, tiff.Long, subfile),
		tiff.RatioField(tiff.XResolution, uint32(20000/factor), 1), // 0.5 µm a pixel at level 0
		tiff.RatioField(tiff.YResolution, uint32(20000/factor), 1),
		tiff.NumberField(tiff.ResolutionUnit, tiff.Short, 3),
		tiff.NumberField(tiff.Orientation, tiff.Short, 1),
		tiff.TextField(tiff.Software, "slidegen"),
	}
	return p
}

func (o Pyramid) jpegColour() jpegColour {
	switch {
	case o.Pixels != RGB8:
		return jpegGrey
	case o.RGBJPEG:
		return jpegRGB
	default:
		return jpegYCC420
	}
}

// poolOf is the pool of a level: reduced pixels cost up to sixteen times the
// drawing, and there are fewer of them.
func poolOf(pool, factor int) int {
	if pool > 0 && factor > 1 {
		return max(1, pool/8)
	}
	return pool
}
