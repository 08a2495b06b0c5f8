package httpapi_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"image/jpeg"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/recording"
	"github.com/pims-cloud/pims/internal/slide"
)

// tileRead is the read that a tile of level 0 must cost, found by another way:
// the slide's index.
func (s *service) tileRead(path string, level, tile int) recording.Read {
	s.t.Helper()
	id, _, err := slide.PathID(path)
	if err != nil {
		s.t.Fatal(err)
	}
	open, err := s.catalog.Open(context.Background(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	e, err := open.Locate(context.Background(), level, formats.Plane{}, tile)
	if err != nil {
		s.t.Fatal(err)
	}
	s.catalog.Forget(id)
	s.slides.Reset()
	return recording.Read{Key: open.Manifest().Sources[e.Source].Key, Offset: e.Offset, Length: e.Length}
}

func sidecarRead(path string) recording.Read {
	id, _, _ := slide.PathID(path)
	return recording.Read{Key: id.SidecarKey(), Offset: 0, Length: slide.TilesPrefixBytes}
}

func TestColdTileIsOneReadOfTheSidecarAndOneOfTheTile(t *testing.T) {
	for name, at := range map[string]string{
		"svs/ycbcr-256.svs": "normalized-tile/level/0/ti/0",
		"svs/rgb-240.svs":   "tile/level/0/ti/0",
	} {
		t.Run(name, func(t *testing.T) {
			s := newService(t, "")
			path := s.own(name)
			tile := s.tileRead(path, 0, 0)
			url := "/image/" + path + "/" + at + ".jpg"
			got := s.get(url).want(t, http.StatusOK)
			want := []recording.Read{sidecarRead(path), tile}
			if diff := cmp.Diff(want, s.slides.Reads()); diff != "" {
				t.Errorf("reads of one cold tile (-want +got):\n%s", diff)
			}
			if got.Header.Get("X-Pims-Cache") != "MISS" {
				t.Errorf("X-Pims-Cache of a cold tile is %q", got.Header.Get("X-Pims-Cache"))
			}
			if _, err := jpeg.Decode(bytes.NewReader(got.body)); err != nil {
				t.Errorf("the tile is no JPEG: %v", err)
			}
			s.slides.Reset()
			again := s.get(url).want(t, http.StatusOK)
			if reads := s.slides.Reads(); len(reads) != 0 || again.Header.Get("X-Pims-Cache") != "HIT" {
				t.Errorf("a warm tile cost %v, X-Pims-Cache %q", reads, again.Header.Get("X-Pims-Cache"))
			}
			if !bytes.Equal(got.body, again.body) {
				t.Error("the warm tile has other bytes than the cold one")
			}
		})
	}
}

func TestNotModifiedReadsNothingOfTheSource(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	for _, end := range []string{"tile/level/0/ti/0.jpg", "thumb.png?length=99", "info", "metadata"} {
		url := "/image/" + path + "/" + end
		tag := s.get(url).want(t, http.StatusOK).Header.Get("ETag")
		bare := strings.Trim(strings.TrimPrefix(tag, "W/"), `"`)
		for _, sent := range []string{tag, "*", `"other", ` + tag, bare, "W/" + bare, `W/"` + bare + `"`} {
			s.slides.Reset()
			got := s.get(url, "If-None-Match: "+sent).want(t, http.StatusNotModified)
			if reads := s.slides.Reads(); len(reads) != 0 {
				t.Errorf("%s with If-None-Match %s read %v", end, sent, reads)
			}
			if len(got.body) != 0 || got.Header.Get("ETag") != tag {
				t.Errorf("%s: 304 has %d bytes and ETag %q, want %q", end, len(got.body), got.Header.Get("ETag"), tag)
			}
		}
	}
	// Not even a tile that was never made is read to answer a 304.
	cold := newService(t, "")
	again := cold.own("svs/rgb-240.svs")
	url := "/image/" + again + "/tile/level/0/ti/0.jpg"
	tag := cold.get(url).want(t, http.StatusOK).Header.Get("ETag")
	id, _, _ := slide.PathID(again)
	cold.catalog.Forget(id)
	cold.slides.Reset()
	cold.get(url, "If-None-Match: "+tag).want(t, http.StatusNotModified)
	if diff := cmp.Diff([]recording.Read{sidecarRead(again)}, cold.slides.Reads()); diff != "" {
		t.Errorf("reads of a 304 for a slide that is not open (-want +got):\n%s", diff)
	}
}

func TestFiftyRequestsForOneTileAreOneRead(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	tile := s.tileRead(path, 0, 1)
	var wait sync.WaitGroup
	errors := make(chan error, 50)
	for range 50 {
		wait.Go(func() {
			response, err := http.Get(s.url + "/image/" + path + "/tile/level/0/ti/1.jpg")
			if err == nil {
				if response.StatusCode != http.StatusOK {
					err = fmt.Errorf("status %d", response.StatusCode)
				}
				response.Body.Close()
			}
			errors <- err
		})
	}
	wait.Wait()
	for range 50 {
		if err := <-errors; err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]recording.Read{sidecarRead(path), tile}, s.slides.Reads()); diff != "" {
		t.Errorf("reads of 50 requests (-want +got):\n%s", diff)
	}
}

func TestNoStoreNeitherReadsNorFillsTheCache(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	url := "/image/" + path + "/tile/level/0/ti/0.jpg"
	for range 2 {
		tile := s.tileRead(path, 0, 0)
		got := s.get(url, "Cache-Control: no-store").want(t, http.StatusOK)
		if diff := cmp.Diff([]recording.Read{sidecarRead(path), tile}, s.slides.Reads()); diff != "" {
			t.Errorf("reads with no-store (-want +got):\n%s", diff)
		}
		for _, name := range []string{"ETag", "Cache-Control", "X-Pims-Cache"} {
			if got.Header.Get(name) != "" {
				t.Errorf("with no-store the answer has %s: %s", name, got.Header.Get(name))
			}
		}
	}
}

func TestReplacedObjectIsNeverMixed(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	url := "/image/" + path + "/tile/level/0/ti/0.jpg"
	id, _, _ := slide.PathID(path)
	s.get("/image/"+path+"/info").want(t, http.StatusOK)
	store := objectstore.New(s.slides.Driver)
	other := "other bytes under the same key"
	put := func(key, body string) {
		t.Helper()
		if _, err := store.Put(context.Background(), key, strings.NewReader(body), -1, objectstore.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	put(path, other)

	// The sidecar still describes the old bytes: no answer, and no old pixels.
	got := s.get(url).want(t, http.StatusServiceUnavailable)
	if got.Header.Get("Retry-After") == "" || got.Header.Get("ETag") != "" {
		t.Errorf("503 has Retry-After %q and ETag %q", got.Header.Get("Retry-After"), got.Header.Get("ETag"))
	}

	// With a sidecar of other bytes behind the server's back, the open handle is
	// refreshed once and the new pixels come.
	second := s.own("svs/ycbcr-256.svs")
	secondID, _, _ := slide.PathID(second)
	sidecar, _, err := store.Get(context.Background(), secondID.SidecarKey(), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	put(id.SidecarKey(), string(sidecar))
	s.slides.Reset()
	tile := s.get("/image/"+string(id)+"/tile/level/0/ti/0.jpg").want(t, http.StatusOK)
	picture, err := jpeg.Decode(bytes.NewReader(tile.body))
	if err != nil {
		t.Fatal(err)
	}
	if w := picture.Bounds().Dx(); w != 256 {
		t.Errorf("the tile is %d pixels wide, the new slide has 256", w)
	}
}

// TestStoredTilesAreSentByteForByte holds tiles against what the slide stores:
// the first marker, the tables, and the tile behind its own first marker, with
// Adobe's marker where colours would be mistaken without it. Nothing of the
// program's splice is used.
func TestStoredTilesAreSentByteForByte(t *testing.T) {
	adobeRGB := []byte("\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00")
	for _, name := range []string{"svs/ycbcr-256.svs", "svs/rgb-240.svs"} {
		s := newService(t, "")
		path := s.own(name)
		id, _, err := slide.PathID(path)
		if err != nil {
			t.Fatal(err)
		}
		open, err := s.catalog.Open(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		m := open.Manifest()
		level := m.Description.Levels[0]
		encoding := m.Encodings[level.Encoding]
		compared := 0
		for tile := range level.Tiles() {
			if (tile%level.TilesAcross()+1)*level.TileWidth > level.Width || (tile/level.TilesAcross()+1)*level.TileHeight > level.Height {
				continue // clipped: decoded and encoded again
			}
			e, err := open.Locate(t.Context(), 0, formats.Plane{}, tile)
			if err != nil {
				t.Fatal(err)
			}
			stored, err := open.ReadTiles(t.Context(), []formats.Extent{e})
			if err != nil {
				t.Fatal(err)
			}
			var tables, marker []byte
			if n := len(encoding.JPEGTables); n > 4 {
				tables = encoding.JPEGTables[2 : n-2]
			}
			if encoding.Photometric == formats.PhotometricRGB {
				marker = adobeRGB
			}
			want := bytes.Join([][]byte{{0xff, 0xd8}, marker, tables, stored[0][2:]}, nil)
			got := s.get("/image/"+path+"/tile/level/0/ti/"+strconv.Itoa(tile)+".jpg").want(t, http.StatusOK)
			if sha256.Sum256(got.body) != sha256.Sum256(want) {
				t.Errorf("%s, tile %d: %d bytes that are not the %d of the splice", name, tile, len(got.body), len(want))
			}
			compared++
		}
		if compared == 0 {
			t.Errorf("%s has no whole tile", name)
		}
	}
}
