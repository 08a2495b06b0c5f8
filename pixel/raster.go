// Package pixel holds typed rasters and what can be done to them without
// knowing where they come from: crop, resize, channels, conversion.
package pixel

// Type is the type of one sample.
type Type uint8

// The sample types. The zero value is Uint8.
const (
	Uint8 Type = iota
	Uint16
	Uint32
	Int8
	Int16
	Int32
	Float32
	Float64
)

var typeNames = [...]string{"uint8", "uint16", "uint32", "int8", "int16", "int32", "float32", "float64"}
var typeSizes = [...]int{1, 2, 4, 1, 2, 4, 4, 8}

// String is the name that PIMS and OME use ("uint8", "float32").
func (t Type) String() string { return typeNames[t] }

// Bytes is the size of one sample in bytes.
func (t Type) Bytes() int { return typeSizes[t] }

// Raster is a rectangle of pixels, samples interleaved, rows from the top.
// Samples of more than one byte are little-endian.
type Raster struct {
	Width, Height int
	Samples       int // per pixel: 1 grey, 2 grey+alpha, 3 RGB, 4 RGBA, or any number of channels
	Type          Type
	Stride        int // bytes from one row to the next, at least Width*Samples*Type.Bytes()
	Pix           []byte
}

// New makes a raster whose samples are all zero.
func New(width, height, samples int, t Type) *Raster {
	stride := width * samples * t.Bytes()
	return &Raster{
		Width: width, Height: height, Samples: samples, Type: t,
		Stride: stride, Pix: make([]byte, stride*height),
	}
}

// Row is the bytes of row y, without padding.
func (r *Raster) Row(y int) []byte {
	start := y * r.Stride
	return r.Pix[start : start+r.Width*r.Samples*r.Type.Bytes()]
}
