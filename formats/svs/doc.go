// Package svs reads Leica Aperio SVS slides: a TIFF whose first page is tiled
// and whose ImageDescription begins with "Aperio ".
//
// Pages, in order (pims-api §5.4; the layout of real files): 0 is the full
// resolution; 1 is a thumbnail in strips; further tiled pages are the smaller
// levels; then label and macro in strips. Levels are usually 4 times apart, so
// every tiled page that is a reduction of page 0 is one, whatever its factor.
// Slides scanned in several focal planes repeat the levels.
//
// Tiles are JPEG whose tables stand in the page's JPEGTables tag, mostly with
// R, G, B in the scan and no marker that says so (Photometric 2), or raw
// JPEG 2000 codestreams: compression 33003 is Y, Cb, Cr, 33005 is R, G, B.
// A tile of no bytes is blank.
package svs
