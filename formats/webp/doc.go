// Package webp is the format of WebP files, lossy and lossless, with or
// without alpha. Of an animation the first frame is shown.
package webp
