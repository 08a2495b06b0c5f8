// Package access_test holds the server and the functions to what docs/security.md
// promises: they decide alike, by whatever front a credential comes; and whatever
// is asked, and whatever the store answers, no credential is in a log line, a
// metric or a trace.
package access_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/lambdaadapter/runtimetest"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/test/issuer"
	"github.com/pims-cloud/pims/test/pimsserver"
	"github.com/pims-cloud/pims/test/s3gateway"
)

func TestMain(m *testing.M) { s3gateway.Main(m) }

// world is a store behind a spy, a server that takes tokens and grants, and what
// functions over the same store need.
type world struct {
	t       *testing.T
	issuer  *issuer.Issuer
	spy     *spy
	traces  *collector
	server  *pimsserver.Server
	path    string            // of a slide
	binary  map[string]string // of the functions
	environ []string          // of everything but the server
}

func TestAccess(t *testing.T) {
	w := start(t)
	t.Run("server and functions decide alike", func(t *testing.T) { w.in(t).decideAlike() })
	t.Run("no credential is told", func(t *testing.T) { w.in(t).tellNothing() })
}

func start(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, issuer: issuer.Start(t), binary: map[string]string{}}
	var collectorURL, spyURL string
	collectorURL, w.traces = newCollector(t)
	w.server = pimsserver.StartBehind(t, func(gateway string) string {
		spyURL, w.spy = newSpy(t, gateway)
		return spyURL
	}, append(w.issuer.Env("jwt,signed"), "LOG_LEVEL=debug", "EXPORT_LINK=1m", "STORE_ATTEMPTS=1",
		"OTEL_EXPORTER_OTLP_ENDPOINT="+collectorURL, "OTEL_BSP_SCHEDULE_DELAY=50")...)
	w.environ = append(w.server.Gateway.Env(), "AWS_ENDPOINT_URL_S3="+spyURL, "LOG_LEVEL=debug", "LOG_FORMAT=json", "EXPORT_LINK=1m", "STORE_ATTEMPTS=1",
		"STORE_URL=s3://"+pimsserver.SlidesBucket+"/"+pimsserver.SlidesPrefix, "UPLOADS_URL=s3://"+pimsserver.UploadsBucket+"/"+pimsserver.UploadsPrefix,
		"QUEUE_URL=http://sqs.invalid/000000000000/imports")
	for _, name := range []string{"tiles", "metadata"} {
		w.binary[name] = runtimetest.Build(t, testfiles.Root(t), "./functions/"+name)
	}
	w.path = w.upload()
	return w
}

// function starts one of the functions.
func (w *world) function(name string, more ...string) *runtimetest.Function {
	return runtimetest.Start(w.t, w.binary[name], slices.Concat(w.environ, more)...)
}

// front gives the address of a front.
func (w *world) front(f *runtimetest.Front) string {
	server := httptest.NewServer(f)
	w.t.Cleanup(server.Close)
	return server.URL
}

// in is the world within a subtest.
func (w *world) in(t *testing.T) *world {
	inner := *w
	inner.t = t
	return &inner
}

// upload brings a slide by presigned parts and waits until it can be seen.
func (w *world) upload() (path string) {
	t := w.t
	admin := "Authorization: Bearer " + w.issuer.Token(t, "pims:read pims:write", "", time.Hour)
	data, err := os.ReadFile(testfiles.Own(t, "svs/rgb-240.svs"))
	if err != nil {
		t.Fatal(err)
	}
	var u struct {
		ID    string
		Parts []struct {
			URL     string
			Headers map[string]string
		}
	}
	w.decode(w.text("POST", "/uploads", fmt.Sprintf(`{"name":"a.svs","size":%d}`, len(data)), admin), &u)
	if len(u.Parts) != 1 {
		t.Fatalf("the upload is %+v", u)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, u.Parts[0].URL, strings.NewReader(string(data)))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range u.Parts[0].Headers {
		request.Header.Set(name, value)
	}
	sent, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	sent.Body.Close()
	var file struct{ ID, Path string }
	w.decode(w.text("POST", "/uploads/"+u.ID+"/complete", "", admin), &file)
	deadline := time.Now().Add(time.Minute)
	for {
		var report struct{ State string }
		w.decode(w.text("GET", "/imports/"+file.ID, "", admin), &report)
		if report.State == "done" {
			return file.Path
		}
		if report.State == "failed" || time.Now().After(deadline) {
			t.Fatalf("the import is %q\n%s", report.State, w.server.Log())
		}
		time.Sleep(20 * time.Millisecond) // polling, with a deadline
	}
}

func (w *world) decode(text string, out any) {
	w.t.Helper()
	if err := json.Unmarshal([]byte(text), out); err != nil {
		w.t.Fatalf("%v in %.300s", err, text)
	}
}

// text is the body of the server's answer.
func (w *world) text(method, target, body string, headers ...string) string {
	return w.ask(w.server.URL, method, target, body, headers...).body
}

// answer is what a program said, with its body read.
type answer struct {
	*http.Response
	body string
}

// ask makes a request and follows no redirect.
func (w *world) ask(server, method, target, body string, headers ...string) answer {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), method, server+target, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Accept", "*/*")
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		request.Header.Add(name, value)
	}
	reply, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		w.t.Fatal(err)
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	w.spy.note(string(text) + reply.Header.Get("Location"))
	return answer{reply, string(text)}
}
