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

func TestScaledRegionsStayInside(t *testing.T) {
	from, to := Tier{188, 125, 256, 256}, Tier{187, 125, 256, 256}
	if got, want := scaleTo(from, to, Rect{0, 0, 188, 125}), (Rect{0, 0, 187, 125}); got != want {
		t.Errorf("the whole tier is %+v, want %+v", got, want)
	}
	wide := Tier{1, 100000, 256, 256}
	if got := scaleTo(Tier{1, 200000, 256, 256}, wide, Rect{0, 199999, 1, 1}); got != (Rect{0, 99999, 1, 1}) {
		t.Errorf("the last pixel is %+v", got)
	}
}
