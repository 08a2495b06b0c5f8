package localstack_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// TestNothingIsLostAndNothingImportedTwice: slides put at once, their events
// also duplicated and out of order, an import and a tile function killed; in the
// end each slide is there once and can be seen.
func TestNothingIsLostAndNothingImportedTwice(t *testing.T) {
	c := connectTo(t)
	c.quiet(t)
	c.redeliver(t, 15, c.settings.Queues["import"].MaxReceive)
	before := c.slidePrefixes(t)

	files, err := filepath.Glob(filepath.Join(testfiles.Root(t), "testdata", "pyrtiff", "*.tif"))
	if err != nil || len(files) < 8 {
		t.Fatalf("%v: %d files of testdata/pyrtiff (make fixtures writes them)", err, len(files))
	}
	jobs := c.putAtOnce(t, files[:8])
	for i := len(jobs) - 1; i >= 0; i -= 2 { // some again, the last first
		c.send(t, c.event(jobs[i]), c.event(jobs[i]))
	}
	jobs = append(jobs, c.killAnImport(t, testfiles.Own(t, "svs/rgb-240.svs"))...)

	tiles := map[string][]byte{}
	for _, job := range jobs {
		r := c.final(t, job)
		if r.State != importer.StateDone || !r.Viewable {
			t.Errorf("%s: report %+v", job.Upload.Key, r)
			continue
		}
		tiles[r.Path] = c.seen(t, r.Path)
	}
	c.quiet(t)
	if c.kill(t, "tiles") {
		for path, before := range tiles {
			// What reaches a killed process before LocalStack has noticed is
			// answered 502, as in the cloud: a viewer asks again.
			wait(t, "the tiles function to answer again", func() bool {
				resp, _ := c.get(t, "tiles", firstTile(path), "Accept", "image/png, image/jpeg")
				return resp.StatusCode != http.StatusBadGateway
			})
			if !bytes.Equal(before, c.seen(t, path)) {
				t.Errorf("%s: another tile after the function was killed", path)
			}
		}
	}
	if got := len(c.slidePrefixes(t)) - len(before); got != len(jobs) {
		t.Errorf("%d slides of %d uploads", got, len(jobs))
	}
	for o, err := range c.uploads.List(t.Context(), "e2e/") {
		t.Errorf("still among the uploads: %s %v", o.Key, err)
	}
	if dead := c.attributes(t, c.settings.Queues["import"].DeadLetterName)["ApproximateNumberOfMessages"]; dead != "0" {
		t.Errorf("%s dead letters, want none", dead)
	}
}

// putAtOnce uploads files side by side.
func (c *cloud) putAtOnce(t *testing.T, files []string) []importer.Job {
	t.Helper()
	jobs, failed := make([]importer.Job, len(files)), make([]error, len(files))
	var all sync.WaitGroup
	for i, path := range files {
		all.Go(func() {
			jobs[i], failed[i] = c.upload(t.Context(), path, fmt.Sprintf("e2e/%d %s", i, filepath.Base(path)))
		})
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
	return jobs
}

// seen gets a slide's first tile in whatever way it can be had without libvips.
func (c *cloud) seen(t *testing.T, path string) []byte {
	t.Helper()
	resp, body := c.get(t, "tiles", firstTile(path), "Accept", "image/png, image/jpeg")
	if resp.StatusCode != http.StatusOK || len(body) == 0 {
		t.Errorf("%s: status %d: %.300s", path, resp.StatusCode, body)
	}
	return body
}

// slidePrefixes are the folders of the slides store, one a slide.
func (c *cloud) slidePrefixes(t *testing.T) []string {
	t.Helper()
	var out []string
	for name, err := range c.slides.Folders(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(name, "upload-") { // large replies lie beside the slides
			out = append(out, name)
		}
	}
	return out
}

// killAnImport uploads slides until the import of one was killed midway: after
// it had claimed the slide and before it was done. It gives the jobs of all that
// it has uploaded; none where the processes can not be seen.
func (c *cloud) killAnImport(t *testing.T, path string) []importer.Job {
	t.Helper()
	if len(c.processes(t, "import")) == 0 {
		t.Log("no process of the import function is on this machine: none is killed")
		return nil
	}
	var jobs []importer.Job
	for i := range 10 {
		job := c.put(t, path, fmt.Sprintf("e2e/killed %d.svs", i))
		jobs = append(jobs, job)
		var r *importer.Report
		wait(t, "an import to begin", func() bool {
			r = c.report(t, job)
			return r != nil && r.State != importer.StateQueued
		})
		if r.State.Final() {
			continue
		}
		// Stopped first, so that it can not end between the look and the kill.
		pids := c.processes(t, "import")
		signalAll(pids, syscall.SIGSTOP)
		if r = c.report(t, job); r == nil || r.State.Final() {
			signalAll(pids, syscall.SIGCONT)
			continue
		}
		signalAll(pids, syscall.SIGKILL)
		t.Logf("killed %d processes while %s was %s", len(pids), job.Upload.Key, r.State)
		r = c.final(t, job)
		if r.Attempt < 2 {
			t.Errorf("the killed import ended in attempt %d: %+v", r.Attempt, r)
		}
		return jobs
	}
	t.Error("ten imports were done before they could be killed")
	return jobs
}

// kill ends the processes of a function; false when none is on this machine.
func (c *cloud) kill(t *testing.T, function string) bool {
	t.Helper()
	pids := c.processes(t, function)
	signalAll(pids, syscall.SIGKILL)
	return len(pids) > 0
}

func signalAll(pids []int, s syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, s) // it may have ended by itself
	}
}

// processes finds the processes of a function of this LocalStack by their
// environment. Docker's and those of other systems than Linux can not be seen.
func (c *cloud) processes(t *testing.T, function string) []int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return nil
	}
	found, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		t.Fatal(err)
	}
	var pids []int
	for _, path := range found {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended, or is somebody else's
		}
		environ := "\x00" + string(text)
		if strings.Contains(environ, "\x00AWS_LAMBDA_FUNCTION_NAME="+c.name(function)+"\x00") &&
			strings.Contains(environ, "\x00AWS_ENDPOINT_URL="+c.endpoint.String()+"\x00") {
			pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
			if err != nil {
				t.Fatal(err)
			}
			pids = append(pids, pid)
		}
	}
	return pids
}
