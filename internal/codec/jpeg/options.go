package jpeg

import (
	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

// DefaultMaxPixels bounds a picture when Options.MaxPixels is 0: 2^27, which
// is 384 MiB of RGB.
const DefaultMaxPixels = 1 << 27

// maxArithmeticPixels bounds arithmetic coded pictures, whose length says
// nothing about what they expand to. Tiles and thumbnails stay far below.
const maxArithmeticPixels = 1 << 24

// maxScans bounds the scans of a progressive stream. Real ones have about ten;
// each more makes the decoder go over the whole picture again.
const maxScans = 100

// Options say how to decode.
type Options struct {
	// Tables is an abbreviated table-only stream that precedes the data (TIFF's
	// JPEGTables); nil when the data is complete.
	Tables []byte
	// Photometric is what the container says the samples are. It decides over
	// the stream's own markers, as libtiff and OpenSlide have it. The empty
	// value leaves the decision to the markers.
	Photometric formats.Photometric
	// Scale is 1, 2, 4 or 8: the picture is decoded at 1/Scale of its size
	// (rounded up), which is cheaper than decoding and shrinking. 0 means 1.
	Scale int
	// Width and Height are what the frame header must say, in pixels; 0 means
	// that any size up to MaxPixels is right.
	Width, Height int
	// MaxPixels bounds width × height of the stored picture; 0 means
	// DefaultMaxPixels.
	MaxPixels int64
	// Lenient accepts damaged and truncated entropy coded data and shows what
	// could be decoded. Without it such data is kind Corrupt: half a tile must
	// not pass for a whole one.
	Lenient bool
	// OnWarning is called with each kind of damage or oddity that was passed
	// over, after decoding, by the calling goroutine. It may be nil.
	OnWarning func(text string)
}

// colour is how the components are to be read.
type colour uint8

const (
	colourByMarkers colour = iota
	colourGrey
	colourRGB
	colourYCbCr
	colourCMYK
	colourYCCK
)

func (o Options) check() error {
	switch o.Scale {
	case 0, 1, 2, 4, 8:
	default:
		return fault.New(fault.Invalid, "jpeg-scale", "A JPEG was asked at 1/%d of its size; 1, 2, 4 and 8 are possible.", o.Scale)
	}
	return nil
}

func (o Options) scale() int { return max(o.Scale, 1) }

// plan is what decoding will do, fixed before anything is allocated.
type plan struct {
	header        *Header
	colour        colour
	width, height int // of the result
	samples       int // of the result
	inverted      bool
}

// planDecode checks the stream against the options and its own length.
func planDecode(data []byte, o Options) (plan, error) {
	if err := o.check(); err != nil {
		return plan{}, err
	}
	h, err := ParseHeader(data)
	if err != nil {
		return plan{}, err
	}
	if err := h.decodable(); err != nil {
		return plan{}, err
	}
	if err := h.expect(o.Width, o.Height); err != nil {
		return plan{}, err
	}
	bound := o.MaxPixels
	if bound <= 0 {
		bound = DefaultMaxPixels
	}
	if h.arithmetic() {
		bound = min(bound, maxArithmeticPixels)
	}
	if int64(h.Width)*int64(h.Height) > bound {
		return plan{}, fault.New(fault.TooLarge, "jpeg-too-large",
			"The JPEG has %d × %d pixels; at most %d pixels are decoded at once.", h.Width, h.Height, bound)
	}
	if least := h.leastBytes(); int64(len(data)) < least && !o.Lenient {
		return plan{}, corrupt("jpeg-too-short",
			"The JPEG claims %d × %d pixels, which need at least %d bytes, but has %d.", h.Width, h.Height, least, len(data))
	}
	s := o.scale()
	p := plan{
		header: h, colour: colourOf(h, o.Photometric), samples: 3,
		width: (h.Width + s - 1) / s, height: (h.Height + s - 1) / s,
	}
	if len(h.Components) == 1 {
		p.samples = 1
	}
	// Adobe's programs store ink the other way round and mark it with APP14.
	p.inverted = len(h.Components) == 4 && h.Adobe
	return p, nil
}

// expect compares the frame's size with what the container says.
func (h *Header) expect(width, height int) error {
	if width != 0 && h.Width != width || height != 0 && h.Height != height {
		return corrupt("jpeg-size-mismatch",
			"The JPEG has %d × %d pixels, but its container says %d × %d.", h.Width, h.Height, width, height)
	}
	return nil
}

func colourOf(h *Header, p formats.Photometric) colour {
	switch len(h.Components) {
	case 1:
		return colourGrey
	case 3:
		switch p {
		case formats.PhotometricRGB:
			return colourRGB
		case formats.PhotometricYCbCr:
			return colourYCbCr
		}
		return colourByIDs(h)
	default:
		if h.Adobe && h.AdobeTransform == 2 || p == formats.PhotometricYCbCr {
			return colourYCCK
		}
		return colourCMYK
	}
}

// colourByIDs is what browsers and libjpeg conclude from the markers alone.
func colourByIDs(h *Header) colour {
	c := h.Components
	switch {
	case h.JFIF:
		return colourYCbCr
	case h.Adobe && h.AdobeTransform == 0:
		return colourRGB
	case h.Adobe:
		return colourYCbCr
	case c[0].ID == 'R' && c[1].ID == 'G' && c[2].ID == 'B':
		return colourRGB
	default:
		return colourYCbCr
	}
}

// fit gives a raster of the planned shape: dst when its buffer is large
// enough, a new one otherwise.
func fit(dst *pixel.Raster, width, height, samples int) *pixel.Raster {
	size := width * height * samples
	if dst == nil || cap(dst.Pix) < size {
		return pixel.New(width, height, samples, pixel.Uint8)
	}
	*dst = pixel.Raster{
		Width: width, Height: height, Samples: samples, Type: pixel.Uint8,
		Stride: width * samples, Pix: dst.Pix[:size],
	}
	return dst
}

// inkToRGB converts a row of CMYK, 0 no ink, to RGB: (255−C)·(255−K)/255.
func inkToRGB(to, from []byte, inverted bool) {
	for i, j := 0, 0; i+4 <= len(from) && j+3 <= len(to); i, j = i+4, j+3 {
		c, m, y, k := uint32(from[i]), uint32(from[i+1]), uint32(from[i+2]), uint32(from[i+3])
		if !inverted {
			c, m, y, k = 255-c, 255-m, 255-y, 255-k
		}
		to[j] = byte((c*k + 127) / 255)
		to[j+1] = byte((m*k + 127) / 255)
		to[j+2] = byte((y*k + 127) / 255)
	}
}

// Subsampling is how much colour an encoder keeps.
type Subsampling uint8

// The subsamplings that slides use.
const (
	Subsampling420 Subsampling = iota // colour at half width and height: the default of all viewers' sources
	Subsampling444                    // colour at full size
)

// EncodeOptions say how to encode.
type EncodeOptions struct {
	Quality     int // 1 to 100 on libjpeg's scale; 0 means 75
	Subsampling Subsampling
}

func (o EncodeOptions) quality() int {
	if o.Quality == 0 {
		return 75
	}
	return min(max(o.Quality, 1), 100)
}

// maxSide is the greatest side a JPEG can have (T.81 §B.2.2).
const maxSide = 65500

func encodable(r *pixel.Raster) error {
	if r.Type != pixel.Uint8 || r.Samples != 1 && r.Samples != 3 {
		return fault.New(fault.Invalid, "jpeg-raster",
			"A picture of %d × %s was to become a JPEG; 1 or 3 samples of uint8 are needed.", r.Samples, r.Type)
	}
	if r.Width < 1 || r.Height < 1 || r.Width > maxSide || r.Height > maxSide {
		return fault.New(fault.Invalid, "jpeg-raster-size",
			"A picture of %d × %d pixels was to become a JPEG; sides must be 1 to %d.", r.Width, r.Height, maxSide)
	}
	if r.Stride < r.Width*r.Samples || len(r.Pix) < (r.Height-1)*r.Stride+r.Width*r.Samples {
		return fault.New(fault.Invalid, "jpeg-raster-short", "The picture's buffer of %d bytes is too short for %d rows.", len(r.Pix), r.Height)
	}
	return nil
}
