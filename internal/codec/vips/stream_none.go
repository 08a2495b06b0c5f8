//go:build !cgo

package vips

import (
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/pixel"
)

// CanStream is false for all codecs in this build.
func CanStream(formats.Codec) bool { return false }

// Stream reads nothing in this build.
type Stream struct{ Width, Height int }

// OpenStream is kind Unsupported in this build.
func OpenStream(string, formats.Codec) (*Stream, error) { return nil, needs("large pictures") }

// Next is kind Unsupported in this build.
func (*Stream) Next(int) (*pixel.Raster, error) { return nil, needs("large pictures") }

// Close does nothing.
func (*Stream) Close() {}
