package svs

import (
	"context"
	"fmt"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/tiffpage"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff"
)

// ID is the format's id.
const ID = "SVS"

// Format recognises and opens Aperio SVS slides.
type Format struct{}

// New makes the format.
func New() Format { return Format{} }

// Info describes the format in PIMS' words (pims-api §8.2).
func (Format) Info() formats.Info {
	return formats.Info{
		ID: ID, Name: "Leica Aperio SVS", MediaType: "application/octet-stream",
		Importable: true, Plugin: "pims",
	}
}

// Probe accepts a TIFF whose first description begins with "Aperio ". Beyond
// the shared TIFF structure it reads nothing but that page's texts.
func (Format) Probe(ctx context.Context, c *formats.Candidate) (formats.Match, error) {
	file, err := c.TIFF(ctx)
	if err != nil {
		return tiffpage.No(err)
	}
	flavours, err := tiffpage.FlavoursOf(ctx, file.First())
	if err != nil {
		return formats.Match{}, err
	}
	if !flavours.Has(tiffpage.SVS) {
		return formats.Match{}, nil
	}
	why := `ImageDescription begins with "Aperio "`
	if scheme, ok, err := file.First().Uint(ctx, tiff.Compression); err == nil && ok && isJPEG2000(scheme) {
		why += fmt.Sprintf("; tiles are JPEG 2000 (%d), which no browser shows: each is decoded when it is viewed", scheme)
	}
	return formats.Match{OK: true, Why: why}, nil
}

func isJPEG2000(scheme uint64) bool {
	switch scheme {
	case uint64(tiff.CompressionAperioJP2000YCbCr), uint64(tiff.CompressionAperioJP2000RGB), uint64(tiff.CompressionJPEG2000), uint64(tiff.CompressionJPEG2000Lossy):
		return true
	}
	return false
}

// Open reads the directories and sorts the pages into levels and associated
// images.
func (Format) Open(ctx context.Context, bundle source.Bundle) (formats.Image, error) {
	file, reader, err := tiffpage.Open(ctx, bundle)
	if err != nil {
		return nil, err
	}
	text, err := tiffpage.Text(ctx, file.First(), tiff.ImageDescription)
	if err != nil {
		return nil, err
	}
	sorted, err := sortPages(ctx, file)
	if err != nil {
		return nil, err
	}
	pyramid, err := tiffpage.NewPyramid(ctx, bundle.Main(), sorted.levels)
	if err != nil {
		return nil, err
	}
	if depth, ok, err := file.First().Uint(ctx, tiff.ImageDepth); err != nil {
		return nil, err
	} else if ok && depth != 1 {
		return nil, fault.New(fault.Unsupported, "svs-image-depth", "ImageDepth is %d; slides whose tiles are volumes are not read", depth)
	}
	return &slide{Pyramid: pyramid, reader: reader, description: parseDescription(text), associated: sorted.associated}, nil
}
