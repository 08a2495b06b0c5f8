package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/importer"
)

// received is one request that a receiver got.
type received struct {
	header http.Header
	body   []byte
}

// receiver answers with the statuses, one after the other, then 204.
func receiver(t *testing.T, statuses ...int) (url string, got chan received) {
	t.Helper()
	got = make(chan received, 100)
	next := make(chan int, 100)
	for _, status := range statuses {
		next <- status
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		got <- received{r.Header, body}
		select {
		case status := <-next:
			w.WriteHeader(status)
		default:
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	t.Cleanup(server.Close)
	return server.URL, got
}

func listener(t *testing.T, c Config, logTo io.Writer) *Listener {
	t.Helper()
	if c.Attempts == 0 {
		c.Attempts = 3
	}
	c.Timeout = 5 * time.Second
	l := New(c, slog.New(slog.NewTextHandler(logTo, nil)))
	l.pause = time.Millisecond
	return l
}

func event(name importer.EventName) importer.Event {
	return importer.Event{Name: name, Report: importer.Report{ID: "upload-1", State: importer.StateDone, Name: "a.svs"}}
}

func TestEventsAreSignedAndInOrder(t *testing.T) {
	url, got := receiver(t)
	l := listener(t, Config{URL: url, Secret: "s3cret"}, io.Discard)
	names := []importer.EventName{importer.StartFormatDetection, importer.EndFormatDetection, importer.EndSuccessfulImport}
	for _, name := range names {
		l.Notify(t.Context(), event(name))
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		r := <-got
		var body struct {
			Event, Delivery string
			At              time.Time
			Report          struct{ ID, State, Name string }
		}
		if err := json.Unmarshal(r.body, &body); err != nil {
			t.Fatal(err)
		}
		if body.Event != string(name) || r.header.Get("X-Pims-Event") != string(name) {
			t.Errorf("event %q (%q in the header), want %q", body.Event, r.header.Get("X-Pims-Event"), name)
		}
		if body.Delivery == "" || body.Delivery != r.header.Get("X-Pims-Delivery") || body.Report.ID != "upload-1" || body.At.IsZero() {
			t.Errorf("the body is %s", r.body)
		}
		want := Sign("s3cret", r.header.Get("X-Pims-Timestamp"), r.body)
		if got := r.header.Get("X-Pims-Signature"); got != want || len(got) != len("sha256=")+64 {
			t.Errorf("signature %q, want %q", got, want)
		}
	}
}

// echo -n '12.{}' | openssl dgst -sha256 -hmac key
func TestSignatureIsThatOfOpenSSL(t *testing.T) {
	const want = "sha256=043e30e1e15664dc97494d18e4110984bcbd2c4e6f3e19de9569dc1ea6d9b03e"
	if got := Sign("key", "12", []byte("{}")); got != want {
		t.Errorf("Sign is %s, want %s", got, want)
	}
}

func TestFailuresAreTriedAgainAsTheSameDelivery(t *testing.T) {
	url, got := receiver(t, http.StatusInternalServerError, http.StatusFound)
	var log bytes.Buffer
	l := listener(t, Config{URL: url}, &log)
	l.Notify(t.Context(), event(importer.EndSuccessfulImport))
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if len(got) != 3 {
		t.Fatalf("%d tries, want 3: the third is accepted", len(got))
	}
	first := <-got
	for range 2 {
		if again := <-got; again.header.Get("X-Pims-Delivery") != first.header.Get("X-Pims-Delivery") || !bytes.Equal(again.body, first.body) {
			t.Errorf("another try is another delivery: %s, first %s", again.body, first.body)
		}
	}
	if first.header.Get("X-Pims-Signature") != "" {
		t.Error("signed without a secret")
	}
	if log.Len() > 0 {
		t.Errorf("a delivered event is told as lost: %s", log.String())
	}
}

func TestWhatCanNotBeDeliveredIsLoggedWithoutTheURL(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	url := strings.Replace(server.URL, "http://", "http://user:password@", 1)
	server.Close() // nobody listens there any more
	var log bytes.Buffer
	l := listener(t, Config{URL: url, Attempts: 2}, &log)
	l.Notify(t.Context(), event(importer.ErrorNoFormat))
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); !strings.Contains(text, "error_no_format") || strings.Contains(text, "password") {
		t.Errorf("the log says %q", text)
	}
}

func TestAReceiverThatHangsHoldsNobodyUp(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(release)
	var log bytes.Buffer
	l := listener(t, Config{URL: server.URL, Attempts: 1}, &log)
	for range waiting + 10 { // none of these waits
		l.Notify(t.Context(), event(importer.StartIntegrityCheck))
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if err := l.Close(ended); err != nil { // nor does the end of the program
		t.Fatal(err)
	}
	if n := strings.Count(log.String(), "not delivered"); n < waiting+10 {
		t.Errorf("%d events are told as lost, want all %d", n, waiting+10)
	}
	l.Notify(t.Context(), event(importer.StartIntegrityCheck)) // after Close: told, no panic
}

func TestWaitDeliversBeforeTheImportGoesOn(t *testing.T) {
	url, got := receiver(t)
	l := listener(t, Config{URL: url, Wait: true}, io.Discard)
	l.Notify(t.Context(), event(importer.EndSuccessfulImport))
	if len(got) != 1 {
		t.Errorf("%d events were delivered when Notify returned, want 1", len(got))
	}
	if err := l.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestConfigNamesWhatIsWrong(t *testing.T) {
	good := Config{URL: "https://example.org/hook", Attempts: 5, Timeout: time.Second}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for name, change := range map[string]func(*Config){
		"WEBHOOK_URL":      func(c *Config) { c.URL = "ftp://example.org" },
		"WEBHOOK_ATTEMPTS": func(c *Config) { c.Attempts = 0 },
		"WEBHOOK_TIMEOUT":  func(c *Config) { c.Timeout = time.Hour },
	} {
		c := good
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
