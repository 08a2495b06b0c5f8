package render

import (
	"context"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/histogram"
	"github.com/pims-cloud/pims/internal/slide"
)

// quality is PIMS' for JPEG and WebP (pims-api §4.13).
const quality = 75

// Slide is what rendering needs of an open slide; *slide.Slide is one.
type Slide interface {
	// Manifest must not be changed.
	Manifest() *slide.Manifest
	// Locate says where a native tile is.
	Locate(ctx context.Context, level int, plane formats.Plane, tile int) (formats.Extent, error)
	// ReadTiles reads tiles in one batch; nil for a blank one.
	ReadTiles(ctx context.Context, extents []formats.Extent) ([][]byte, error)
	// ReadObject reads a whole object of the slide's prefix, at most max bytes.
	ReadObject(ctx context.Context, key string, max int64) ([]byte, error)
	// Histogram is what was counted at import; kind Invalid when there is none.
	Histogram(ctx context.Context) (*histogram.File, error)
}

// Encoded is a picture ready to be sent.
type Encoded struct {
	MediaType string
	Bytes     []byte
	// Passthrough tells that the bytes are the source's own, with a header
	// splice at most.
	Passthrough bool
}

// Renderer makes pictures, a bounded number at a time. It is safe for
// concurrent use.
type Renderer struct {
	config Config
	gate   *gate
}

// New makes a renderer within the bounds of a valid configuration.
func New(c Config) *Renderer {
	return &Renderer{config: c, gate: newGate(c)}
}

// enter waits for a slot for a further step of a picture; leave gives it back.
// Reads happen outside of slots: a slow store must not keep processors idle.
func (r *Renderer) enter(ctx context.Context) (leave func(), err error) { return r.gate.proceed(ctx) }

// checkSize refuses a picture whose samples would not fit the configured memory.
func (r *Renderer) checkSize(width, height int) error {
	const samples = 3
	return r.checkMemory(width, height, samples)
}

func (r *Renderer) checkMemory(width, height, bytesPerPixel int) error {
	if width < 1 || height < 1 {
		return fault.New(fault.Internal, "render-size", "A picture of %d×%d pixels was asked for.", width, height)
	}
	if exceeds(int64(r.config.MaxMemory), bytesPerPixel, height, width) {
		return fault.New(fault.TooLarge, "render-too-much-memory",
			"A picture of %d×%d pixels needs more than the %d bytes that one may take (RENDER_MAX_MEMORY).",
			width, height, int64(r.config.MaxMemory))
	}
	return nil
}
