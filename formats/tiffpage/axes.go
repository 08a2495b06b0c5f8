package tiffpage

import (
	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
)

// Axes is how many planes an image has along each of its axes, each at least 1.
type Axes struct{ Channels, Depth, Duration int }

// maxStackPlanes bounds the planes of one image: a directory each, or one for
// all of a contiguous stack. Long time series have some hundred thousand.
const maxStackPlanes = 1 << 20

// Planes is the number of planes.
func (a Axes) Planes() int { return a.Channels * a.Depth * a.Duration }

// Check refuses axes that are not positive or too long, kind Corrupt.
func (a Axes) Check() error {
	if a.Channels < 1 || a.Depth < 1 || a.Duration < 1 ||
		a.Channels > maxStackPlanes || a.Depth > maxStackPlanes/a.Channels || a.Duration > maxStackPlanes/a.Channels/a.Depth {
		return fault.New(fault.Corrupt, "tiff-axes", "the image claims %d channels, %d slices and %d frames; expected 1 to %d planes together", a.Channels, a.Depth, a.Duration, maxStackPlanes)
	}
	return nil
}

// number is the plane's place as Description.PlaneNumber counts; kind Invalid
// when there is no such plane.
func (a Axes) number(p formats.Plane) (int, error) {
	if p.C < 0 || p.C >= a.Channels || p.Z < 0 || p.Z >= a.Depth || p.T < 0 || p.T >= a.Duration {
		return 0, fault.New(fault.Invalid, "no-such-plane", "there is no plane c=%d z=%d t=%d; the slide has %d channel planes, %d z planes and %d frames", p.C, p.Z, p.T, a.Channels, a.Depth, a.Duration)
	}
	return (p.T*a.Depth+p.Z)*a.Channels + p.C, nil
}

// plane is the reverse of number.
func (a Axes) plane(number int) formats.Plane {
	return formats.Plane{C: number % a.Channels, Z: number / a.Channels % a.Depth, T: number / a.Channels / a.Depth}
}
