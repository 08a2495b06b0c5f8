// Package codec turns the stored bytes of tiles into rasters, and rasters into
// the images that clients get.
//
// Decode knows every codec that slides use and undoes what the container adds:
// predictors, byte order, packed bits, palettes, inverted grey, uncompressed
// YCbCr, CMYK. JPEG goes to package jpeg, JPEG 2000 and WebP to package vips;
// without cgo the latter two are kind Unsupported, code "codec-needs-libvips".
//
// Input is hostile. What a tile may hold follows from its encoding and size,
// is compared with what its bytes could possibly expand to, and only then is
// anything allocated; decompression stops there. A stream that gives less is
// kind Corrupt; one that would give more is cut, since writers of old padded
// the last strip.
//
// All functions are safe for concurrent use.
package codec
