// Package codectest holds decoders to their contract, and gives tests the
// tiles of real TIFF files. It is imported by tests only.
package codectest
