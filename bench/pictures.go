package main

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/codec"
)

const (
	pictures = 300
	// pictureQuality is asked for: a tile is then not sent as it is stored.
	pictureQuality = 85
)

// rendered prints what a whole request for a decoded and encoded tile costs
// beside the two calls of the codecs alone, taking turns.
func rendered(ctx context.Context, s *setup) error {
	m := s.slide.Manifest()
	level, encoding := m.Description.Levels[0], m.Encodings[m.Description.Levels[0].Encoding]
	var alone, whole, ratios []float64
	for i := range pictures {
		tile, path := s.tiles[i%len(s.tiles)], s.paths[i%len(s.tiles)]
		extent, err := s.slide.Locate(ctx, 0, formats.Plane{}, tile)
		if err != nil {
			return err
		}
		stored, err := s.slide.ReadTiles(ctx, []formats.Extent{extent})
		if err != nil {
			return err
		}
		start := processorTime()
		picture, err := codec.Decode(encoding, stored[0], level.TileWidth, level.TileHeight)
		if err != nil {
			return err
		}
		if _, err := codec.Encode(picture, codec.Output{MediaType: "image/jpeg", Quality: pictureQuality}); err != nil {
			return err
		}
		between := processorTime()
		got := answer(s.warm.Handler(), path+"?quality="+strconv.Itoa(pictureQuality), "Cache-Control", "no-store")
		end := processorTime()
		if got.status != http.StatusOK {
			return fmt.Errorf("%s: status %d", path, got.status)
		}
		codecs, request := micros(between-start), micros(end-between)
		alone, whole, ratios = append(alone, codecs), append(whole, request), append(ratios, request/codecs)
	}
	fmt.Printf("\n%-34s %12s\n", "a tile decoded and encoded", "CPU µs")
	fmt.Printf("%-34s %12.0f\n", "the two codec calls alone", median(alone))
	fmt.Printf("%-34s %12.0f   %.2f × the codecs\n", "whole request, read and all", median(whole), median(ratios))
	return nil
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e3 }
