package localstack_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/lambdaadapter/runtimetest"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// TestSmokeWhatIsTooLongForAFunctionIsTheWorkers: the function of conversions
// sends it on to a third queue, where a worker, which need not run before, takes
// it; what is seen meanwhile is the slide as it came.
func TestSmokeWhatIsTooLongForAFunctionIsTheWorkers(t *testing.T) {
	c := connectTo(t)
	c.configure(t, "convert", "CONVERT_LONGEST", "1ns")
	job := c.put(t, withoutPyramid(t), "too long.tif")
	r := c.final(t, job)
	if r.State != importer.StateDone || !r.Viewable || r.Conversion == nil {
		t.Fatalf("report %+v", r)
	}
	large := c.settings.Queues["large"].Name
	wait(t, "the conversion to be left to a worker", func() bool {
		return c.attributes(t, large)["ApproximateNumberOfMessages"] != "0"
	})

	address := c.worker(t, large)
	wait(t, "the worker to convert", func() bool {
		if next := c.report(t, job); next != nil {
			r = next
		}
		return r.Conversion.State == importer.ConversionDone || r.Conversion.State == importer.ConversionFailed
	})
	if r.Conversion.State != importer.ConversionDone || r.Conversion.Levels < 2 {
		t.Fatalf("conversion %+v", r.Conversion)
	}
	wait(t, "the queue of large conversions to be empty", func() bool {
		a := c.attributes(t, large)
		return a["ApproximateNumberOfMessages"] == "0" && a["ApproximateNumberOfMessagesNotVisible"] == "0"
	})
	for path, want := range map[string]string{"/ready": `{"ready":true}`, "/metrics": `pims_import_stage_seconds_count{stage="converting"} 1`} {
		wait(t, "the worker's "+path+" to have "+want, func() bool {
			resp, body := request(t, address+path)
			return resp.StatusCode == http.StatusOK && strings.Contains(string(body), want)
		})
	}
	if resp, body := c.get(t, "tiles", firstTile(r.Path), "Accept", "image/png"); resp.StatusCode != http.StatusOK {
		t.Errorf("tile: status %d: %.300s", resp.StatusCode, body)
	}
}

func request(t *testing.T, address string) (*http.Response, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return do(t, r)
}

// configure gives a function another setting until the test ends.
func (c *cloud) configure(t *testing.T, function, name, value string) {
	t.Helper()
	type configuration struct {
		Environment struct{ Variables map[string]string }
	}
	path := "/2015-03-31/functions/" + c.name(function) + "/configuration"
	var before configuration
	c.lambda(t, path, &before)
	set := func(ctx context.Context, variables map[string]string) {
		var wanted, got configuration
		wanted.Environment.Variables = variables
		body, err := json.Marshal(wanted)
		if err != nil {
			t.Fatal(err)
		}
		c.callLambda(ctx, t, http.MethodPut, path, body, &got)
		wait(t, function+" to have its settings", func() bool {
			var state struct{ State, LastUpdateStatus string }
			c.callLambda(ctx, t, http.MethodGet, path, nil, &state)
			return state.State == "Active" && state.LastUpdateStatus == "Successful"
		})
	}
	changed := maps.Clone(before.Environment.Variables)
	changed[name] = value
	set(t.Context(), changed)
	t.Cleanup(func() { set(context.Background(), before.Environment.Variables) })
}

// worker runs pims worker on a queue of conversions, as its module of Terraform
// does, until the test ends, and gives its address.
func (c *cloud) worker(t *testing.T, queue string) string {
	t.Helper()
	cmd := exec.Command(runtimetest.Build(t, testfiles.Root(t), "./cmd/pims"), "worker", "--queues", "convert")
	cmd.Dir = t.TempDir()
	cmd.Env = append(cmd.Environ(), "STORE_URL="+c.slides.URL(), "UPLOADS_URL="+c.uploads.URL(), "S3_PATH_STYLE=true",
		"QUEUE_URL="+c.queueURL(c.settings.Queues["import"].Name), "QUEUE_CONVERT_URL="+c.queueURL(queue), "WORKER_LISTEN=127.0.0.1:0")
	var log bytes.Buffer // read when the process has ended
	cmd.Stderr = &log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		stubborn := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
		defer stubborn.Stop()
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Errorf("the worker ended with %v:\n%s", err, log.String())
		}
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if health, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "health"); ok {
			return strings.TrimSuffix(strings.TrimSpace(health), "/ping")
		}
	}
	t.Fatal("the worker did not tell its address")
	return ""
}
