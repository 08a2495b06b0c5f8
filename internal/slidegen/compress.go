package slidegen

import (
	"bytes"
	"encoding/binary"

	"github.com/klauspost/compress/zlib"

	"github.com/pims-cloud/pims/pixel"
	"github.com/pims-cloud/pims/tiff"
)

// encoder turns the pixels of one tile or strip into bytes.
type encoder struct {
	scheme    tiff.Scheme
	predictor bool
	bigEndian bool // order of 16-bit samples
	jpeg      *jpegEncoder
	complete  bool // JPEG tiles carry their own tables
}

// encode compresses a raster; the raster is not changed.
func (e *encoder) encode(r *pixel.Raster) []byte {
	if e.scheme == tiff.CompressionJPEG {
		return e.jpeg.encode(r, !e.complete)
	}
	data := bytes.Clone(r.Pix)
	if e.predictor {
		for y := range r.Height {
			difference(data[y*r.Stride:(y+1)*r.Stride], r.Samples, r.Type)
		}
	}
	if e.bigEndian && r.Type == pixel.Uint16 {
		for i := 0; i < len(data); i += 2 {
			data[i], data[i+1] = data[i+1], data[i]
		}
	}
	switch e.scheme {
	case tiff.CompressionLZW:
		return appendLZW(nil, data)
	case tiff.CompressionAdobeDeflate:
		return deflate(data)
	default:
		return data
	}
}

// difference is TIFF's horizontal predictor on one row (TIFF 6.0 §14), 16-bit
// samples little-endian.
func difference(row []byte, samples int, t pixel.Type) {
	if t == pixel.Uint16 {
		for i := len(row) - 2; i >= 2*samples; i -= 2 {
			v := binary.LittleEndian.Uint16(row[i:]) - binary.LittleEndian.Uint16(row[i-2*samples:])
			binary.LittleEndian.PutUint16(row[i:], v)
		}
		return
	}
	for i := len(row) - 1; i >= samples; i-- {
		row[i] -= row[i-samples]
	}
}

// deflate compresses with a library whose version go.mod pins; the standard
// library's output changes with Go.
func deflate(data []byte) []byte {
	var out bytes.Buffer
	w := zlib.NewWriter(&out)
	_, _ = w.Write(data) // a bytes.Buffer never fails
	_ = w.Close()
	return out.Bytes()
}
