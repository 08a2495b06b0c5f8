package svs

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/formats/tiffpage"
	"github.com/pims-cloud/pims/tiff"
)

// sorted is the pages of a slide by what they are.
type sorted struct {
	levels     [][]tiffpage.Page // from the finest, then by focal plane
	associated map[string]tiffpage.Page
}

// subfileMacro is the NewSubfileType that Aperio gives the macro image.
const subfileMacro = 9

// maxLevels bounds the kinds of tiled pages; a slide has at most 32.
const maxLevels = 64

// sortPages tells levels from associated images.
func sortPages(ctx context.Context, file *tiff.File) (sorted, error) {
	ifds, err := file.IFDs(ctx)
	if err != nil {
		return sorted{}, err
	}
	base, err := tiffpage.ReadPage(ctx, ifds[0])
	if err != nil {
		return sorted{}, err
	}
	if !base.Layout.Tiled {
		return sorted{}, fault.New(fault.Unsupported, "svs-not-tiled", "the first page is stored in strips; an Aperio slide has tiles there")
	}
	out := sorted{levels: [][]tiffpage.Page{{base}}, associated: map[string]tiffpage.Page{}}
	for _, ifd := range ifds[1:] {
		if err := out.add(ctx, ifd); err != nil {
			return sorted{}, err
		}
	}
	slices.SortStableFunc(out.levels, func(a, b []tiffpage.Page) int {
		return cmp.Or(cmp.Compare(b[0].Layout.Width, a[0].Layout.Width), cmp.Compare(b[0].Layout.Height, a[0].Layout.Height))
	})
	return out, nil
}

// add puts one page where it belongs. Pages that are neither a reduction of
// page 0 nor an associated image (a tiled overview of other proportions) are
// left out. An associated page that contradicts itself does not cost the slide.
func (s *sorted) add(ctx context.Context, ifd *tiff.IFD) error {
	word, err := secondLineWord(ctx, ifd)
	if err != nil {
		return err
	}
	page, err := tiffpage.ReadPage(ctx, ifd)
	if err != nil && formats.Structural(err) && !ifd.Has(tiff.TileWidth) {
		return nil
	}
	if err != nil {
		return err
	}
	if page.Layout.Tiled && word == "" {
		return s.addLevel(page)
	}
	name := associatedName(page, word)
	if _, taken := s.associated[name]; name != "" && !taken {
		s.associated[name] = page
	}
	return nil
}

// addLevel appends a tiled page as a level of its own, or as another focal
// plane of the level that has its size.
func (s *sorted) addLevel(page tiffpage.Page) error {
	for i, level := range s.levels {
		if level[0].Layout.Width == page.Layout.Width && level[0].Layout.Height == page.Layout.Height {
			s.levels[i] = append(level, page)
			return nil
		}
	}
	if !isReduction(s.levels[0][0].Layout, page.Layout) {
		return nil
	}
	if len(s.levels) == maxLevels {
		return fault.New(fault.TooLarge, "svs-many-levels", "the slide has more than %d levels", maxLevels)
	}
	s.levels = append(s.levels, []tiffpage.Page{page})
	return nil
}

// isReduction accepts what a scanner's rounding can do to the proportions: a
// hundredth of a side, plus whole pixels.
func isReduction(base, page *tiff.Layout) bool {
	if page.Width > base.Width || page.Height > base.Height || page.SamplesPerPixel != base.SamplesPerPixel || page.BitsPerSample[0] != base.BitsPerSample[0] {
		return false
	}
	if tiffpage.SameAspect(base, page) {
		return true
	}
	expected := float64(base.Height) * float64(page.Width) / float64(base.Width)
	difference := expected - float64(page.Height)
	return max(difference, -difference) <= 1+expected/100
}

// associatedName applies OpenSlide's rule (the first word of the description's
// second line) and then PIMS' (page 1 is the thumbnail, NewSubfileType 9 the
// macro, another reduced page the label); "" for none.
func associatedName(page tiffpage.Page, word string) string {
	switch {
	case word != "":
		return word
	case page.IFD.Index == 1:
		return formats.AssociatedThumb
	case page.Layout.NewSubfileType == subfileMacro:
		return formats.AssociatedMacro
	case page.Layout.NewSubfileType == 1:
		return formats.AssociatedLabel
	}
	return ""
}

// secondLineWord is "label" or "macro" when that is the first word of the
// second line of the page's description.
func secondLineWord(ctx context.Context, ifd *tiff.IFD) (string, error) {
	text, err := tiffpage.Text(ctx, ifd, tiff.ImageDescription)
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	word, _, _ := strings.Cut(strings.TrimSpace(rest), " ")
	switch strings.ToLower(word) {
	case "label":
		return formats.AssociatedLabel, nil
	case "macro":
		return formats.AssociatedMacro, nil
	}
	return "", nil
}
