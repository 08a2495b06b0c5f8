// Package slide is a slide as the service holds it: its id and where its
// objects lie, the sidecar that import writes (manifest and index), and the
// catalog of open slides that requests are answered from.
//
// A sidecar is 64 bytes of header, a JSON manifest, and pages of tile extents,
// coarse levels first, so that the first 64 KiB of a typical sidecar answer
// every metadata request and every coarse tile. docs/sidecar-format.md
// specifies it to the byte.
package slide
