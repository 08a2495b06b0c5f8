package localstack_test

import (
	"bytes"
	"encoding/json"
	"image/jpeg"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/app"
	"github.com/pims-cloud/pims/internal/config"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/slidegen"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/tiff"
)

// firstTile is the address of a slide's first tile of level 0.
func firstTile(path string) string { return "/image/" + path + "/tile/level/0/tx/0/ty/0" }

// TestSmokeASlideInTheBucketIsSeen: put, notification, queue, import, tile.
func TestSmokeASlideInTheBucketIsSeen(t *testing.T) {
	c := connectTo(t)
	path := testfiles.Own(t, "svs/ycbcr-256.svs")
	job := c.put(t, path, "ward 7/a+b ü.svs")
	r := c.final(t, job)
	if r.State != importer.StateDone || !r.Viewable {
		t.Fatalf("report %+v", r)
	}
	wait(t, "the upload to be removed", func() bool { // right after its report says done
		_, err := c.uploads.Stat(t.Context(), job.Upload.Key)
		return fault.KindOf(err) == fault.NotFound
	})

	resp, body := c.get(t, "metadata", "/image/"+r.Path+"/info")
	var info struct{ Image struct{ Width, Height int } }
	if err := json.Unmarshal(body, &info); err != nil || resp.StatusCode != http.StatusOK || info.Image.Width != r.Width || info.Image.Height != r.Height {
		t.Errorf("info: status %d, %v: %.300s", resp.StatusCode, err, body)
	}
	resp, tile := c.get(t, "tiles", firstTile(r.Path), "Accept", "image/jpeg")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "image/jpeg" {
		t.Fatalf("tile: status %d, %v: %.300s", resp.StatusCode, resp.Header, tile)
	}
	checkPassthrough(t, path, tile)
	if want := tileOfOneProcess(t, path); !bytes.Equal(tile, want) {
		t.Errorf("the function's tile has %d bytes, that of one process over a folder %d, and they differ", len(tile), len(want))
	}
	etag := resp.Header.Get("ETag")
	if resp, body := c.get(t, "tiles", firstTile(r.Path), "Accept", "image/jpeg", "If-None-Match", etag); resp.StatusCode != http.StatusNotModified || len(body) != 0 {
		t.Errorf("with If-None-Match %q: status %d, %d bytes", etag, resp.StatusCode, len(body))
	}
}

// checkPassthrough: the tile is the file's own compressed data, from its scan
// on, with headers put before it.
func checkPassthrough(t *testing.T, path string, tile []byte) {
	t.Helper()
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if picture, err := jpeg.Decode(bytes.NewReader(tile)); err != nil || picture.Bounds().Dx() != 256 {
		t.Errorf("the tile is no JPEG of 256 pixels: %v", err)
	}
	scan := bytes.LastIndex(tile, []byte{0xff, 0xda})
	if scan < 0 || len(tile)-scan < 100 || !bytes.Contains(file, tile[scan:]) {
		t.Errorf("the tile's compressed data (%d bytes from byte %d) is not that of the file", len(tile), scan)
	}
}

// tileOfOneProcess is the same tile from the program without any cloud.
func tileOfOneProcess(t *testing.T, path string) []byte {
	t.Helper()
	cfg, err := config.LoadIn(t.TempDir(), []string{"STORE_URL=file://" + t.TempDir(), "UPLOADS_URL=file://" + t.TempDir(), "LOG_LEVEL=error"})
	if err != nil {
		t.Fatal(err)
	}
	a, err := app.New(t.Context(), cfg, app.Options{Version: "test", Quiet: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	job, err := a.FileJob(t.Context(), path, false)
	if err != nil {
		t.Fatal(err)
	}
	r, err := a.Importer.Import(t.Context(), job)
	if err != nil {
		t.Fatal(err)
	}
	request := httptest.NewRequest(http.MethodGet, firstTile(r.Path), nil)
	request.Header.Set("Accept", "image/jpeg")
	reply := httptest.NewRecorder()
	a.Handler().ServeHTTP(reply, request)
	if reply.Code != http.StatusOK {
		t.Fatalf("status %d: %s", reply.Code, reply.Body)
	}
	return reply.Body.Bytes()
}

// TestSmokeAFileThatIsNoSlideFailsForGood: it has a report, stays where it is,
// and is neither tried again nor a dead letter.
func TestSmokeAFileThatIsNoSlideFailsForGood(t *testing.T) {
	c := connectTo(t)
	job := c.put(t, testfiles.Own(t, "hostile/truncated.svs"), "truncated.svs")
	if r := c.final(t, job); r.State != importer.StateFailed || r.Error == nil || r.Attempt != 1 {
		t.Errorf("report %+v", r)
	}
	if _, err := c.uploads.Stat(t.Context(), job.Upload.Key); err != nil {
		t.Errorf("the upload is gone: %v", err)
	}
	c.quiet(t)
}

// TestSmokeAConversionIsTheOtherQueuesWork: what has no pyramid is seen at once,
// and rewritten by the function of conversions.
func TestSmokeAConversionIsTheOtherQueuesWork(t *testing.T) {
	c := connectTo(t)
	job := c.put(t, withoutPyramid(t), "strips.tif")
	r := c.final(t, job)
	wait(t, "the conversion", func() bool {
		if next := c.report(t, job); next != nil {
			r = next
		}
		return r.Conversion == nil || r.Conversion.State == importer.ConversionDone || r.Conversion.State == importer.ConversionFailed
	})
	if r.State != importer.StateDone || r.Conversion == nil || r.Conversion.State != importer.ConversionDone || r.Conversion.Levels < 2 {
		t.Fatalf("report %+v, conversion %+v", r, r.Conversion)
	}
	resp, body := c.get(t, "tiles", firstTile(r.Path), "Accept", "image/png")
	if resp.StatusCode != http.StatusOK {
		t.Errorf("tile: status %d: %.300s", resp.StatusCode, body)
	}
}

// withoutPyramid writes a slide that is viewed at once and converted then.
func withoutPyramid(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "strips.tif")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	strips := slidegen.Pyramid{Scene: slidegen.Scene{Width: 1500, Height: 1100, Seed: 7}, TileSize: 256, Compression: tiff.CompressionLZW, Strips: true}
	if err := slidegen.WritePyramid(t.Context(), file, strips); err != nil {
		t.Fatal(err)
	}
	return path
}
