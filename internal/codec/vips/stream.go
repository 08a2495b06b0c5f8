//go:build cgo

package vips

/*
#cgo CFLAGS: -O2 -std=gnu11 -Wall
#cgo pkg-config: vips
#include <stdlib.h>
#include <string.h>
#include <vips/vips.h>

enum { PIMS_JPEG, PIMS_PNG, PIMS_WEBP, PIMS_JP2K };

// The loader is named, never guessed from the bytes: libvips has loaders that
// should not see what strangers upload.
static VipsImage *pims_open(const char *name, int kind) {
	VipsImage *out = NULL;
	int failed = 1;
#define OPTIONS "access", VIPS_ACCESS_SEQUENTIAL, "fail_on", VIPS_FAIL_ON_TRUNCATED, NULL
	switch (kind) {
	case PIMS_JPEG: failed = vips_jpegload(name, &out, OPTIONS); break;
	case PIMS_PNG: failed = vips_pngload(name, &out, OPTIONS); break;
	case PIMS_WEBP: failed = vips_webpload(name, &out, OPTIONS); break;
	case PIMS_JP2K: failed = vips_jp2kload(name, &out, OPTIONS); break;
	}
#undef OPTIONS
	if (failed)
		return NULL;
	// Ink by the file's profile, else by libvips' own. Where a profile is of no
	// use the ink stays, and Next makes the plain colours of it.
	VipsImage *rgb = NULL;
	if (out->Type == VIPS_INTERPRETATION_CMYK) {
		if (vips_colourspace(out, &rgb, VIPS_INTERPRETATION_sRGB, NULL)) {
			vips_error_clear();
		} else {
			g_object_unref(out);
			out = rgb;
		}
	}
	return out;
}

// Copies rows of the full width into dst.
static int pims_rows(VipsImage *in, int top, int height, void *dst) {
	VipsRegion *region = vips_region_new(in);
	VipsRect area = {0, top, in->Xsize, height};
	size_t line = VIPS_IMAGE_SIZEOF_LINE(in);
	int failed = vips_region_prepare(region, &area);
	for (int y = 0; !failed && y < height; y++)
		memcpy((char *)dst + y * line, VIPS_REGION_ADDR(region, 0, top + y), line);
	g_object_unref(region);
	return failed;
}
*/
import "C"

import (
	"errors"
	"unsafe"

	"github.com/davidbyttow/govips/v2/vips"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

var streamKinds = map[formats.Codec]C.int{
	formats.CodecJPEG: C.PIMS_JPEG, formats.CodecPNG: C.PIMS_PNG,
	formats.CodecWebP: C.PIMS_WEBP, formats.CodecJPEG2000: C.PIMS_JP2K,
}

// CanStream tells whether files of a codec can be read from top to bottom
// without holding all of their pixels.
func CanStream(c formats.Codec) bool {
	_, ok := streamKinds[c]
	return ok
}

// Stream is a picture file that is decoded from top to bottom. It is not safe
// for concurrent use.
type Stream struct {
	Width, Height int
	image         *C.VipsImage
	at            int
	samples       int
	t             pixel.Type
	ink           bool
}

// OpenStream opens a file of this machine. The file must stay as it is until
// Close; its name may go.
func OpenStream(path string, c formats.Codec) (*Stream, error) {
	if err := start(); err != nil {
		return nil, err
	}
	kind, ok := streamKinds[c]
	if !ok {
		return nil, fault.New(fault.Unsupported, "codec-not-streamed", "Files of codec %q cannot be streamed.", c)
	}
	name := C.CString(path)
	defer C.free(unsafe.Pointer(name))
	image := C.pims_open(name, kind)
	if image == nil {
		return nil, damaged(lastError())
	}
	s := &Stream{Width: int(image.Xsize), Height: int(image.Ysize), image: image, samples: int(image.Bands)}
	if s.t, ok = typeOf(vips.BandFormat(image.BandFmt)); !ok || s.Width < 1 || s.Height < 1 || s.samples < 1 {
		s.Close()
		return nil, fault.New(fault.Unsupported, "codec-vips-type", "The file's sample type is not understood.")
	}
	s.ink = image.Type == C.VIPS_INTERPRETATION_CMYK && s.samples >= 4 && s.t == pixel.Uint8
	return s, nil
}

// lastError takes libvips' messages, which are the process's.
func lastError() error {
	text := C.GoString(C.vips_error_buffer())
	C.vips_error_clear()
	return errors.New(text)
}

// Next gives the next height rows, inks as RGB. Kind Corrupt when the file is
// damaged, Invalid beyond its end.
func (s *Stream) Next(height int) (*pixel.Raster, error) {
	if height < 1 || height > s.Height-s.at {
		return nil, fault.New(fault.Invalid, "codec-stream-end", "%d rows were asked for, %d are left.", height, s.Height-s.at)
	}
	out := pixel.New(s.Width, height, s.samples, s.t)
	if C.pims_rows(s.image, C.int(s.at), C.int(height), unsafe.Pointer(unsafe.SliceData(out.Pix))) != 0 {
		return nil, damaged(lastError())
	}
	s.at += height
	if s.ink {
		out = inkToRGB(out)
	}
	return out, nil
}

// inkToRGB is what package jpeg makes of ink: (255−C)·(255−K)/255. It is for
// files whose profile is broken.
func inkToRGB(r *pixel.Raster) *pixel.Raster {
	out := pixel.New(r.Width, r.Height, 3, pixel.Uint8)
	for i, j := 0, 0; i+r.Samples <= len(r.Pix); i, j = i+r.Samples, j+3 {
		k := 255 - uint32(r.Pix[i+3])
		for c := range 3 {
			out.Pix[j+c] = byte(((255-uint32(r.Pix[i+c]))*k + 127) / 255)
		}
	}
	return out
}

// Close releases the file.
func (s *Stream) Close() {
	C.g_object_unref(C.gpointer(s.image))
}
