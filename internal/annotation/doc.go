// Package annotation turns geometries that users draw on slides into pixels:
// masks, the alpha of crops, outlines.
//
// Geometries are read from WKT or GeoJSON, checked once, and then kept as the
// plain types of paulmach/orb, in full-resolution pixels from the slide's top
// left corner. A Region says which part of the slide a picture shows; shapes are
// mapped from it to the picture and drawn by the rules of GDAL that PIMS uses
// (pims-api §4.9, §4.10): a polygon fills the pixels whose centres lie inside, a
// line is a path of Bresenham's, one pixel wide.
//
// What clients send is hostile: the number of vertices, the depth of
// collections, the size of coordinates and the work of drawing are bounded, and
// drawing stops when its context ends. Everything here is pure and safe for
// concurrent use; only a Canvas belongs to one goroutine.
package annotation
