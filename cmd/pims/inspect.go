package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/app"
	"github.com/pims-cloud/pims/internal/config"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/source"
	"github.com/pims-cloud/pims/tiff/inspect"
)

type inspectCommand struct {
	Target string `arg:"" name:"file|id" help:"A file, or the id or path of a slide in the store."`
}

// Run prints what the format makes of the file, then the TIFF structure when
// there is one. A file that no format accepts is shown as far as it goes.
func (c inspectCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := t.settings()
	if err != nil {
		return err
	}
	if _, err := os.Stat(c.Target); err == nil {
		return inspectFile(ctx, t, cfg, c.Target)
	}
	id, _, err := slide.PathID(c.Target)
	if err != nil {
		return fault.New(fault.NotFound, "inspect-target", "%q is neither a file nor the id of a slide.", c.Target)
	}
	a, err := app.New(ctx, cfg, app.Options{Version: version, LogTo: t.err, Quiet: true})
	if err != nil {
		return err
	}
	defer t.closing(a)
	s, err := a.Catalog.Open(ctx, id)
	if err != nil {
		return err
	}
	m := s.Manifest()
	fmt.Fprintf(t.out, "slide     %s\nversion   %s, written by %s at %s\n", s.Path(), m.Version, m.Creator, m.CreatedAt.Format("2006-01-02 15:04:05Z07:00"))
	for i, o := range m.Sources {
		fmt.Fprintf(t.out, "source %d  %s store, %s, %d bytes, version %s\n", i, o.In, o.Key, o.Size, o.ETag)
	}
	for _, picture := range m.Associated {
		fmt.Fprintf(t.out, "%-9s %d×%d, %s\n", picture.Name, picture.Width, picture.Height, picture.MediaType)
	}
	printDescription(t, &m.Description, m.Encodings)
	reader, err := s.OpenSource(0)
	if err != nil {
		return err
	}
	return inspectTIFF(ctx, t, source.Single(m.Name, reader))
}

func inspectFile(ctx context.Context, t terminal, cfg *config.Config, path string) error {
	registry, err := app.Registry(cfg)
	if err != nil {
		return err
	}
	reader, err := source.File(path)
	if err != nil {
		return err
	}
	bundle := source.Single(filepath.Base(path), reader)
	candidate, err := formats.NewCandidate(ctx, bundle)
	if err != nil {
		return err
	}
	format, match, err := registry.Detect(ctx, candidate)
	if err != nil {
		fmt.Fprintf(t.out, "format    none: %s\n", fault.Sentence(err))
		return inspectTIFF(ctx, t, bundle)
	}
	fmt.Fprintf(t.out, "format    %s, because %s\n", format.Info().ID, match.Why)
	image, err := format.Open(ctx, bundle)
	if err != nil {
		return err
	}
	d, err := image.Describe(ctx)
	if err != nil {
		return err
	}
	var encodings []formats.Encoding
	if locator, ok := image.(formats.TileLocator); ok {
		encodings = locator.Encodings()
	}
	printDescription(t, d, encodings)
	return inspectTIFF(ctx, t, bundle)
}

func printDescription(t terminal, d *formats.Description, encodings []formats.Encoding) {
	fmt.Fprintf(t.out, "image     %s, %d×%d px, %d channels × %d depths × %d times, %d samples of %s\n",
		d.Format, d.Width, d.Height, d.ConcreteChannels, d.Depth, d.Duration, d.Samples, d.PixelType)
	if d.PhysicalSizeX != nil && d.PhysicalSizeY != nil {
		fmt.Fprintf(t.out, "pixel     %g×%g µm\n", *d.PhysicalSizeX, *d.PhysicalSizeY)
	}
	if d.NominalMagnification != nil {
		fmt.Fprintf(t.out, "objective %g×\n", *d.NominalMagnification)
	}
	for i, l := range d.Levels {
		codec := ""
		if l.Encoding < len(encodings) {
			e := encodings[l.Encoding]
			codec = fmt.Sprintf(", %s %s", e.Codec, e.Photometric)
		}
		fmt.Fprintf(t.out, "level %-3d %d×%d px, %d×%d tiles of %d×%d%s\n", i, l.Width, l.Height, l.TilesAcross(), l.TilesDown(), l.TileWidth, l.TileHeight, codec)
	}
}

// inspectTIFF prints the structure of a TIFF; other files have none to print.
func inspectTIFF(ctx context.Context, t terminal, bundle source.Bundle) error {
	candidate, err := formats.NewCandidate(ctx, bundle)
	if err != nil {
		return err
	}
	file, err := candidate.TIFF(ctx)
	if fault.CodeOf(err) == "not-a-tiff" {
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(t.out)
	return inspect.Write(ctx, t.out, file)
}
