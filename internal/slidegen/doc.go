// Package slidegen draws slides that look like stained tissue and writes them
// as Aperio SVS and as pyramidal TIFF, for tests, benchmarks and the
// demonstration slide.
//
// Every pixel is a function of its position and of the scene, computed with
// whole numbers only, so that files are the same bytes on every machine and any
// tile can be drawn without the others. Large slides are streamed: memory does
// not grow with the slide.
//
// The package has its own JPEG and LZW encoders because the bytes it writes are
// committed to testdata: they must not change with a library's version.
package slidegen
