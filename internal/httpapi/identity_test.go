package httpapi_test

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/render"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/internal/telemetry"
)

func (s *service) version(path string) string {
	s.t.Helper()
	id, _, _ := slide.PathID(path)
	open, err := s.catalog.Open(context.Background(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return open.Version()
}

// deepZoomTop is the number of Deep Zoom's finest level.
func (s *service) deepZoomTop(path string) int {
	s.t.Helper()
	id, _, _ := slide.PathID(path)
	open, err := s.catalog.Open(context.Background(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	d := &open.Manifest().Description
	return len(render.DeepZoom(d.Width, d.Height)) - 1
}

func TestTagsAreStrongWhereBytesAreTheSources(t *testing.T) {
	s := newService(t, "")
	native, normalised := s.own("svs/rgb-240.svs"), s.own("svs/ycbcr-256.svs")
	top := "/" + strconv.Itoa(s.deepZoomTop(normalised)) + "/0_0.jpg"
	for url, strong := range map[string]bool{
		native + "/tile/level/0/ti/0.jpg":                               true,
		native + "/tile/level/0/ti/0.jpg?gammas=1":                      true, // the same picture
		normalised + "/normalized-tile/level/0/ti/0.jpg":                true,
		normalised + "_files" + top:                                     true,
		native + "/normalized-tile/level/0/ti/0.jpg":                    false,
		native + "/tile/level/0/ti/0.png":                               false,
		native + "/tile/level/0/ti/0.jpg?gammas=2":                      false,
		native + "/thumb.jpg":                                           false,
		normalised + "/normalized-tile/level/0/ti/0.jpg?channels=0":     false,
		normalised + "/normalized-tile/level/0/ti/0.jpg?channels=0,1,2": true,
	} {
		tag := s.get("/image/"+url).want(t, http.StatusOK).Header.Get("ETag")
		form := regexp.MustCompile(`^(W/)?"[0-9a-f]{32}"$`)
		if !form.MatchString(tag) || strings.HasPrefix(tag, "W/") == strong {
			t.Errorf("%s has the ETag %s, want a strong one: %t", url, tag, strong)
		}
	}
}

func TestURLThatNamesTheVersionNeedNeverBeAskedForAgain(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/ycbcr-256.svs")
	version := s.version(path)
	const revalidate, immutable = "private,must-revalidate,max-age=86400", "public, immutable, max-age=31536000"
	for _, end := range []string{"/tile/level/0/ti/0.jpg", "_files/9/0_0.jpg", ".dzi", "/info"} {
		url := "/image/" + path + end
		without := s.get(url).want(t, http.StatusOK)
		with := s.get(url+"?v="+version).want(t, http.StatusOK)
		if a, b := without.Header.Get("Cache-Control"), with.Header.Get("Cache-Control"); a != revalidate || b != immutable {
			t.Errorf("%s: Cache-Control %q, with the version %q", end, a, b)
		}
		if without.Header.Get("ETag") != with.Header.Get("ETag") || string(without.body) != string(with.body) {
			t.Errorf("%s: naming the version changes the answer", end)
		}
		again := s.get(url+"?v="+version, "If-None-Match: "+with.Header.Get("ETag")).want(t, http.StatusNotModified)
		if got := again.Header.Get("Cache-Control"); got != immutable {
			t.Errorf("%s: a 304 has Cache-Control %q", end, got)
		}
	}
}

func TestOutdatedVersionIsSentToThePresentOne(t *testing.T) {
	s := newService(t, "/ims")
	path := s.own("svs/ycbcr-256.svs")
	version := s.version(path)
	for _, query := range []string{"v=0123456789abcdef", "gammas=2&v=old", "v="} {
		url := "/ims/image/" + path + "/tile/level/0/ti/0.jpg?" + query
		got := s.get(url)
		if query == "v=" { // names no version
			got.want(t, http.StatusOK)
			continue
		}
		got.want(t, http.StatusTemporaryRedirect)
		if got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("ETag") != "" {
			t.Errorf("a redirect that caches may keep: %v", got.Header)
		}
		to, err := got.Request.URL.Parse(got.Header.Get("Location"))
		if err != nil {
			t.Fatal(err)
		}
		followed := s.get(to.RequestURI()).want(t, http.StatusOK)
		if !strings.Contains(to.RawQuery, "v="+version) || !strings.Contains(followed.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s led to %s with Cache-Control %q", url, to, followed.Header.Get("Cache-Control"))
		}
	}
	body := s.send(http.MethodPost, "/ims/image/"+path+"/thumb?v=old", `{"length":10}`, "Content-Type: application/json", "Accept: image/png")
	body.want(t, http.StatusOK) // a POST names nothing that could be kept
}

func TestAnswersTellWhatTheyCost(t *testing.T) {
	s := newService(t, "")
	path := s.own("svs/rgb-240.svs")
	server := httptest.NewServer(telemetry.Access(s.handler, slog.New(slog.DiscardHandler)))
	defer server.Close()
	s.url = server.URL
	url := "/image/" + path + "/normalized-tile/level/0/ti/0.jpg"
	cold := s.get(url, "X-Pims-Debug: 1").want(t, http.StatusOK)
	if reads, bytes := cold.Header.Get("X-Pims-Source-Reads"), cold.Header.Get("X-Pims-Source-Bytes"); reads == "" || bytes == "" {
		t.Errorf("with X-Pims-Debug the answer tells reads %q and bytes %q", reads, bytes)
	}
	timings := cold.Header.Get("Server-Timing")
	for _, step := range []string{"open", "read", "decode", "encode", "total"} {
		if !regexp.MustCompile(`(^|, )` + step + `;dur=\d+(\.\d+)?(,|$)`).MatchString(timings) {
			t.Errorf("Server-Timing %q does not tell of %s", timings, step)
		}
	}
	warm := s.get(url, "If-None-Match: "+cold.Header.Get("ETag")).want(t, http.StatusNotModified)
	if got := warm.Header.Get("Server-Timing"); strings.Contains(got, "read") || !strings.Contains(got, "total;dur=") {
		t.Errorf("Server-Timing of a 304 is %q", got)
	}
	if got := warm.Header.Get("X-Pims-Source-Reads"); got != "" {
		t.Errorf("nobody asked, and X-Pims-Source-Reads is %q", got)
	}
}
