// Package dicom reads single DICOM files (PS3.10): one picture, or frames that
// become focal planes as in PIMS (pims-api §5.4).
//
// Frames whose bytes lie in one piece and are uncompressed pixel by pixel, JPEG
// baseline or JPEG 2000, are tiles and are served in place. The others (RLE,
// samples in separate planes, frames in fragments, single bits, 16-bit
// palettes) are put together at import.
//
// The structure is walked by this package, which bounds everything by what the
// file has; names and types of elements come from suyashkumar/dicom's
// dictionary.
package dicom
