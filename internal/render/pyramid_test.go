package render

import (
	"math"
	"testing"
)

// The vectors are those of pims-api §3.0.10: a stored pyramid of ten tiers made
// by halving, rounded half to even, and tiles of the normalised pyramid.
func TestTierIsTheNearestInFactor(t *testing.T) {
	for _, size := range [][2]int{{156418, 73043}, {156418, 73044}} {
		width, height := float64(size[0]), float64(size[1])
		var stored []Tier
		for range 11 {
			stored = append(stored, Tier{int(width), int(height), 512, 512})
			width, height = math.RoundToEven(width/2), math.RoundToEven(height/2)
		}
		for level, tier := range Normalised(size[0], size[1]) {
			got := chooseTier(stored, float64(size[0]), float64(size[1]), tier.Width, tier.Height)
			if got != level {
				t.Errorf("%v: level %d (factor %v) is read from stored tier %d, want %d",
					size, level, downsampling(stored[0], tier), got, level)
			}
		}
	}
}

func TestTierOfEnlargementsAndBeyondTheLast(t *testing.T) {
	tiers := []Tier{{1000, 1000, 256, 256}, {500, 500, 256, 256}, {250, 250, 256, 256}}
	for _, row := range []struct{ out, want int }{
		{2000, 0}, {1000, 0}, {800, 0}, {667, 0}, {666, 1}, {500, 1}, {250, 2}, {10, 2},
	} {
		if got := chooseTier(tiers, 1000, 1000, row.out, row.out); got != row.want {
			t.Errorf("1000 pixels shown as %d are read from tier %d, want %d", row.out, got, row.want)
		}
	}
}

func TestTilesAreClippedAndNumberedByRow(t *testing.T) {
	tier := Tier{1000, 2000, 256, 256}
	if tier.Across() != 4 || tier.Down() != 8 || tier.Tiles() != 32 {
		t.Errorf("the tier has %d×%d = %d tiles, want 4×8 = 32", tier.Across(), tier.Down(), tier.Tiles())
	}
	if got, want := tier.Tile(3, 7), (Rect{768, 1792, 232, 208}); got != want {
		t.Errorf("tile (3, 7) is %+v, want %+v", got, want)
	}
}

func TestNormalisedPyramidsOfKnownSizes(t *testing.T) {
	for _, row := range []struct{ width, height, tiers, lastWidth, lastHeight, deepZoom int }{
		{3000, 2000, 5, 188, 125, 13}, {256, 256, 1, 256, 256, 9}, {257, 1, 2, 129, 1, 10}, {1, 1, 1, 1, 1, 1},
	} {
		tiers := Normalised(row.width, row.height)
		last := tiers[len(tiers)-1]
		if len(tiers) != row.tiers || last.Width != row.lastWidth || last.Height != row.lastHeight {
			t.Errorf("%d×%d has %d tiers down to %+v, want %d down to %d×%d",
				row.width, row.height, len(tiers), last, row.tiers, row.lastWidth, row.lastHeight)
		}
		if got := len(DeepZoom(row.width, row.height)); got != row.deepZoom {
			t.Errorf("%d×%d has %d Deep Zoom levels, want %d", row.width, row.height, got, row.deepZoom)
		}
	}
}

func TestRegionsAreRoundedOutwardsAndStayInside(t *testing.T) {
	base := Tier{3000, 2000, 256, 256}
	for _, row := range []struct {
		name                     string
		tier                     Tier
		left, top, width, height float64
		want                     Rect
	}{
		{"the whole of a tier that was rounded down", Tier{187, 125, 256, 256}, 0, 0, 3000, 2000, Rect{0, 0, 187, 125}},
		// 100/4 = 25; 101/4 = 25.25; 30/4 = 7.5 and 31/4 = 7.75 up to 8: the end is not rounded with the start.
		{"corner down, sides up", Tier{750, 500, 256, 256}, 100, 101, 30, 31, Rect{25, 25, 8, 8}},
		{"beyond the end", Tier{750, 500, 256, 256}, 2990, 1990, 400, 400, Rect{747, 497, 3, 3}},
		{"before the start", Tier{750, 500, 256, 256}, -40, -8, 80, 16, Rect{0, 0, 10, 2}},
		{"the last pixel", Tier{750, 500, 256, 256}, 2999.9, 1999.9, 0.1, 0.1, Rect{749, 499, 1, 1}},
	} {
		if got := row.tier.cover(base, row.left, row.top, row.width, row.height); got != row.want {
			t.Errorf("%s: %+v, want %+v", row.name, got, row.want)
		}
	}
}
