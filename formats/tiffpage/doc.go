// Package tiffpage is what the TIFF formats share: which vendor's flavour a
// file has, which of its pages form a pyramid, how the tiles of a page are
// encoded, and what its tags mean (pims-api §5.2, §5.4, §5.5). It knows the
// rules that hold for all of them; what only one vendor does stands in that
// vendor's format.
//
// Pixels come in two ways. A Pyramid serves tiles and strips in place: each is
// one range of the file. An Assembly puts regions together from what no single
// range holds; such images must be converted to be viewed. OpenPlanes chooses.
//
// Errors are classified: Corrupt when a page contradicts itself, Unsupported
// when it is right but is not read; errors of the source come back as they are.
// Everything here is safe for concurrent use.
package tiffpage
