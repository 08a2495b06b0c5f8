package tiffpage

import (
	"context"
	"fmt"
	"math"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/tiff"
)

// Series is one image of a file: its levels from the finest, and of every
// level its pages in file order. Pages of one level differ in nothing but
// their pixels, so they are the planes of a stack.
type Series struct {
	Levels [][]Page
}

// maxSeries bounds how many different kinds of page are told apart. A pyramid
// of 2^31 pixels has 32 levels; a file with more kinds is a collection.
const maxSeries = 64

// TooMany reports whether err says that a file has more kinds of page than any
// pyramid.
func TooMany(err error) bool { return fault.CodeOf(err) == "tiff-many-series" }

// ReadSeries groups all pages of the main chain, and their SubIFDs, into
// images (pims-api §5.2): pages that are alike are one level, and a level is
// the next of a pyramid when it has the same type and 1/2, 1/3 or 1/4 of the
// size within one pixel, or is flagged as reduced and has the same aspect. A
// SubIFD never begins an image of its own, but one that fits nowhere is listed
// as one. Kind TooLarge when the file has more than 64 kinds of page.
func ReadSeries(ctx context.Context, file *tiff.File) ([]Series, error) {
	groups, err := groupPages(ctx, file)
	if err != nil {
		return nil, err
	}
	return pyramids(groups), nil
}

// transparencyMask is the bit of NewSubfileType (TIFF 6.0 §8).
const transparencyMask = 4

// group is pages that are alike.
type group struct {
	pages []Page
	sub   bool // the first page is a SubIFD
}

func groupPages(ctx context.Context, file *tiff.File) ([]group, error) {
	ifds, err := file.IFDs(ctx)
	if err != nil {
		return nil, err
	}
	var groups []group
	positions := map[string]int{}
	add := func(ifd *tiff.IFD, sub bool) error {
		page, err := ReadPage(ctx, ifd)
		if err != nil {
			return err
		}
		if page.Layout.NewSubfileType&transparencyMask != 0 {
			return nil // tells which pixels of another page are there
		}
		key := alike(page.Layout)
		at, known := positions[key]
		if !known {
			if len(groups) == maxSeries {
				return fault.New(fault.TooLarge, "tiff-many-series", "the file has more than %d kinds of page", maxSeries)
			}
			at = len(groups)
			positions[key] = at
			groups = append(groups, group{sub: sub})
		}
		groups[at].pages = append(groups[at].pages, page)
		return nil
	}
	for _, ifd := range ifds {
		if err := add(ifd, false); err != nil {
			return nil, err
		}
		subs, err := ifd.SubIFDs(ctx)
		if err != nil {
			return nil, err
		}
		for _, sub := range subs {
			if err := add(sub, true); err != nil {
				return nil, err
			}
		}
	}
	return groups, nil
}

// alike is equal for pages that can be read in the same way.
func alike(l *tiff.Layout) string {
	return fmt.Sprint(l.Width, l.Height, l.Tiled, l.TileWidth, l.TileHeight, l.Compression, l.Photometric,
		l.BitsPerSample, l.SampleFormat, l.Planar, l.Predictor, l.ExtraSamples)
}

// pyramids joins the groups into images.
func pyramids(groups []group) []Series {
	var out []Series
	used := make([]bool, len(groups))
	for i, top := range groups {
		if used[i] {
			continue
		}
		used[i] = true
		series := Series{Levels: [][]Page{top.pages}}
		for j := i + 1; j < len(groups) && !top.sub; j++ {
			last := series.Levels[len(series.Levels)-1]
			if !used[j] && isReductionOf(last, groups[j].pages) {
				used[j] = true
				series.Levels = append(series.Levels, groups[j].pages)
			}
		}
		out = append(out, series)
	}
	return out
}

// isReductionOf reports whether the pages are the next level after last.
func isReductionOf(last, pages []Page) bool {
	a, b := last[0].Layout, pages[0].Layout
	if len(last) != len(pages) || !sameType(a, b) || b.Width > a.Width || b.Height > a.Height {
		return false
	}
	for _, factor := range []float64{2, 3, 4} {
		if withinPixel(a.Width, b.Width, factor) && withinPixel(a.Height, b.Height, factor) {
			return b.Width < a.Width || b.Height < a.Height
		}
	}
	return b.NewSubfileType&1 != 0 && SameAspect(a, b)
}

func sameType(a, b *tiff.Layout) bool {
	return a.SamplesPerPixel == b.SamplesPerPixel && a.Planar == b.Planar &&
		a.BitsPerSample[0] == b.BitsPerSample[0] && a.SampleFormat[0] == b.SampleFormat[0]
}

func withinPixel(size, reduced int, factor float64) bool {
	difference := float64(size)/factor - float64(reduced)
	return -1 < difference && difference < 1
}

// SameAspect reports whether b is smaller than a and could be made from it by
// one factor, each side rounded to a neighbouring whole pixel.
func SameAspect(a, b *tiff.Layout) bool {
	if b.Width > a.Width || b.Height > a.Height || b.Width == a.Width && b.Height == a.Height {
		return false
	}
	// The factor lies between size/(reduced+1) and size/(reduced-1) in both
	// directions; the two intervals must overlap.
	low := max(float64(a.Width)/float64(b.Width+1), float64(a.Height)/float64(b.Height+1))
	high := func(size, reduced int) float64 {
		if reduced == 1 {
			return math.Inf(1) // what rounds to nothing is stored as one pixel
		}
		return float64(size) / float64(reduced-1)
	}
	return low < min(high(a.Width, b.Width), high(a.Height, b.Height))
}
