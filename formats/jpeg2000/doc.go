// Package jpeg2000 is the format of JPEG 2000: JP2 files and bare codestreams,
// grey or RGB of up to 16 bits, with or without alpha. The headers are read
// here; pixels are decoded by libvips, each resolution of the stream as a level
// of its own.
package jpeg2000
