package render

import (
	"context"

	"github.com/pims-cloud/pims/formats"
)

// planeReader is a Slide that wants to know which tiles it reads, because it may
// bring those behind them along (READ_AHEAD).
type planeReader interface {
	// ReadPlaneTiles is ReadTiles for the numbered tiles of one plane.
	ReadPlaneTiles(ctx context.Context, level int, plane formats.Plane, tiles []int, extents []formats.Extent) ([][]byte, error)
}

// stored reads located tiles in one batch; nil for a blank one. The bytes must
// not be changed: a cache may hold them.
func stored(ctx context.Context, s Slide, level int, plane formats.Plane, tiles []int, extents []formats.Extent) ([][]byte, error) {
	if r, ok := s.(planeReader); ok {
		return r.ReadPlaneTiles(ctx, level, plane, tiles, extents)
	}
	return s.ReadTiles(ctx, extents)
}
