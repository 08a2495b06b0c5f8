package telemetry_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/objectstore"
	"github.com/pims-cloud/pims/internal/objectstore/memory"
	"github.com/pims-cloud/pims/internal/telemetry"
	"github.com/pims-cloud/pims/internal/telemetry/timing"
	"github.com/pims-cloud/pims/source"
)

func logFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "log.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestLevelsAndFormatsByName(t *testing.T) {
	var out bytes.Buffer
	loggers, err := telemetry.NewLoggers(telemetry.Config{Format: telemetry.Text, File: logFile(t, `
level: warning
loggers:
  import: debug
  import.probe: {format: json}
  pims.access:
    level: ERROR
    handlers: [console]
`)}, &out)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]slog.Level{
		"": slog.LevelWarn, "http": slog.LevelWarn, "import": slog.LevelDebug, "import.probe.svs": slog.LevelDebug,
		"access": slog.LevelError, "importer": slog.LevelWarn,
	} {
		log := loggers.For(name)
		if !log.Enabled(t.Context(), want) || log.Enabled(t.Context(), want-1) {
			t.Errorf("logger %q does not have level %v", name, want)
		}
	}
	loggers.For("import.probe").Debug("hello", "n", 1)
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line["logger"] != "import.probe" || line["msg"] != "hello" {
		t.Errorf("not JSON with the logger's name: %s", out.String())
	}
	out.Reset()
	loggers.For("import").Info("hello")
	if !strings.Contains(out.String(), "logger=import") {
		t.Errorf("not text: %s", out.String())
	}
}

func TestPythonsLoggingFileIsRead(t *testing.T) {
	loggers, err := telemetry.NewLoggers(telemetry.Config{File: logFile(t, `
version: 1
disable_existing_loggers: false
formatters: {f: {format: '[%(asctime)s] %(message)s'}}
handlers: {console: {class: logging.StreamHandler, formatter: f}}
loggers:
  pims: {level: INFO, handlers: [console], propagate: no}
  pims.formats: {level: CRITICAL}
root: {level: ERROR, handlers: [console]}
`)}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if !loggers.For("app").Enabled(t.Context(), slog.LevelInfo) || loggers.For("formats").Enabled(t.Context(), slog.LevelWarn) {
		t.Error("levels of pims and pims.formats are not those of the file")
	}
}

func TestBadLogFilesAreTold(t *testing.T) {
	for text, want := range map[string]string{
		"level: loud":                       "debug, info, warning or error",
		"loggers: {a: {level: loud}}":       `line 1: "loud"`,
		"loggers: {a: {colour: red}}":       "expected level or format",
		"loggers: [a]":                      "expected YAML",
		"levels: {a: info}":                 "expected YAML",
		"\tx":                               "expected YAML",
		"loggers: {a: [debug]}":             "expected a level",
		"a: &a [*a]\nloggers: {b: *a}":      "expected",
		"format: xml":                       "text or json",
		strings.Repeat("# filler\n", 200e3): "bytes",
	} {
		cfg := telemetry.Config{File: logFile(t, text)}
		err := cfg.Validate()
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Sentence(err), want) || !strings.Contains(fault.Sentence(err), "LOG_CONFIG_FILE") {
			t.Errorf("%.40q: got %v, want %q in it", text, err, want)
		}
	}
	if err := (telemetry.Config{File: "/nowhere/log.yml"}).Validate(); fault.KindOf(err) != fault.Invalid {
		t.Errorf("a missing file: %v", err)
	}
}

// served runs one request through Access over a real socket.
func served(t *testing.T, h http.HandlerFunc, header ...string) (*http.Response, string, map[string]any, telemetry.Served) {
	t.Helper()
	var out bytes.Buffer
	log, err := telemetry.NewLogger(telemetry.Config{Format: telemetry.JSON}, &out)
	if err != nil {
		t.Fatal(err)
	}
	var seen telemetry.Served
	mux := http.NewServeMux()
	mux.HandleFunc("GET /slide/{id}", h)
	server := httptest.NewServer(telemetry.Access(mux, log, func(s telemetry.Served) { seen = s }))
	r, err := http.NewRequest(http.MethodGet, server.URL+"/slide/7?signature=secret", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(r)
	var body []byte
	if err == nil {
		body, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	server.Close() // after the line was written
	if strings.Contains(out.String(), "secret") {
		t.Errorf("the query is in the log: %s", out.String())
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	line := map[string]any{}
	if jsonErr := json.Unmarshal([]byte(lines[len(lines)-1]), &line); jsonErr != nil {
		t.Fatalf("%v: %s", jsonErr, out.String())
	}
	line["all"] = out.String()
	if err != nil {
		line["client"] = err
	}
	return resp, string(body), line, seen
}

func TestOneLineTellsWhatARequestCost(t *testing.T) {
	store := objectstore.New(objectstore.Meter(memory.New()))
	if _, err := store.Put(t.Context(), "a", strings.NewReader("0123456789"), 10, objectstore.PutOptions{}); err != nil {
		t.Fatal(err)
	}
	resp, body, line, seen := served(t, func(w http.ResponseWriter, r *http.Request) {
		data, err := store.ReadRanges(r.Context(), "a", "", []source.Range{{Offset: 2, Length: 4}})
		if err != nil {
			t.Error(err)
			return
		}
		w.Header().Set("X-Pims-Cache", "MISS")
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write(data[0])
	}, "X-Request-Id", "trace-1:2/3=")
	if body != "2345" || resp.StatusCode != 202 || resp.Header.Get("X-Request-Id") != "trace-1:2/3=" {
		t.Fatalf("%d %q %v", resp.StatusCode, body, resp.Header)
	}
	for name, want := range map[string]any{"method": "GET", "path": "/slide/7", "status": 202.0, "cache": "MISS",
		"reads": 1.0, "read_bytes": 4.0, "sent": 4.0, "request": "trace-1:2/3="} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v: %v", name, line[name], want, line["all"])
		}
	}
	if seen.Route != "GET /slide/{id}" || seen.Reads != 1 || seen.Status != 202 {
		t.Errorf("observed %+v", seen)
	}
}

func TestARequestIDThatCouldBreakALineIsReplaced(t *testing.T) {
	for _, id := range []string{"", "a b", `"`, strings.Repeat("x", 129), "ü"} {
		resp, _, line, _ := served(t, func(http.ResponseWriter, *http.Request) {}, "X-Request-Id", id)
		got := resp.Header.Get("X-Request-Id")
		if got == id || len(got) != 32 || line["request"] != got {
			t.Errorf("%q became %q, logged %v", id, got, line["request"])
		}
	}
}

func TestAPanicIsContained(t *testing.T) {
	resp, body, line, seen := served(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("ETag", `"of the reply that is not coming"`)
		panic(errors.New("the password is hunter2"))
	})
	if resp.StatusCode != 500 || seen.Status != 500 || strings.Contains(body, "hunter2") || resp.Header.Get("ETag") != "" {
		t.Errorf("status %d, ETag %q, body %s", resp.StatusCode, resp.Header.Get("ETag"), body)
	}
	var problem struct{ Title, Details, Detail, Code string }
	if err := json.Unmarshal([]byte(body), &problem); err != nil || problem.Code != "internal" || problem.Details != problem.Detail {
		t.Errorf("body %s, %v", body, err)
	}
	if all := fmt.Sprint(line["all"]); !strings.Contains(all, "hunter2") || !strings.Contains(all, "telemetry_test.go") {
		t.Errorf("the log has no cause or no stack: %s", all)
	}
}

func TestAReplyThatBreaksOffIsCut(t *testing.T) {
	for name, cause := range map[string]any{"abort": http.ErrAbortHandler, "panic": "late"} {
		_, body, line, _ := served(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("a part"))
			_ = http.NewResponseController(w).Flush()
			panic(cause)
		})
		if line["client"] == nil || line["cut"] != true {
			t.Errorf("%s: the client took %q for the whole; %v", name, body, line["all"])
		}
	}
}

func TestAnswersAreClassified(t *testing.T) {
	for want, h := range map[timing.Class]http.HandlerFunc{
		timing.Passthrough: func(_ http.ResponseWriter, r *http.Request) { timing.Classify(r.Context(), timing.Passthrough) },
		timing.Hit: func(w http.ResponseWriter, r *http.Request) {
			timing.Classify(r.Context(), timing.Rendered) // another's flight, or Redis, had it meanwhile
			w.Header().Set("X-Pims-Cache", "HIT")
		},
		timing.NotModified: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Pims-Cache", "HIT")
			w.WriteHeader(http.StatusNotModified)
		},
		timing.Refused: func(w http.ResponseWriter, r *http.Request) {
			timing.Classify(r.Context(), timing.Rendered)
			w.WriteHeader(http.StatusServiceUnavailable)
		},
		timing.Other: func(http.ResponseWriter, *http.Request) {},
	} {
		if _, _, _, seen := served(t, h); seen.Class != want {
			t.Errorf("an answer is of class %s, want %s", seen.Class, want)
		}
	}
}

func TestInstrumentsHaveTheirNames(t *testing.T) {
	seen := map[string]bool{}
	for i, d := range telemetry.Instruments() {
		if d.Prometheus == "" || d.CloudWatch == "" || d.Unit == "" || d.Help == "" || seen[d.Prometheus] || seen[d.CloudWatch] {
			t.Errorf("instrument %d is not whole, or has the name of another: %+v", i, d)
		}
		seen[d.Prometheus], seen[d.CloudWatch] = true, true
	}
}

func TestBadNamespacesAreTold(t *testing.T) {
	for _, name := range []string{"", "AWS/Lambda", "a b", strings.Repeat("x", 256)} {
		err := telemetry.MetricsConfig{Namespace: name}.Validate()
		if fault.KindOf(err) != fault.Invalid || !strings.Contains(fault.Sentence(err), "METRICS_NAMESPACE") {
			t.Errorf("%.20q: %v", name, err)
		}
	}
	if err := (telemetry.MetricsConfig{Namespace: "PIMS/slides"}).Validate(); err != nil {
		t.Error(err)
	}
}
