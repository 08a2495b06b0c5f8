// Package png is the format of PNG files: grey, RGB and palettes of 1 to 16
// bits, with or without alpha, interlaced or not. Of an animation the default
// image is shown.
package png
