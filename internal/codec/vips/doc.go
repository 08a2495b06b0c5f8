// Package vips reads JPEG 2000 and WebP tiles and writes WebP through libvips.
// It is the only package that imports govips, so that programs built without
// cgo do not contain it: there every function is kind Unsupported, code
// "codec-needs-libvips", and Available is false.
//
// libvips is started on first use and stays: it has process-wide state that
// cannot be taken down and brought up again, so this one piece of state is the
// process's as well. It runs without a cache and with one thread a call, since
// the callers are concurrent themselves.
package vips
