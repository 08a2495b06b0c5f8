// Package formats is the contract between the service and the code that
// understands one slide format, and the registry that picks the format of a
// file. Plugins in other modules are written with this package, source, tiff,
// pixel and fault alone.
//
// A format is required to recognise its files and to describe them. What it
// can do beyond that is asked for by type assertion, one small interface each.
// An Image that is a TileLocator is served in place, one range read a tile;
// one that is only a RegionReader is converted at import.
//
// # Writing a plugin
//
//  1. One type with Info, Probe and Open is the Format; Open returns an Image.
//     Both are stateless or immutable, since everything is called from many
//     goroutines.
//  2. Probe looks at Candidate.Header first (4 KiB, already read), then at
//     Candidate.TIFF if the format is a kind of TIFF: all TIFF formats share
//     that structure. It never trusts the file name. What contradicts itself
//     is a "no" (see Structural); a read that failed is an error, because a
//     "no" would hand the file to the next format. Package tiffpage has the
//     flavour tests, pyramids, encodings and metadata of TIFF, plainimage what
//     files of one picture share, exif the metadata of cameras.
//  3. Open reads structure only. Bound every loop and allocation by what the
//     source really has: files come from strangers.
//  4. Be a TileLocator if the file has tiles that can each be read by one
//     range, and say in Encodings what a decoder must know besides the bytes.
//     Put into one Encoding what is common; every distinct value is stored once.
//  5. Errors are fault.New(kind, "stable-code", "sentence with the value, what
//     was expected, the remedy"). Corrupt for a contradiction, Unsupported for
//     what is right but not understood; errors of the source go up unchanged.
//  6. The test is formatstest.Run with files to accept, files to refuse and
//     broken ones. It checks this contract, not the format's own rules: those
//     need tests of their own.
//  7. Built-in formats add one line to package all. A plugin's module is named
//     in plugin-list.csv; its place in the order stands in
//     checkerResolution.csv (ResolutionOrder). Formats with the same order
//     are asked by ID, so what they accept must not overlap.
package formats
