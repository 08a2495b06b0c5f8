package tiffpage

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// Open reads the TIFF structure of a bundle's main sequence.
func Open(ctx context.Context, bundle source.Bundle) (*tiff.File, source.Reader, error) {
	reader, err := bundle.Open(ctx, bundle.Main())
	if err != nil {
		return nil, nil, err
	}
	file, err := tiff.Open(ctx, reader, tiff.Limits{})
	if err != nil {
		return nil, nil, err
	}
	return file, reader, nil
}

// No turns an error of looking at a candidate into Probe's answer: what is
// structural is a "no" with its reason (none for a file that is no TIFF at
// all), anything else remains an error.
func No(err error) (formats.Match, error) {
	switch {
	case !formats.Structural(err):
		return formats.Match{}, err
	case fault.KindOf(err) == fault.Unsupported:
		return formats.Match{}, nil
	default:
		return formats.Match{Why: fault.Sentence(err)}, nil
	}
}
