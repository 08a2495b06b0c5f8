package httpapi_test

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"image/jpeg"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/internal/config/units"
	"github.com/pims-cloud/pims/internal/objectstore/recording"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/internal/slidegen"
)

// wideTiles is how many tiles wideSlide has in a row.
const wideTiles = 13

// wideSlide imports a generated slide of 13×7 tiles of so many pixels.
func wideSlide(t *testing.T, s *service, tile int) (path string) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "wide.svs")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	o := slidegen.SVS{Scene: slidegen.Scene{Width: wideTiles * tile, Height: 7 * tile, Seed: 3}, TileSize: tile, Quality: 80, Pool: 4}
	if err := slidegen.WriteSVS(t.Context(), file, o); err != nil {
		t.Fatal(err)
	}
	return s.add(name)
}

// rowReads are the reads of some tiles of each of some rows, each row's being
// neighbours in the file: one read a row.
func (s *service) rowReads(path string, firstRow, rows, first, count int) []recording.Read {
	s.t.Helper()
	var want []recording.Read
	for row := firstRow; row < firstRow+rows; row++ {
		from := s.tileRead(path, 0, row*wideTiles+first)
		to := s.tileRead(path, 0, row*wideTiles+first+count-1)
		want = append(want, recording.Read{Key: from.Key, Offset: from.Offset, Length: to.Offset + to.Length - from.Offset})
	}
	return want
}

// sourceReads are the recorded reads of the slide's source, in order of offset.
func (s *service) sourceReads(path string) (reads []recording.Read) {
	for _, r := range s.slides.Reads() {
		if r.Key == path {
			reads = append(reads, r)
		}
	}
	slices.SortFunc(reads, func(a, b recording.Read) int { return cmp.Compare(a.Offset, b.Offset) })
	return reads
}

func TestRegionIsOneReadForEachRowOfTiles(t *testing.T) {
	s := newService(t, "")
	path := wideSlide(t, s, 256)
	want := s.rowReads(path, 2, 5, 7, 5)
	body := fmt.Sprintf(`{"region":{"left":%d,"top":%d,"width":%d,"height":%d},"level":0}`, 7*256, 2*256, 5*256, 5*256)
	got := s.post("/image/"+path+"/window.jpg", body).want(t, http.StatusOK)
	if picture, err := jpeg.DecodeConfig(bytes.NewReader(got.body)); err != nil || picture.Width != 5*256 || picture.Height != 5*256 {
		t.Errorf("the region is %+v, %v", picture, err)
	}
	if diff := gocmp.Diff(want, s.sourceReads(path)); diff != "" {
		t.Errorf("reads of a region of 5×5 tiles (-want +got):\n%s", diff)
	}
}

func TestNormalisedTileOfOtherTilesIsOneReadForEachRow(t *testing.T) {
	s := newService(t, "")
	path := wideSlide(t, s, 240)
	// Tile (3, 1) shows the pixels 768…1023 × 256…511: tiles 3 and 4 of rows 1 and 2.
	want := s.rowReads(path, 1, 2, 3, 2)
	across := (wideTiles*240 + 255) / 256
	s.get(fmt.Sprintf("/image/%s/normalized-tile/level/0/ti/%d.jpg", path, across+3)).want(t, http.StatusOK)
	if diff := gocmp.Diff(want, s.sourceReads(path)); diff != "" {
		t.Errorf("reads of a tile over four (-want +got):\n%s", diff)
	}
}

// TestPanWithReadAhead is a viewer that loads a screen and pans to the right,
// over real HTTP, on tiles that pass through and on those that are drawn of others.
func TestPanWithReadAhead(t *testing.T) {
	for _, tile := range []int{256, 240} {
		for _, ahead := range []units.Bytes{0, 256 << 10} {
			s := newService(t, "", func(c *slide.Config) { c.ReadAhead = ahead })
			path := wideSlide(t, s, tile)
			id, _, err := slide.PathID(path)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.catalog.Open(context.Background(), id); err != nil {
				t.Fatal(err)
			}
			s.slides.Reset()
			across, asked := (wideTiles*tile+255)/256, 0
			for column := range across {
				for row := range 5 {
					s.get(fmt.Sprintf("/image/%s/normalized-tile/level/0/ti/%d.jpg", path, row*across+column)).want(t, http.StatusOK)
					asked++
				}
			}
			cost := float64(len(s.sourceReads(path))) / float64(asked)
			t.Logf("tiles of %d pixels, READ_AHEAD %d: %d tiles, %.2f requests a tile", tile, ahead, asked, cost)
			switch {
			case ahead > 0 && cost > 0.4:
				t.Errorf("%.2f requests a tile with read-ahead, want at most 0.4", cost)
			case ahead == 0 && tile == 256 && cost != 1:
				t.Errorf("%.2f requests a tile without read-ahead, want 1", cost)
			}
		}
	}
}
