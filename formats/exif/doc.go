// Package exif reads EXIF blocks (CIPA DC-008), the TIFF structures that
// cameras and image programs put into JPEG, PNG, WebP and JPEG 2000 files, and
// names and shows their values as exiftool does, which PIMS' metadata are made
// with (pims-api §5.5): "Rotate 90 CW", "1/60", "35.0 mm".
//
// A block is an ornament: whatever is broken in it is left out, and no block is
// so broken that its image could not be opened.
package exif
