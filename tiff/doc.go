// Package tiff reads and writes the structure of TIFF and BigTIFF files: the
// header, directories (IFDs), their typed entries, and where the tiles or
// strips lie. It decodes no pixels and knows no vendor.
//
// Reading is lazy and bounded. A File reads the header and the first directory
// when it is opened and everything else when it is asked; arrays of offsets are
// read in the parts that are wanted, so a slide with fifteen million tiles
// costs no more to open than one with ten. Reads of structure go through a
// small block cache, because directories and their values lie close together.
//
// Files are hostile. Nothing is allocated because a file claims it: a count is
// first compared with the bytes that exist and with Limits. Chains of
// directories and trees of SubIFDs are guarded against loops. Errors have kind
// Corrupt when the file contradicts itself, TooLarge when it is over a limit,
// Unsupported when it is no TIFF; errors of the source come back unchanged.
//
// What real files do and the specification forbids is accepted where the
// meaning is clear: entries out of order, duplicated tags (the first wins),
// text without its final NUL, any unsigned type for a count or an offset, odd
// offsets, one uncompressed strip without a byte count, tiles of no bytes
// (blank), entries of no values, a last directory that is cut before its link.
//
// Sections cited as "TIFF 6.0 §n" are those of Aldus' TIFF Revision 6.0.
package tiff
