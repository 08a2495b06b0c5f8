package render

import (
	"context"
	"errors"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/histogram"
	"github.com/pims-cloud/pims/internal/slide"
)

// claimed is a slide that only claims: whoever reads it fails the test.
type claimed struct {
	t *testing.T
	m slide.Manifest
	e formats.Extent
}

func (c *claimed) Manifest() *slide.Manifest { return &c.m }

func (c *claimed) Locate(context.Context, int, formats.Plane, int) (formats.Extent, error) {
	return c.e, nil
}

func (c *claimed) ReadTiles(context.Context, []formats.Extent) ([][]byte, error) {
	c.t.Error("the slide was read")
	return nil, errors.New("read")
}

func (c *claimed) ReadObject(context.Context, string, int64) ([]byte, error) {
	c.t.Error("an object was read")
	return nil, errors.New("read")
}

func (c *claimed) Histogram(context.Context) (*histogram.File, error) {
	c.t.Error("the histogram was read")
	return nil, errors.New("read")
}

func claim(t *testing.T, width, height, tile int, length int64) *claimed {
	c := &claimed{t: t, e: formats.Extent{Length: length}}
	c.m.Description = formats.Description{
		Width: width, Height: height, Depth: 1, Duration: 1, ConcreteChannels: 1, Samples: 3, SignificantBits: 8,
		Channels: []formats.Channel{{Color: "#f00"}, {Color: "#0f0"}, {Color: "#00f"}},
		Levels:   []formats.Level{{Width: width, Height: height, TileWidth: tile, TileHeight: tile}},
	}
	c.m.Encodings = []formats.Encoding{{Codec: formats.CodecNone, Samples: 3, BitsPerSample: 8}}
	return c
}

func TestWhatASlideClaimsIsNotRead(t *testing.T) {
	r := New(Config{Concurrency: 1, MaxPixels: 1 << 20, MaxMemory: 16 << 20, MaxTile: 1 << 20})
	ctx := t.Context()
	for name, row := range map[string]struct {
		slide *claimed
		code  string
		do    func(*claimed) error
	}{
		"a tile larger than any": {claim(t, 1<<20, 1<<20, 1<<20, 100), "render-too-many-pixels", func(s *claimed) error {
			_, err := r.Tile(ctx, s, TileRequest{View: Default(&s.m), MediaType: "image/png", Width: 256, Height: 256})
			return err
		}},
		"a tile of too many bytes": {claim(t, 256, 256, 256, 1<<31), "tile-too-large", func(s *claimed) error {
			_, err := r.Tile(ctx, s, TileRequest{View: Default(&s.m), MediaType: "image/png"})
			return err
		}},
		"a whole slide without coarse levels": {claim(t, 1<<30, 1<<30, 256, 100), "render-too-many-pixels", func(s *claimed) error {
			_, err := r.Thumb(ctx, s, ThumbRequest{Width: 256, Height: 256, View: Default(&s.m), MediaType: "image/png"})
			return err
		}},
		"a picture larger than memory": {claim(t, 256, 256, 256, 100), "render-too-much-memory", func(s *claimed) error {
			_, err := r.Thumb(ctx, s, ThumbRequest{Width: 1 << 30, Height: 1 << 30, View: Default(&s.m), MediaType: "image/png"})
			return err
		}},
	} {
		t.Run(name, func(t *testing.T) {
			err := row.do(row.slide)
			if fault.KindOf(err) != fault.TooLarge || fault.CodeOf(err) != row.code {
				t.Errorf("the error is %v, want %s", err, row.code)
			}
		})
	}
}

func TestAWaitingPictureIsCancelled(t *testing.T) {
	r := New(Config{Concurrency: 1})
	leave, err := r.enter(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.enter(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("a second picture got %v, want the end of its context", err)
	}
	leave()
	if leave, err = r.enter(t.Context()); err != nil {
		t.Fatal(err)
	}
	leave()
}
