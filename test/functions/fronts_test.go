package functions_test

import (
	"bytes"
	"encoding/json"
	"image/jpeg"
	"net/http"
	"path/filepath"
	"slices"
	"testing"

	"github.com/pims-cloud/pims/internal/lambdaadapter/runtimetest"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// imported imports the slide by the cloud's function and gives its path.
func (c *cloud) imported(t *testing.T, slide string) string {
	t.Helper()
	r := c.direct(t, c.put(t, slide, filepath.Base(slide)))
	if r.State != "done" {
		t.Fatalf("report %+v of %s", r, slide)
	}
	return r.Path
}

// TestFrontsOfTiles has the tiles function behind a REST API, and before another
// one with libvips.
func TestFrontsOfTiles(t *testing.T) {
	c := start(t)
	own := tileOf(c.imported(t, ownSVS(t)))
	t.Run("REST API", func(t *testing.T) { c.byREST(t, own) })
	t.Run("forwarding", func(t *testing.T) { c.forwards(t, own) })
}

func tileOf(path string) string { return "/image/" + path + "/tile/level/0/tx/0/ty/0" }

// byREST: payload version 1.0 gives the bytes that the function's URL gives with 2.0.
func (c *cloud) byREST(t *testing.T, tile string) {
	api := front(t, &runtimetest.Front{Function: c.run(t, "tiles"), Stage: "prod", REST: true})
	_, want := get(t, c.tiles+tile, "Accept", "image/jpeg")
	resp, body := get(t, api+tile, "Accept", "image/jpeg")
	if _, err := jpeg.Decode(bytes.NewReader(body)); err != nil || resp.StatusCode != http.StatusOK || !bytes.Equal(body, want) {
		t.Fatalf("status %d, %d bytes, want the %d of the function URL: %v", resp.StatusCode, len(body), len(want), err)
	}
	if resp, body := get(t, api+tile, "Accept", "image/jpeg", "If-None-Match", resp.Header.Get("ETag")); resp.StatusCode != http.StatusNotModified || len(body) != 0 {
		t.Errorf("with its ETag: status %d, %d bytes", resp.StatusCode, len(body))
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, api+tile, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Accept", "image/jpeg")
	head, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer head.Body.Close()
	if head.StatusCode != http.StatusOK || head.ContentLength != int64(len(want)) {
		t.Errorf("HEAD: status %d, length %d, want %d", head.StatusCode, head.ContentLength, len(want))
	}
}

// forwards: a package without libvips refuses what needs it and, with
// FORWARD_URL, gives the other function's answer. That is below a path, as it is
// in infra/terraform.
func (c *cloud) forwards(t *testing.T, own string) {
	withLibvips := runtimetest.BuildWithLibvips(t, testfiles.Root(t), "./functions/tiles")
	other := front(t, &runtimetest.Front{Function: runtimetest.Start(t, withLibvips, append(slices.Clone(c.environ), "API_BASE_PATH=/render")...)}) + "/render"
	buffered := front(t, &runtimetest.Front{Function: c.run(t, "tiles", "FORWARD_URL="+other)})
	streamed := front(t, &runtimetest.Front{Function: c.run(t, "tiles", "FORWARD_URL="+other, "LAMBDA_RESPONSE=stream")})
	check := func(t *testing.T, tile, accept string, status int, code string) {
		resp, body := get(t, c.tiles+tile, "Accept", accept)
		var problem struct{ Type string }
		if err := json.Unmarshal(body, &problem); err != nil || resp.StatusCode != status || problem.Type != "urn:pims:problem:"+code {
			t.Errorf("without libvips: status %d, want %d %s, %v: %.300s", resp.StatusCode, status, code, err, body)
		}
		resp, want := get(t, other+tile, "Accept", accept)
		if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != accept {
			t.Fatalf("with libvips: status %d, %v: %.300s", resp.StatusCode, resp.Header, want)
		}
		for name, url := range map[string]string{"buffered": buffered, "streamed": streamed} {
			resp, body := get(t, url+tile, "Accept", accept)
			if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != accept || !bytes.Equal(body, want) {
				t.Errorf("%s: status %d, %v, %d bytes, want the %d of the other", name, resp.StatusCode, resp.Header, len(body), len(want))
			}
		}
	}
	t.Run("WebP", func(t *testing.T) { check(t, own, "image/webp", http.StatusNotAcceptable, "not-acceptable") })
	t.Run("JPEG 2000", func(t *testing.T) {
		slide := testfiles.Shared(t, "svs-jpeg2000/tcga-cr-7395-01a-01-ts1.svs")
		check(t, tileOf(c.imported(t, slide)), "image/png", http.StatusNotImplemented, "codec-needs-libvips")
	})
}
