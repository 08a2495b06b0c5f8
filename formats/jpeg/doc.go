// Package jpeg is the format of JPEG files: grey, YCbCr, RGB and ink,
// sequential or progressive, 8 bits a sample. A small one is its own only tile,
// and answered byte for byte where the request allows it.
//
// Lossless JPEG, JPEG-LS and 12 bits are refused: they begin alike, but nothing
// here decodes them.
package jpeg
