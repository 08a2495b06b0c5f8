// Command slidegen draws synthetic slides: the fixtures of testdata/, large
// ones for benchmarks, and the demonstration slide.
package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"

	"github.com/alecthomas/kong"

	"github.com/pims-cloud/pims/internal/slidegen"
	"github.com/pims-cloud/pims/tiff"
)

type command struct {
	Fixtures fixtures `cmd:"" help:"Write the small files that tests use."`
	SVS      svs      `cmd:"" name:"svs" help:"Write an Aperio SVS of any size."`
	Pyramid  pyramid  `cmd:"" help:"Write a pyramidal TIFF of any size."`
	Demo     demo     `cmd:"" help:"Write the demonstration slide."`
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var c command
	k := kong.Parse(&c, kong.Name("slidegen"), kong.Description("Draws synthetic slides."), kong.BindTo(ctx, (*context.Context)(nil)))
	k.FatalIfErrorf(k.Run())
}

type fixtures struct {
	Dir string `arg:"" help:"Folder to write into, testdata as a rule."`
}

// Run writes all fixtures.
func (f fixtures) Run(ctx context.Context) error {
	files, err := slidegen.Fixtures(ctx)
	if err != nil {
		return err
	}
	total := 0
	for _, file := range files {
		path := filepath.Join(f.Dir, filepath.FromSlash(file.Path))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(path, file.Data, 0o644); err != nil {
			return err
		}
		total += len(file.Data)
	}
	fmt.Printf("%d files, %d bytes\n", len(files), total)
	return nil
}

// size is what slides of any size have in common.
type size struct {
	Width    int    `default:"20000" help:"Pixels."`
	Height   int    `default:"15000" help:"Pixels."`
	TileSize int    `default:"256" help:"Pixels, a multiple of 16."`
	Quality  int    `default:"75" help:"JPEG quality, 1 to 100."`
	Seed     uint32 `default:"1" help:"Other seeds draw other tissue."`
	BigTIFF  bool   `name:"bigtiff" help:"64-bit offsets, needed from 4 GiB on."`
	Labels   bool   `help:"Write coordinates into the pixels."`
	Fast     bool   `help:"Encode only 64 distinct tiles a level and repeat them."`
	Out      string `arg:"" help:"File to write."`
}

func (s size) scene() slidegen.Scene {
	return slidegen.Scene{Width: s.Width, Height: s.Height, Seed: s.Seed, Labels: s.Labels}
}

func (s size) pool() int {
	if s.Fast {
		return 64
	}
	return 0
}

type svs struct {
	size  `embed:""`
	YCbCr bool `name:"ycbcr" help:"Photometric YCbCr instead of RGB."`
}

// Run writes one SVS.
func (s svs) Run(ctx context.Context) error {
	return create(s.Out, func(w io.WriteSeeker) error {
		return slidegen.WriteSVS(ctx, w, slidegen.SVS{
			Scene: s.scene(), TileSize: s.TileSize, Quality: s.Quality, YCbCr: s.YCbCr, BigTIFF: s.BigTIFF, Pool: s.pool(),
		})
	})
}

type pyramid struct {
	size        `embed:""`
	Compression string `default:"jpeg" enum:"none,lzw,deflate,jpeg" help:"One of ${enum}."`
	Predictor   bool   `help:"Horizontal differencing."`
	SubIFDs     bool   `name:"subifds" help:"Levels as SubIFDs instead of pages."`
	Pixels      string `default:"rgb8" enum:"rgb8,grey8,grey16" help:"One of ${enum}."`
}

// Run writes one tiled TIFF of several levels.
func (p pyramid) Run(ctx context.Context) error {
	schemes := map[string]tiff.Scheme{"none": tiff.CompressionNone, "lzw": tiff.CompressionLZW,
		"deflate": tiff.CompressionAdobeDeflate, "jpeg": tiff.CompressionJPEG}
	pixels := map[string]slidegen.Pixels{"rgb8": slidegen.RGB8, "grey8": slidegen.Grey8, "grey16": slidegen.Grey16}
	return create(p.Out, func(w io.WriteSeeker) error {
		return slidegen.WritePyramid(ctx, w, slidegen.Pyramid{
			Scene: p.scene(), TileSize: p.TileSize, Quality: p.Quality, BigTIFF: p.BigTIFF, Pool: p.pool(),
			Compression: schemes[p.Compression], Predictor: p.Predictor, SubIFDs: p.SubIFDs, Pixels: pixels[p.Pixels],
		})
	})
}

type demo struct {
	Out string `arg:"" help:"File to write."`
}

// Run writes the demonstration slide.
func (d demo) Run(ctx context.Context) error {
	return create(d.Out, func(w io.WriteSeeker) error { return slidegen.Demo(ctx, w) })
}

// create writes a file through a buffer and removes it when writing fails.
func create(path string, write func(io.WriteSeeker) error) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	out := &buffered{file: file, buffer: bufio.NewWriterSize(file, 1<<20)}
	err = write(out)
	if flushed := out.buffer.Flush(); err == nil {
		err = flushed
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		_ = os.Remove(path) // the first error is the one to tell
	}
	return err
}

// buffered is a buffered file that may seek.
type buffered struct {
	file   *os.File
	buffer *bufio.Writer
}

// Write implements io.Writer.
func (b *buffered) Write(p []byte) (int, error) { return b.buffer.Write(p) }

// Seek implements io.Seeker.
func (b *buffered) Seek(offset int64, whence int) (int64, error) {
	if err := b.buffer.Flush(); err != nil {
		return 0, err
	}
	return b.file.Seek(offset, whence)
}
