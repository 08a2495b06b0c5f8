package render

import (
	"context"

	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/pixel"
)

// Make runs what draws a picture elsewhere (annotations) as one of the
// renderer's own: within its bound of memory, for all that is held together of
// each pixel, and in one of its slots.
func (r *Renderer) Make(ctx context.Context, width, height, bytesPerPixel int, draw func() (*pixel.Raster, error)) (*pixel.Raster, error) {
	if err := r.checkMemory(width, height, bytesPerPixel); err != nil {
		return nil, err
	}
	leave, err := r.enter(ctx)
	if err != nil {
		return nil, err
	}
	defer leave()
	return draw()
}

// Resized tells whether the picture of a region is resized from the pixels that
// are stored.
func (q RegionRequest) Resized(m *slide.Manifest) bool {
	tiers := Native(&m.Description)
	level := chooseTier(tiers, q.Width, q.Height, q.OutWidth, q.OutHeight)
	rect := tiers[level].cover(tiers[0], q.Left, q.Top, q.Width, q.Height)
	return rect.Width != q.OutWidth || rect.Height != q.OutHeight
}
