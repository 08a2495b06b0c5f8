// Package bmp decodes BMP files: those of OS/2 1 and Windows 3 to 5, with 1 to
// 32 bits a pixel, palettes, masks, alpha, run lengths, either way up.
//
// Input is hostile: nothing is allocated for a picture that the file's bytes
// could not hold. All functions are safe for concurrent use.
package bmp
