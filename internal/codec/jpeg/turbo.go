//go:build cgo

package jpeg

/*
#cgo CFLAGS: -O2 -std=gnu11 -Wall
#cgo pkg-config: libjpeg
#cgo noescape pims_decode
#cgo nocallback pims_decode
#cgo noescape pims_encode
#cgo nocallback pims_encode
#include <stdlib.h>
#include "turbo.h"
*/
import "C"

import (
	"runtime"
	"slices"
	"unsafe"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/pixel"
)

// Library names what decodes and encodes in this build.
const Library = "libjpeg-turbo"

// ArithmeticOK tells whether this build reads arithmetic coded streams.
const ArithmeticOK = true

// maxMemory bounds what libjpeg itself holds: the coefficients of the largest
// progressive picture.
const maxMemory = 1 << 30

// Decode decodes a JPEG to 8-bit samples: one for a grey picture, three (RGB)
// for all others. The result is dst, reshaped, when dst is not nil and its
// buffer is large enough, and a new raster otherwise; on error dst's pixels
// are undefined.
func Decode(dst *pixel.Raster, data []byte, o Options) (*pixel.Raster, error) {
	p, err := planDecode(data, o)
	if err != nil {
		return nil, err
	}
	data = data[p.header.imageOffset:]
	if p.colour != colourCMYK && p.colour != colourYCCK {
		out := fit(dst, p.width, p.height, p.samples)
		if err := p.decode(out, data, o); err != nil {
			return nil, err
		}
		return out, nil
	}
	ink := pixel.New(p.width, p.height, 4, pixel.Uint8)
	if err := p.decode(ink, data, o); err != nil {
		return nil, err
	}
	out := fit(dst, p.width, p.height, 3)
	for y := range p.height {
		inkToRGB(out.Row(y), ink.Row(y), p.inverted)
	}
	return out, nil
}

// decode fills a raster of exactly the planned size.
func (p plan) decode(out *pixel.Raster, data []byte, o Options) error {
	what := C.pims_decode_plan{
		colour: C.int32_t(p.colour), scale: C.int32_t(o.scale()),
		width: C.int32_t(out.Width), height: C.int32_t(out.Height), samples: C.int32_t(out.Samples),
		max_scans: maxScans, max_memory: maxMemory,
	}
	if o.Lenient {
		what.lenient = 1
	}
	var report C.pims_report
	var tables *C.uint8_t
	if len(o.Tables) > 0 {
		tables = (*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(o.Tables)))
	}
	result := C.pims_decode(tables, C.size_t(len(o.Tables)),
		(*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(data))), C.size_t(len(data)),
		(*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(out.Pix))), C.size_t(out.Stride), &what, &report)
	runtime.KeepAlive(data)
	runtime.KeepAlive(out.Pix)
	if o.OnWarning != nil {
		for _, code := range report.codes {
			if code != 0 {
				o.OnWarning(messageText(code))
			}
		}
	}
	return failure(result, &report)
}

func messageText(code C.int32_t) string {
	var text [200]C.char
	C.pims_message(code, &text[0], C.size_t(len(text)))
	return C.GoString(&text[0])
}

func failure(result C.int, report *C.pims_report) error {
	if result == C.PIMS_OK {
		return nil
	}
	text := C.GoString(&report.message[0])
	switch result {
	case C.PIMS_SHAPE:
		return corrupt("jpeg-shape", "The JPEG's headers contradict each other: %s.", text)
	case C.PIMS_MEMORY:
		return fault.New(fault.TooLarge, "jpeg-memory", "Decoding the JPEG needs more than %d bytes: %s.", maxMemory, text)
	case C.PIMS_SCANS:
		return fault.New(fault.TooLarge, "jpeg-scans", "The JPEG has %s.", text)
	default:
		return corrupt("jpeg-damaged", "The JPEG is damaged: %s.", text)
	}
}

// Encode appends the picture as a baseline JPEG with JFIF header and standard
// Huffman tables to dst. r has one (grey) or three (RGB) samples of uint8.
// When dst has the capacity, nothing is allocated.
func Encode(dst []byte, r *pixel.Raster, o EncodeOptions) ([]byte, error) {
	if err := encodable(r); err != nil {
		return dst, err
	}
	if cap(dst) == len(dst) {
		// About 1 bit a sample at quality 75, and the tables.
		dst = slices.Grow(dst, r.Width*r.Height*r.Samples/8+1024)
	}
	what := C.pims_encode_plan{
		width: C.int32_t(r.Width), height: C.int32_t(r.Height), samples: C.int32_t(r.Samples),
		quality: C.int32_t(o.quality()),
	}
	if o.Subsampling == Subsampling444 {
		what.full_colour = 1
	}
	free := dst[len(dst):cap(dst)]
	var report C.pims_report
	var written, more C.size_t
	var overflow *C.uint8_t
	result := C.pims_encode((*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(r.Pix))), C.size_t(r.Stride), &what,
		(*C.uint8_t)(unsafe.Pointer(unsafe.SliceData(free))), C.size_t(len(free)), &written, &overflow, &more, &report)
	runtime.KeepAlive(r.Pix)
	if err := failure(result, &report); err != nil {
		return dst, err
	}
	dst = dst[:len(dst)+int(written)]
	if overflow != nil {
		dst = append(dst, unsafe.Slice((*byte)(unsafe.Pointer(overflow)), int(more))...)
		C.free(unsafe.Pointer(overflow))
	}
	return dst, nil
}
