// Package ppm is the format of raw portable bitmaps, greymaps and pixmaps
// (P4, P5 and P6 of Netpbm), of 1, 8 or 16 bits a sample. Their pixels are
// stored as they are, behind a few words of text, and read as a TIFF's
// uncompressed tiles would be: a large one in bands of rows.
//
// The plain kinds (P1 to P3) are refused, as PIMS refuses them.
package ppm
