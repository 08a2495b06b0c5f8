// Package tiffpage is what the TIFF formats share: which vendor's flavour a
// file has, which of its pages form a pyramid, how the tiles of a page are
// encoded, and what its tags mean (pims-api §5.2, §5.4, §5.5). It knows the
// rules that hold for all of them; what only one vendor does stands in that
// vendor's format.
//
// Errors are classified: Corrupt when a page contradicts itself, Unsupported
// when it is right but cannot be served in place and must be converted; errors
// of the source come back as they are. Everything here is safe for concurrent
// use.
package tiffpage
