// Package cog rewrites slides as pyramidal, tiled TIFF files in the layout of
// Cloud Optimized GeoTIFF: header, all directories (full resolution first, then
// overviews), then the tiles, coarsest level first, each level in row-major
// order. Such a file is opened with one read and every tile of it is one read.
//
// It works in two phases. NewPlan decides from the structure alone how a slide
// is rewritten: by copying its encoded tiles, or by decoding and encoding them.
// Prepare decodes what must be decoded, once, makes the levels that are missing
// from the next finer ones (the mean of 2×2 pixels) on all cores, and keeps the
// encoded tiles in a temporary file. Then every tile's length is known, so that
// Write can emit the file in one pass to any io.Writer.
//
// Memory does not grow with the picture's height: what is held is the tiles in
// the workers' hands, the unfinished parents of one row of blocks, and about 60
// bytes a tile for the directories.
//
// A file of one plane has its overviews as following directories. One of
// several planes is OME-TIFF: planes as directories, channels fastest, then Z,
// then T; overviews as SubIFDs; OME-XML in the first description.
//
// Sources: TIFF 6.0; Adobe TIFF Technical Notes 1 (SubIFDs), 2 (JPEG) and 3
// (floating point predictor); BigTIFF; OGC 21-026 Cloud Optimized GeoTIFF;
// OME-TIFF specification, schema 2016-06.
package cog
