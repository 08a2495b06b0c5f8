package httpapi_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// work runs the import loop until the test ends.
func (s *service) work() {
	s.t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = importer.Work(ctx, s.queue, s.importer, 1, slog.New(slog.DiscardHandler))
	}()
	s.t.Cleanup(func() { stop(); <-done })
}

// form is a multipart body of files, name and content alternating.
func form(t *testing.T, files ...string) (contentType, body string) {
	t.Helper()
	var out bytes.Buffer
	w := multipart.NewWriter(&out)
	for i := 0; i < len(files); i += 2 {
		part, err := w.CreateFormFile("files[]", files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), out.String()
}

type uploaded struct {
	Status       int
	Name, Size   string
	UploadedFile struct{ ID, Path, State string }
	Images       []struct{ Image struct{ Width int } }
}

func svs(t *testing.T) string {
	t.Helper()
	body, err := os.ReadFile(testfiles.Own(t, "svs/rgb-240.svs"))
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestUploadIsStoredQueuedAndImported(t *testing.T) {
	s := newService(t, "")
	content := svs(t)
	contentType, body := form(t, "my slide (1).svs", content, "notes.txt", "no slide")
	var answers []uploaded
	decode(t, s.send("POST", "/upload?idStorage=5", body, "Content-Type: "+contentType).want(t, http.StatusOK), &answers)
	if len(answers) != 2 || answers[0].Name != "my-slide--1-.svs" || answers[0].Size != itoa(len(content)) ||
		answers[0].UploadedFile.State != "queued" || answers[0].Status != 200 {
		t.Fatalf("the answers are %+v", answers)
	}
	s.work()
	last := s.follow(answers[0].UploadedFile.ID)
	if last.State != importer.StateDone {
		t.Fatalf("the import ended as %s: %+v", last.State, last.Error)
	}
	s.get("/image/"+answers[0].UploadedFile.Path+"/thumb.jpg").want(t, http.StatusOK)
	failed := s.follow(answers[1].UploadedFile.ID)
	if failed.State != importer.StateFailed || failed.Error == nil {
		t.Fatalf("a text file ended as %+v", failed)
	}
	got := s.get("/image/"+answers[1].UploadedFile.Path+"/info").want(t, http.StatusNotFound)
	if !strings.Contains(string(got.body), `"state":"failed"`) {
		t.Errorf("the failed import answers %s", got.body)
	}
	s.list(t, answers)
	s.deletes(t, answers)
}

// follow reads the event stream to its end.
func (s *service) follow(id string) importer.Report {
	s.t.Helper()
	response, err := http.Get(s.url + "/imports/" + id + "/events")
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Header.Get("Content-Type"); got != "text/event-stream" {
		s.t.Fatalf("events are %q", got)
	}
	var last importer.Report
	events := 0
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		events++
		if err := json.Unmarshal([]byte(data), &last); err != nil {
			s.t.Fatalf("event %q: %v", data, err)
		}
	}
	if events == 0 {
		s.t.Fatal("the stream ended without an event")
	}
	var stored importer.Report
	decode(s.t, s.get("/imports/"+id).want(s.t, http.StatusOK), &stored)
	if stored.State != last.State {
		s.t.Errorf("the last event says %s, the report %s", last.State, stored.State)
	}
	return last
}

func (s *service) list(t *testing.T, answers []uploaded) {
	t.Helper()
	type page struct {
		Items []struct {
			ID, Name, State string
			Width           *int
		}
		Size int
		Next *string
	}
	states := map[string]string{}
	for url := "/slides?limit=1"; url != ""; {
		var p page
		decode(t, s.get(url).want(t, http.StatusOK), &p)
		for _, item := range p.Items {
			states[item.ID] = item.State
		}
		url = ""
		if p.Next != nil {
			url = "/slides?limit=1&after=" + *p.Next
		}
	}
	if len(states) != 2 || states[answers[0].UploadedFile.ID] != "done" || states[answers[1].UploadedFile.ID] != "failed" {
		t.Errorf("the list has %v", states)
	}
	s.get("/slides?limit=0").want(t, http.StatusUnprocessableEntity)
}

func (s *service) deletes(t *testing.T, answers []uploaded) {
	t.Helper()
	s.send("DELETE", "/image/"+answers[0].UploadedFile.ID+"/else.svs", "").want(t, http.StatusNotFound)
	for _, a := range answers {
		path := "/image/" + a.UploadedFile.Path
		if got := s.send("DELETE", path, "").want(t, http.StatusOK); len(got.body) != 0 {
			t.Errorf("DELETE answers %s", got.body)
		}
		s.get(path+"/info").want(t, http.StatusNotFound)
		s.send("DELETE", path, "").want(t, http.StatusNotFound)
		s.get("/imports/"+a.UploadedFile.ID).want(t, http.StatusNotFound)
	}
}

func TestSynchronousUploadAnswersWithTheImage(t *testing.T) {
	s := newService(t, "")
	s.work()
	contentType, body := form(t, "a.svs", svs(t))
	var answers []uploaded
	decode(t, s.send("POST", "/upload?sync=true", body, "Content-Type: "+contentType).want(t, http.StatusOK), &answers)
	if len(answers) != 1 || len(answers[0].Images) != 1 || answers[0].Images[0].Image.Width == 0 {
		t.Errorf("the answer is %+v", answers)
	}
}

func TestSynchronousUploadOfNoSlideIsThePIMSError(t *testing.T) {
	s := newService(t, "")
	s.work()
	contentType, body := form(t, "a.txt", "no slide at all")
	got := s.send("POST", "/upload?sync=true", body, "Content-Type: "+contentType).want(t, http.StatusBadRequest)
	var failures []struct {
		Status int
		Error  string
		Files  []struct{ Error string }
	}
	decode(t, got, &failures)
	if len(failures) != 1 || failures[0].Status != 500 || failures[0].Error == "" || len(failures[0].Files) != 1 {
		t.Errorf("the answer is %s", got.body)
	}
}

func TestEventsEndWhereNothingCanBeFlushed(t *testing.T) {
	s := newService(t, "")
	contentType, body := form(t, "a.svs", svs(t))
	var answers []uploaded
	decode(t, s.send("POST", "/upload", body, "Content-Type: "+contentType).want(t, http.StatusOK), &answers)
	w := &buffered{header: http.Header{}}
	s.handler.ServeHTTP(w, httptest.NewRequest("GET", "/imports/"+answers[0].UploadedFile.ID+"/events", nil))
	if got := w.body.String(); !strings.HasPrefix(got, "data: {") || !strings.Contains(got, `"state":"queued"`) {
		t.Errorf("a buffering platform gets %q", got)
	}
}

// buffered is a platform that sends nothing before the handler returns.
type buffered struct {
	header http.Header
	body   bytes.Buffer
}

func (b *buffered) Header() http.Header         { return b.header }
func (b *buffered) WriteHeader(int)             {}
func (b *buffered) Write(p []byte) (int, error) { return b.body.Write(p) }

func TestBrokenUploadsAreRefusedAndLeaveNothing(t *testing.T) {
	s := newService(t, "")
	contentType, body := form(t, "a.svs", "content")
	for name, row := range map[string]struct {
		contentType, body string
		status            int
	}{
		"no form":     {"application/json", "{}", 400},
		"no boundary": {"multipart/form-data", body, 400},
		"cut off":     {contentType, body[:len(body)-30], 400},
		"no file":     {contentType, body[strings.LastIndex(body, "--"+contentType[30:]):], 400},
		"too large":   {contentType, strings.Replace(body, "content", strings.Repeat("x", 65<<20), 1), 413},
	} {
		got := s.send("POST", "/upload", row.body, "Content-Type: "+row.contentType)
		if got.StatusCode != row.status || !strings.Contains(string(got.body), `"files":[{"size":0,"error":"`) {
			t.Errorf("%s: %d %.300s, want %d", name, got.StatusCode, got.body, row.status)
		}
	}
	for object, err := range s.uploads.List(t.Context(), "") {
		t.Errorf("left in the uploads store: %+v %v", object, err)
	}
	waiting, working, err := s.queue.Depth(t.Context())
	if err != nil || waiting+working != 0 {
		t.Errorf("the queue has %d waiting and %d working (%v)", waiting, working, err)
	}
}
