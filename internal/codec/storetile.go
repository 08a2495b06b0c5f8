package codec

import (
	"bytes"
	"encoding/binary"

	"github.com/klauspost/compress/zlib"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec/jpeg"
	"github.com/pims-cloud/pims/pixel"
)

// deflateLevel is where this compressor's output stops to shrink noticeably
// while its time still grows.
const deflateLevel = 5

// JPEGEncoding is how EncodeTile stores tiles of 1 or 3 samples of uint8 as
// JPEG of a quality: YCbCr or grey, tables apart. Colour is kept at full size
// from quality 90 on, as libvips does; there half of it would be the larger
// loss.
func JPEGEncoding(samples, quality int) (formats.Encoding, error) {
	probe := pixel.New(16, 16, samples, pixel.Uint8)
	whole, err := jpeg.Encode(nil, probe, jpegOptions(quality))
	if err != nil {
		return formats.Encoding{}, err
	}
	h, err := jpeg.ParseHeader(whole)
	if err != nil {
		return formats.Encoding{}, err
	}
	enc := formats.Encoding{
		Codec: formats.CodecJPEG, Photometric: formats.PhotometricMinIsBlack, Samples: samples,
		PixelType: pixel.Uint8, BitsPerSample: 8, Predictor: 1,
	}
	if samples == 3 {
		enc.Photometric = formats.PhotometricYCbCr
		enc.SubsamplingX, enc.SubsamplingY = h.Components[0].H, h.Components[0].V
	}
	enc.JPEGTables, _, err = jpeg.SplitTables(whole)
	return enc, err
}

func jpegOptions(quality int) jpeg.EncodeOptions {
	o := jpeg.EncodeOptions{Quality: quality}
	if quality >= 90 {
		o.Subsampling = jpeg.Subsampling444
	}
	return o
}

// DeflateEncoding is how EncodeTile stores tiles without loss: deflate after
// the predictor that fits the type.
func DeflateEncoding(samples int, t pixel.Type, alpha bool) formats.Encoding {
	enc := formats.Encoding{
		Codec: formats.CodecDeflate, Photometric: formats.PhotometricMinIsBlack, Samples: samples, Alpha: alpha,
		PixelType: t, BitsPerSample: 8 * t.Bytes(), Predictor: 2,
	}
	if samples >= 3 {
		enc.Photometric = formats.PhotometricRGB
	}
	if t == pixel.Float32 || t == pixel.Float64 {
		enc.Predictor = 3
	}
	return enc
}

// EncodeTile stores a raster as a tile of an encoding that JPEGEncoding or
// DeflateEncoding gave (BigEndian may be set): the reverse of Decode. quality
// is that of JPEGEncoding. Kind Invalid when the raster is not of the
// encoding's samples and type, Unsupported for other encodings.
func EncodeTile(enc formats.Encoding, r *pixel.Raster, quality int) ([]byte, error) {
	if r.Samples != enc.Samples || r.Type != enc.PixelType {
		return nil, fault.New(fault.Invalid, "codec-raster",
			"A tile of %d × %s cannot be stored as %d × %s.", r.Samples, r.Type, enc.Samples, enc.PixelType)
	}
	switch {
	case enc.Codec == formats.CodecJPEG:
		whole, err := jpeg.Encode(nil, r, jpegOptions(quality))
		if err != nil {
			return nil, err
		}
		tables, scan, err := jpeg.SplitTables(whole)
		if err != nil || !bytes.Equal(tables, enc.JPEGTables) {
			return whole, err // complete tiles are as right beside JPEGTables
		}
		return scan, nil
	case enc.Codec == formats.CodecDeflate && enc.BitsPerSample == 8*enc.PixelType.Bytes():
		return deflateTile(enc, r)
	default:
		return nil, fault.New(fault.Unsupported, "codec-not-written", "Tiles of codec %q are not written.", enc.Codec)
	}
}

func deflateTile(enc formats.Encoding, r *pixel.Raster) ([]byte, error) {
	var out bytes.Buffer
	w, err := zlib.NewWriterLevel(&out, deflateLevel)
	if err != nil {
		return nil, fault.New(fault.Internal, "codec-deflate", "The compressor cannot be made.").Because(err)
	}
	size := enc.PixelType.Bytes()
	line := make([]byte, r.Width*r.Samples*size)
	for y := range r.Height {
		row := r.Row(y)
		switch enc.Predictor {
		case 3:
			predictFloat(line, row, r.Samples, size)
		case 2:
			copy(line, row)
			predictDifferences(line, r.Samples, size)
		default:
			copy(line, row)
		}
		if enc.BigEndian && enc.Predictor != 3 {
			swapBytes(line, 8*size)
		}
		if _, err := w.Write(line); err != nil {
			return nil, err
		}
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// predictDifferences is the reverse of undoDifferences for one row, from its
// end, where the sample before is still whole.
func predictDifferences(row []byte, n, size int) {
	le := binary.LittleEndian
	step := n * size
	for i := len(row) - size; i >= step; i -= size {
		switch size {
		case 1:
			row[i] -= row[i-step]
		case 2:
			le.PutUint16(row[i:], le.Uint16(row[i:])-le.Uint16(row[i-step:]))
		case 4:
			le.PutUint32(row[i:], le.Uint32(row[i:])-le.Uint32(row[i-step:]))
		case 8:
			le.PutUint64(row[i:], le.Uint64(row[i:])-le.Uint64(row[i-step:]))
		}
	}
}

// predictFloat is the reverse of undoFloat for one row: all most significant
// bytes first, then their differences over the pixel's samples.
func predictFloat(to, from []byte, n, size int) {
	values := len(from) / size
	for i := range values {
		for k := range size {
			to[k*values+i] = from[i*size+size-1-k]
		}
	}
	for i := len(to) - 1; i >= n; i-- {
		to[i] -= to[i-n]
	}
}
