// Package pims speaks the HTTP API of Cytomine PIMS: it translates addresses
// and parameters into slides, views and sizes, and writes PIMS' JSON. What is
// rendered and stored lies in the packages below it.
//
// Every image request follows the same order, which decides what a client is
// told first (pims-api §2.5): body syntax, existence of the path, types and
// ranges of all parameters together, output format, tier and tile, output
// size, planes, list sizes, intensities, colormaps, filters, pixels.
package pims
