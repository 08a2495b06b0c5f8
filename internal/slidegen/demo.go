package slidegen

import (
	"context"
	"io"
)

// DemoName is the file name of the demonstration slide.
const DemoName = "demonstration.svs"

// Demo writes the demonstration slide: an Aperio SVS of 8192×6144 pixels.
func Demo(ctx context.Context, w io.WriteSeeker) error {
	return WriteSVS(ctx, w, SVS{
		Scene: Scene{Width: 8192, Height: 6144, Seed: 2026}, TileSize: 256, Quality: 75,
	})
}
