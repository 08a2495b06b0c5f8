// Package plainimage is what formats share whose file is one picture and
// nothing else: JPEG, PNG, BMP, PPM, WebP, JPEG 2000.
//
// Such a slide is one tile as large as the picture, and the tile's bytes are
// the file, or the part of it that holds the pixels. It is viewable as it is
// while it is small; above its format's threshold (pims-api §5.3) an import
// converts it. Everything that is known of it is read by Open.
package plainimage
