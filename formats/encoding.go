package formats

import "github.com/pims-cloud/pims/pixel"

// Codec names how the bytes of a tile are compressed.
type Codec string

// The codecs that tiles of known slides use.
const (
	CodecNone     Codec = "none"
	CodecJPEG     Codec = "jpeg"
	CodecJPEG2000 Codec = "jpeg2000"
	CodecDeflate  Codec = "deflate"
	CodecLZW      Codec = "lzw"
	CodecPackBits Codec = "packbits"
	CodecZstd     Codec = "zstd"
	CodecWebP     Codec = "webp"
	CodecPNG      Codec = "png"
	CodecJPEGXL   Codec = "jpegxl"
	// CodecJPEGLossless is the lossless process of JPEG (T.81 annex H, SOF3),
	// which no browser shows.
	CodecJPEGLossless Codec = "jpeg-lossless"
	CodecJPEGXR       Codec = "jpegxr"
	CodecBMP          Codec = "bmp" // a whole BMP file
)

// Photometric says what the samples mean once decompressed.
type Photometric string

// The photometric interpretations (TIFF 6.0 §8, DICOM PS3.3 C.7.6.3.1.2).
const (
	PhotometricMinIsBlack Photometric = "min-is-black"
	PhotometricMinIsWhite Photometric = "min-is-white"
	PhotometricRGB        Photometric = "rgb"
	PhotometricYCbCr      Photometric = "ycbcr"
	PhotometricPalette    Photometric = "palette"
	PhotometricCMYK       Photometric = "cmyk"
)

// Encoding is what a decoder must know about a tile besides its bytes. It is
// stored in the sidecar's manifest, once per distinct value.
type Encoding struct {
	Codec         Codec       `json:"codec"`
	Photometric   Photometric `json:"photometric"`
	Samples       int         `json:"samples"`         // stored per pixel, extra samples included
	Alpha         bool        `json:"alpha,omitempty"` // the last sample is alpha
	PixelType     pixel.Type  `json:"pixelType"`
	BitsPerSample int         `json:"bitsPerSample"`
	BigEndian     bool        `json:"bigEndian,omitempty"` // byte order of uncompressed samples
	// Signed samples are two's complement; decoders give them counted from
	// their type's least value, in the unsigned PixelType (pims-api §4.2).
	Signed bool `json:"signed,omitempty"`
	// Predictor is TIFF's: 1 none, 2 horizontal differencing, 3 floating point.
	Predictor int `json:"predictor,omitempty"`
	// JPEGTables is an abbreviated table-only stream (SOI, DQT, DHT, EOI) that
	// precedes every tile of codec jpeg; nil when tiles are complete.
	JPEGTables []byte `json:"jpegTables,omitempty"`
	// SubsamplingX and SubsamplingY are TIFF's YCbCrSubSampling, 0 when not YCbCr.
	SubsamplingX int `json:"subsamplingX,omitempty"`
	SubsamplingY int `json:"subsamplingY,omitempty"`
	// Palette has 3 × 2^BitsPerSample 8-bit values, R G B per entry.
	Palette []byte `json:"palette,omitempty"`
	// Reduce is how many of a JPEG 2000 stream's finest resolutions are left
	// out: tiles of several levels may be one stream.
	Reduce int `json:"reduce,omitempty"`
}
