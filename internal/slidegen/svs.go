package slidegen

import (
	"context"
	"fmt"
	"io"

	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/tiff"
)

// SVS is an Aperio slide: tiled levels reduced by 4 each, a thumbnail in strips
// after the first, a label (LZW) and a macro (JPEG) at the end.
type SVS struct {
	Scene
	TileSize int  // pixels, a multiple of 16; scanners write 240 or 256
	Quality  int  // of JPEG, 1 to 100
	YCbCr    bool // photometric YCbCr 4:2:0; otherwise RGB, as most scanners write
	BigTIFF  bool
	// BlankTiles leaves some tiles of level 0 without bytes.
	BlankTiles bool
	// Pool, when positive, is how many distinct tiles a level has, so that large
	// files are written at the speed of the disk.
	Pool int
}

const aperio = "Aperio Image Library v11.2.1 "

// smallestLevel is the size under which no further level is added.
const smallestLevel = 512

// WriteSVS writes an Aperio slide. It may be cancelled.
func WriteSVS(ctx context.Context, w io.WriteSeeker, o SVS) error {
	if err := checkSize(o.Scene, o.TileSize); err != nil {
		return err
	}
	out, err := tiff.NewWriter(w, tiff.WriteOptions{BigTIFF: o.BigTIFF})
	if err != nil {
		return err
	}
	pages := []*page{o.level(1), o.thumbnail()}
	for factor := 4; max(o.Width, o.Height)*4/factor > smallestLevel && min(o.Width, o.Height)/factor > 0; factor *= 4 {
		pages = append(pages, o.level(factor))
	}
	pages = append(pages, o.label(), o.macro())
	var chain []*tiff.Directory
	for _, p := range pages {
		d, err := p.write(ctx, out)
		if err != nil {
			return err
		}
		chain = append(chain, d)
	}
	return out.Close(chain)
}

// level is one tiled resolution.
func (o SVS) level(factor int) *page {
	p := o.jpegPage(o.Width/factor, o.Height/factor)
	p.tiled, p.tileWidth, p.tileHeight, p.pool = true, o.TileSize, o.TileSize, poolOf(o.Pool, factor)
	p.draw = func(x, y, w, h int) *pixel.Raster { return o.Region(factor, x, y, w, h) }
	text := fmt.Sprintf("%s\r\n%dx%d [0,0 %dx%d] (%dx%d) ", aperio, o.Width, o.Height, o.Width, o.Height, o.TileSize, o.TileSize)
	if factor > 1 {
		text += fmt.Sprintf("-> %dx%d ", p.width, p.height)
	}
	text += fmt.Sprintf("JPEG/%s Q=%d", o.colourName(), o.Quality)
	if factor == 1 {
		text += o.properties()
	}
	if o.BlankTiles && factor == 1 {
		p.blank = func(tx, ty int) bool { return (tx+ty)%5 == 4 }
	}
	p.fields = append(p.fields, tiff.TextField(tiff.ImageDescription, text),
		tiff.BytesField(tiff.ICCProfile, tiff.Undefined, iccProfile()))
	return p
}

func (o SVS) colourName() string {
	if o.YCbCr {
		return "YCbCr"
	}
	return "RGB"
}

// properties are the key/values of level 0.
func (o SVS) properties() string {
	return fmt.Sprintf("|AppMag = 20|StripeWidth = 2040|ScanScope ID = SG%04d|Filename = slidegen-%d|Date = 12/29/09|Time = 09:59:15"+
		"|User = slidegen|Parmset = USM Filter|MPP = 0.4990|Left = 25.691574|Top = 23.449873|LineCameraSkew = -0.000424"+
		"|LineAreaXOffset = 0.019265|LineAreaYOffset = -0.000313|Focus Offset = 0.000000|ImageID = %d"+
		"|OriginalWidth = %d|OriginalHeight = %d|Filtered = 5|ICC Profile = slidegen sRGB",
		o.Seed%10000, o.Seed, 1000000+o.Seed, o.Width, o.Height)
}

// jpegPage is a page of JPEG segments in the slide's colours.
func (o SVS) jpegPage(width, height int) *page {
	colour, photometric := jpegRGB, tiff.PhotometricRGB
	if o.YCbCr {
		colour, photometric = jpegYCC420, tiff.PhotometricYCbCr
	}
	return &page{
		width: width, height: height, tileWidth: width, tileHeight: 16, photometric: photometric,
		encoder: &encoder{scheme: tiff.CompressionJPEG, jpeg: newJPEGEncoder(colour, o.Quality)},
		fields: []tiff.Field{
			tiff.NumberField(tiff.NewSubfileType, tiff.Long, 0),
			tiff.NumberField(tiff.ImageDepth, tiff.Long, 1),
		},
	}
}

// thumbnail is the whole slide in at most 512 pixels, in strips.
func (o SVS) thumbnail() *page {
	factor := max(1, (max(o.Width, o.Height)+511)/512)
	p := o.jpegPage(max(1, o.Width/factor), max(1, o.Height/factor))
	p.draw = func(x, y, w, h int) *pixel.Raster { return o.Region(factor, x, y, w, h) }
	p.fields = append(p.fields, tiff.TextField(tiff.ImageDescription,
		fmt.Sprintf("%s\r\n%dx%d -> %dx%d - %s", aperio, o.Width, o.Height, p.width, p.height, o.properties())))
	return p
}

// label is the sticker: LZW with predictor, seven rows a strip, and a bare line
// feed before its name, which readers rely on.
func (o SVS) label() *page {
	const width, height = 175, 163
	return &page{
		width: width, height: height, tileWidth: width, tileHeight: 7, photometric: tiff.PhotometricRGB,
		encoder: &encoder{scheme: tiff.CompressionLZW, predictor: true},
		draw:    window(labelImage(o.Seed, width, height)),
		fields: []tiff.Field{
			tiff.NumberField(tiff.NewSubfileType, tiff.Long, 1),
			tiff.TextField(tiff.ImageDescription, fmt.Sprintf("%s\nlabel %dx%d", aperio, width, height)),
		},
	}
}

// macro is the overview of the glass.
func (o SVS) macro() *page {
	const width, height = 480, 162
	p := o.jpegPage(width, height)
	p.draw = window(macroImage(&o.Scene, width, height))
	p.fields = []tiff.Field{
		tiff.NumberField(tiff.NewSubfileType, tiff.Long, 9),
		tiff.TextField(tiff.ImageDescription, fmt.Sprintf("%s\nmacro %dx%d", aperio, width, height)),
	}
	return p
}

// window draws from a picture that exists.
func window(whole *pixel.Raster) func(x, y, width, height int) *pixel.Raster {
	return func(x, y, width, height int) *pixel.Raster {
		out := pixel.New(width, height, whole.Samples, whole.Type)
		for row := range height {
			copy(out.Row(row), whole.Row(y + row)[x*whole.Samples:])
		}
		return out
	}
}
