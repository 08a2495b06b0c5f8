// Package jpeg decodes and encodes JPEG images, and makes complete files of
// the abbreviated streams that slides store, without touching a pixel.
//
// With cgo the work is done by libjpeg-turbo (Debian's libjpeg62-turbo),
// without it by image/jpeg. Both builds have the same API, refuse the same
// files, and give the same pixels within the tolerance that ITU-T T.81 allows
// the inverse DCT; only libjpeg-turbo reads arithmetic coding.
//
// All functions are safe for concurrent use and keep no state. Input is
// hostile: nothing is allocated for an image that its bytes could not hold.
//
// Errors: kind Corrupt (broken stream), Unsupported (a JPEG process that no
// slide uses: lossless, hierarchical, 12 bit), TooLarge (over
// Options.MaxPixels), Invalid (the caller's raster cannot be encoded).
package jpeg
