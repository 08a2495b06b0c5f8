package localstack_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/internal/transfer"
)

// restHost is that of the REST API; its stage is the first part of each path.
func (c *cloud) restHost() string {
	return c.settings.Name + ".execute-api.localhost:" + c.endpoint.Port()
}

const restStage = "/prod"

// TestSmokeARESTAPIGivesWhatTheFunctionsGive: payloads of version 1.0, by API
// Gateway's own reading of paths, headers and binary bodies.
func TestSmokeARESTAPIGivesWhatTheFunctionsGive(t *testing.T) {
	c := connectTo(t)
	data, err := os.ReadFile(testfiles.Own(t, "svs/ycbcr-256.svs"))
	if err != nil {
		t.Fatal(err)
	}
	client := transfer.New("http://"+c.restHost()+restStage, "", "", 1)
	client.HTTP.Transport = c.transport()
	job, err := sendParts(t, client, "by REST ü.svs", append(data, "by REST"...), 1)
	if err != nil {
		t.Fatal(err)
	}
	r := c.final(t, job)
	if r.State != importer.StateDone {
		t.Fatalf("report %+v", r)
	}

	ask := func(method, path string, header ...string) (*http.Response, []byte) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, c.endpoint.String()+restStage+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Host = c.restHost()
		for i := 0; i < len(header); i += 2 {
			request.Header.Set(header[i], header[i+1])
		}
		return do(t, request)
	}
	resp, body := ask(http.MethodGet, "/image/"+r.Path+"/info")
	var info struct{ Image struct{ Width, Height int } }
	if err := json.Unmarshal(body, &info); err != nil || resp.StatusCode != http.StatusOK || info.Image.Width != r.Width || info.Image.Height != r.Height {
		t.Errorf("info: status %d, %v: %.300s", resp.StatusCode, err, body)
	}
	_, want := c.get(t, "tiles", firstTile(r.Path), "Accept", "image/jpeg")
	resp, tile := ask(http.MethodGet, firstTile(r.Path), "Accept", "image/jpeg")
	if resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "image/jpeg" || len(want) == 0 || !bytes.Equal(tile, want) {
		t.Fatalf("tile: status %d, %v, %d bytes, want the %d of the function's address", resp.StatusCode, resp.Header, len(tile), len(want))
	}
	if resp, body := ask(http.MethodGet, firstTile(r.Path), "Accept", "image/jpeg", "If-None-Match", resp.Header.Get("ETag")); resp.StatusCode != http.StatusNotModified || len(body) != 0 {
		t.Errorf("with its ETag: status %d, %d bytes", resp.StatusCode, len(body))
	}
	if resp, _ := ask(http.MethodHead, firstTile(r.Path), "Accept", "image/jpeg"); resp.StatusCode != http.StatusOK {
		t.Errorf("HEAD: status %d", resp.StatusCode)
	}
	// A picture by query, with a parameter twice, and a path with escapes.
	thumb := strings.ReplaceAll(r.Path, "-", "%2D") + "/thumb?length=64&channels=0&channels=1"
	_, want = c.get(t, "metadata", "/image/"+thumb, "Accept", "image/png")
	if resp, body := ask(http.MethodGet, "/image/"+thumb, "Accept", "image/png"); resp.StatusCode != http.StatusOK || !bytes.Equal(body, want) {
		t.Errorf("thumb: status %d, %d bytes, want %d: %.300s", resp.StatusCode, len(body), len(want), body)
	}
}
