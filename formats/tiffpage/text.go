package tiffpage

import (
	"context"
	"math"
	"strings"
	"time"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/tiff"
)

// Text is the text of a tag without the white space around it, "" when it is
// absent or cannot be believed. Errors are those of reading.
func Text(ctx context.Context, ifd *tiff.IFD, tag tiff.Tag) (string, error) {
	text, ok, err := ifd.Text(ctx, tag)
	if err != nil && formats.Structural(err) {
		return "", nil
	}
	if err != nil || !ok {
		return "", err
	}
	return strings.TrimSpace(text), nil
}

// AcquiredAt is the moment in the DateTime tag, as the scanner's clock had it;
// nil when there is none that can be read. Errors are those of reading.
func AcquiredAt(ctx context.Context, ifd *tiff.IFD) (*time.Time, error) {
	text, err := Text(ctx, ifd, tiff.DateTime)
	if err != nil {
		return nil, err
	}
	return ParseDateTime(text), nil
}

// ParseDateTime reads the forms of pims-api §5.4: "YYYY:MM:DD hh:mm:ss" and
// "MM/DD/YY hh:mm:ss" (years 69 to 99 are 1969 to 1999), and the year in full.
// It gives nil for anything else.
func ParseDateTime(text string) *time.Time {
	for _, layout := range []string{"2006:01:02 15:04:05", "01/02/06 15:04:05", "01/02/2006 15:04:05"} {
		if at, err := time.Parse(layout, strings.TrimSpace(text)); err == nil {
			return &at
		}
	}
	return nil
}

// ResolutionUnit values (TIFF 6.0 §8).
const (
	unitInch       = 2
	unitCentimetre = 3
)

// PhysicalSize is the size of a pixel in µm by the resolution tags: 1 over the
// resolution in its unit. Both are nil without a unit; one is nil when its
// resolution is missing, zero or absurd. Errors are those of reading.
func PhysicalSize(ctx context.Context, ifd *tiff.IFD) (x, y *float64, err error) {
	unit, ok, err := ifd.Uint(ctx, tiff.ResolutionUnit)
	if err != nil && !formats.Structural(err) {
		return nil, nil, err
	}
	if err != nil || !ok {
		return nil, nil, nil
	}
	micrometres := 0.0 // per unit
	switch unit {
	case unitInch:
		micrometres = 25_400
	case unitCentimetre:
		micrometres = 10_000
	default:
		return nil, nil, nil
	}
	return PixelSizes(ctx, ifd, micrometres)
}

// PixelSizes is PhysicalSize for a unit of so many micrometres.
func PixelSizes(ctx context.Context, ifd *tiff.IFD, micrometres float64) (x, y *float64, err error) {
	if x, err = pixelSize(ctx, ifd, tiff.XResolution, micrometres); err != nil {
		return nil, nil, err
	}
	if y, err = pixelSize(ctx, ifd, tiff.YResolution, micrometres); err != nil {
		return nil, nil, err
	}
	return x, y, nil
}

func pixelSize(ctx context.Context, ifd *tiff.IFD, tag tiff.Tag, micrometres float64) (*float64, error) {
	num, den, ok, err := ifd.Rational(ctx, tag)
	if err != nil && !formats.Structural(err) {
		return nil, err
	}
	if err != nil || !ok || num == 0 || den == 0 {
		return nil, nil
	}
	size := micrometres * float64(den) / float64(num)
	if math.IsInf(size, 0) || math.IsNaN(size) || size <= 0 {
		return nil, nil
	}
	return &size, nil
}
