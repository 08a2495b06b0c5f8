//go:build cgo

package vips

import (
	"bytes"
	"encoding/binary"
	"image/color"
	"sync"

	"github.com/davidbyttow/govips/v2/vips"
	"golang.org/x/image/webp"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/pixel"
)

// Available tells whether this build contains libvips.
const Available = true

// library is libvips' start, once a process: see the package comment.
var library = sync.OnceValue(func() error {
	vips.LoggingSettings(func(string, vips.LogLevel, string) {}, vips.LogLevelError)
	return vips.Startup(&vips.Config{ConcurrencyLevel: 1})
})

func start() error {
	if err := library(); err != nil {
		return fault.New(fault.Unsupported, "codec-needs-libvips", "libvips could not be started.").Because(err)
	}
	return nil
}

// DecodeJPEG2000 decodes one tile: a bare codestream, as slides have it, or a
// JP2 file. Its size must be widthPx × heightPx once its reduce finest
// resolutions are left out, each of which halves it, rounded up. ycbcr says that a codestream
// of three components holds YCbCr without saying so (Aperio's 33003); it
// becomes RGB. libvips shifts samples of less than 8 or 16 bits up to that;
// those of a codestream whose container counts in more bits are shifted back.
func DecodeJPEG2000(data []byte, widthPx, heightPx, reduce, bits int, ycbcr bool) (*pixel.Raster, error) {
	shifted := 0
	if !bytes.HasPrefix(data, []byte("\x00\x00\x00\x0cjP  ")) {
		s, err := readSize(data)
		if err != nil {
			return nil, err
		}
		if reduce == 0 && (s.width != widthPx || s.height != heightPx) {
			return nil, mismatch(s.width, s.height, widthPx, heightPx)
		}
		if !s.reducible(reduce) {
			return nil, notReducible(reduce)
		}
		if s.mixed {
			return nil, fault.New(fault.Unsupported, "jpeg2000-mixed-depth", "The JPEG 2000 components differ in depth.")
		}
		shifted = max(0, bits-int(s.bits&0x7F)-1)
		colours := uint32(colourRGB)
		if s.components < 3 {
			colours = colourGrey
		}
		data = wrap(data, s, colours)
		// Quartered components are colour differences to libvips, whatever the
		// label says, but halved ones (4:2:2) are not.
		ycbcr = ycbcr && !s.quartered
	} else {
		ycbcr = false // a file says what its colours are
		if reduce != 0 {
			return nil, notReducible(reduce)
		}
		// A palette makes libvips 8.14 write beyond the buffer that it made for
		// the components before.
		if bytes.Contains(data, []byte("pclr")) {
			return nil, fault.New(fault.Unsupported, "jpeg2000-palette", "The JPEG 2000 file has a palette, which is not decoded here.")
		}
	}
	params := vips.NewImportParams()
	params.Page.Set(reduce)
	r, err := decode(data, widthPx, heightPx, params)
	if err == nil && shifted > 0 {
		shiftBack(r, shifted)
	}
	if err != nil || !ycbcr || r.Samples != 3 || r.Type != pixel.Uint8 {
		return r, err
	}
	for i := 0; i+3 <= len(r.Pix); i += 3 {
		p := r.Pix[i : i+3]
		p[0], p[1], p[2] = color.YCbCrToRGB(p[0], p[1], p[2])
	}
	return r, nil
}

// shiftBack undoes what libvips does to samples that fill their type in part.
func shiftBack(r *pixel.Raster, by int) {
	le := binary.LittleEndian
	for i := 0; i < len(r.Pix); i += r.Type.Bytes() {
		switch r.Type {
		case pixel.Uint8:
			r.Pix[i] >>= by
		case pixel.Int8:
			r.Pix[i] = byte(int8(r.Pix[i]) >> by)
		case pixel.Uint16:
			le.PutUint16(r.Pix[i:], le.Uint16(r.Pix[i:])>>by)
		case pixel.Int16:
			le.PutUint16(r.Pix[i:], uint16(int16(le.Uint16(r.Pix[i:]))>>by))
		}
	}
}

func notReducible(reduce int) error {
	return fault.New(fault.Unsupported, "jpeg2000-reduce", "The JPEG 2000 stream cannot be decoded without its %d finest resolutions.", reduce)
}

// DecodeWebP decodes one tile, whose size must be widthPx × heightPx.
func DecodeWebP(data []byte, widthPx, heightPx int) (*pixel.Raster, error) {
	config, err := webp.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return nil, fault.New(fault.Corrupt, "webp-header", "The data does not start with a WebP header.").Because(err)
	}
	if config.Width != widthPx || config.Height != heightPx {
		return nil, mismatch(config.Width, config.Height, widthPx, heightPx)
	}
	return decode(data, widthPx, heightPx, nil)
}

func mismatch(width, height, wantWidth, wantHeight int) error {
	return fault.New(fault.Corrupt, "codec-size-mismatch",
		"The tile has %d × %d pixels, but its container says %d × %d.", width, height, wantWidth, wantHeight)
}

func decode(data []byte, width, height int, params *vips.ImportParams) (*pixel.Raster, error) {
	if err := start(); err != nil {
		return nil, err
	}
	img, err := vips.LoadImageFromBuffer(data, params)
	if err != nil {
		return nil, damaged(err)
	}
	defer img.Close()
	// libvips has read the header only; the pixels come with ToBytes.
	if img.Width() != width || img.Height() != height {
		return nil, mismatch(img.Width(), img.Height(), width, height)
	}
	return rasterOf(img)
}

// rasterOf decodes all pixels of an opened image.
func rasterOf(img *vips.ImageRef) (*pixel.Raster, error) {
	width, height := img.Width(), img.Height()
	t, ok := typeOf(img.BandFormat())
	if !ok {
		return nil, fault.New(fault.Unsupported, "codec-vips-type", "The tile's sample type is not understood.")
	}
	pix, err := img.ToBytes()
	if err != nil {
		return nil, damaged(err)
	}
	stride := width * img.Bands() * t.Bytes()
	if len(pix) != stride*height {
		return nil, damaged(nil)
	}
	return &pixel.Raster{
		Width: width, Height: height, Samples: img.Bands(), Type: t, Stride: stride, Pix: pix,
	}, nil
}

func damaged(cause error) error {
	return fault.New(fault.Corrupt, "codec-damaged", "The tile is damaged: libvips cannot decode it.").Because(cause)
}

func typeOf(f vips.BandFormat) (pixel.Type, bool) {
	switch f {
	case vips.BandFormatUchar:
		return pixel.Uint8, true
	case vips.BandFormatChar:
		return pixel.Int8, true
	case vips.BandFormatUshort:
		return pixel.Uint16, true
	case vips.BandFormatShort:
		return pixel.Int16, true
	case vips.BandFormatUint:
		return pixel.Uint32, true
	case vips.BandFormatInt:
		return pixel.Int32, true
	default:
		return 0, false
	}
}

// EncodeWebP writes a lossy WebP of a uint8 raster of 1 to 4 samples. Quality
// 0 means 75.
func EncodeWebP(r *pixel.Raster, quality int) ([]byte, error) {
	img, err := imageOf(r)
	if err != nil {
		return nil, err
	}
	defer img.Close()
	if quality == 0 {
		quality = 75
	}
	out, _, err := img.ExportWebp(&vips.WebpExportParams{StripMetadata: true, Quality: quality, ReductionEffort: 4})
	if err != nil {
		return nil, unwritten(err)
	}
	return out, nil
}

// imageOf hands a raster to libvips, to be encoded as a picture of 8 bits. Who
// gets it closes it.
func imageOf(r *pixel.Raster) (*vips.ImageRef, error) {
	if r.Type != pixel.Uint8 || r.Samples < 1 || r.Samples > 4 || r.Width > 16383 || r.Height > 16383 {
		return nil, fault.New(fault.Invalid, "webp-raster",
			"A picture of %d × %d pixels of %d × %s cannot become a WebP or an AVIF; 1 to 4 samples of uint8 and sides up to 16383 can.",
			r.Width, r.Height, r.Samples, r.Type)
	}
	if err := start(); err != nil {
		return nil, err
	}
	if r.Stride != r.Width*r.Samples {
		r = pixel.Crop(r, 0, 0, r.Width, r.Height)
	}
	interpretation := vips.InterpretationSRGB
	if r.Samples < 3 {
		interpretation = vips.InterpretationBW
	}
	img, err := vips.NewImageFromMemory(r.Pix[:r.Stride*r.Height], r.Width, r.Height, r.Samples, vips.BandFormatUchar, interpretation)
	if err != nil {
		return nil, unwritten(err)
	}
	return img, nil
}

func unwritten(cause error) error {
	return fault.New(fault.Internal, "webp-encode", "The picture could not be written by libvips.").Because(cause)
}
