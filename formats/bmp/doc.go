// Package bmp is the format of BMP files, of OS/2 and Windows. Palettes are
// expanded; one of greys alone gives a grey image.
package bmp
