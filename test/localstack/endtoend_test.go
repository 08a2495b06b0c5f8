package localstack_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/testfiles"
	"github.com/pims-cloud/pims/internal/transfer"
)

// slidesAtOnce is how many the end-to-end test sends side by side.
const slidesAtOnce = 8

// TestNothingIsLostAndNothingImportedTwice: slides sent at once by presigned
// parts, as pims upload sends them, their events also duplicated and out of order,
// an import and a tile function killed; in the end each slide can be seen, was
// imported once, and nothing else lies anywhere.
func TestNothingIsLostAndNothingImportedTwice(t *testing.T) {
	c := connectTo(t)
	c.quiet(t)
	c.redeliver(t, 30, c.settings.Queues["import"].MaxReceive)
	writtenSince := c.keepVersions(t)
	before := c.objects(t)

	slide, err := os.ReadFile(testfiles.Own(t, "svs/rgb-240.svs"))
	if err != nil {
		t.Fatal(err)
	}
	jobs := c.sendAtOnce(t, slide)
	for i := len(jobs) - 1; i >= 0; i-- { // each again, and the last first
		c.send(t, c.event(jobs[i]), c.event(jobs[i]))
	}
	killed := c.killAnImport(t, &jobs, slide)

	var paths []string
	for _, job := range jobs {
		r := c.final(t, job)
		if r.State != importer.StateDone || !r.Viewable {
			t.Errorf("%s: report %+v", r.Name, r)
			continue
		}
		if slices.Contains(killed, job.ID) && r.Attempt < 2 {
			t.Errorf("the killed import of %s ended in attempt %d", r.Name, r.Attempt)
		}
		paths = append(paths, r.Path)
	}
	c.quiet(t)
	c.viewWhileKilled(t, paths)
	c.importedOnce(t, jobs, writtenSince("/processed/slide.pims"))
	c.nothingLeft(t, jobs, before)
}

// sendAtOnce sends the slide so many times side by side, each time with another
// end; the last one is of two parts.
func (c *cloud) sendAtOnce(t *testing.T, slide []byte) []importer.Job {
	t.Helper()
	client := c.service()
	jobs, failed := make([]importer.Job, slidesAtOnce), make([]error, slidesAtOnce)
	var all sync.WaitGroup
	for i := range jobs {
		data, parts := append(slices.Clone(slide), byte(i)), 1 // what follows a TIFF's last structure means nothing
		if i == slidesAtOnce-1 {
			data, parts = append(data, make([]byte, 9<<20)...), 2
		}
		all.Go(func() { jobs[i], failed[i] = sendParts(t, client, fmt.Sprintf("at once %d.svs", i), data, parts) })
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
	for i := range jobs {
		c.uploadOf(t, &jobs[i])
	}
	return jobs
}

// service is a client of the metadata function, as pims upload is one. Names below
// localhost need not resolve.
func (c *cloud) service() *transfer.Client {
	client := transfer.New("http://"+c.host("metadata"), "", "", 4)
	client.HTTP.Transport = c.transport()
	return client
}

// sendParts sends a file by presigned addresses; of the job only the id is known.
func sendParts(t *testing.T, client *transfer.Client, name string, data []byte, parts int) (importer.Job, error) {
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		return importer.Job{}, err
	}
	sent, err := client.Send(t.Context(), path, func(int64, int64) {})
	if err == nil && sent.Parts != parts {
		err = fmt.Errorf("%s was sent in %d parts straight to the bucket, want %d", name, sent.Parts, parts)
	}
	return importer.Job{ID: slideID(sent.ID)}, err
}

// uploadOf completes a job with where its upload lies, which its report says.
func (c *cloud) uploadOf(t *testing.T, job *importer.Job) {
	t.Helper()
	wait(t, "a report of "+string(job.ID), func() bool {
		r := c.report(t, *job)
		if r != nil {
			job.Upload = r.Upload
		}
		return r != nil
	})
}

// written is the progress from which on an import may have written its sidecar.
const written = 0.9

// killAnImport kills the processes of the import function while they work on some
// of these slides and have written the sidecar of none, and gives those that were
// worked on. It sends more slides when all are done before that; none is killed
// where the processes can not be seen.
func (c *cloud) killAnImport(t *testing.T, jobs *[]importer.Job, slide []byte) (killed []slideID) {
	t.Helper()
	for tries := range 40 {
		all := false
		wait(t, "an import to begin", func() bool {
			var atWork []*importer.Report
			atWork, all = c.atWork(t, *jobs)
			return all || len(atWork) > 0
		})
		if len(c.processes(t, "import")) == 0 {
			if os.Getenv("LOCALSTACK_DIR") != "" {
				t.Error("there is no process of the import function, which runs on this machine")
			}
			t.Log("no process of the import function is on this machine: none is killed")
			return nil
		}
		if all {
			job, err := sendParts(t, c.service(), fmt.Sprintf("killed %d.svs", tries), append(slices.Clone(slide), byte(slidesAtOnce+tries)), 1)
			if err != nil {
				t.Fatal(err)
			}
			c.uploadOf(t, &job)
			*jobs = append(*jobs, job)
		} else if killed = c.killAtWork(t, *jobs); len(killed) > 0 {
			return killed
		}
	}
	t.Error("forty times imports were done before they could be killed")
	return nil
}

// killAtWork kills the processes of the import function, unless they work on none
// of these slides, or have perhaps written a sidecar.
func (c *cloud) killAtWork(t *testing.T, jobs []importer.Job) (killed []slideID) {
	t.Helper()
	// Stopped first, so that none can go on between the look and the kill.
	pids := c.processes(t, "import")
	signalAll(pids, syscall.SIGSTOP)
	defer signalAll(pids, syscall.SIGCONT) // nothing to the killed
	atWork, _ := c.atWork(t, jobs)
	for _, r := range atWork {
		if r.Progress >= written {
			return nil
		}
		killed = append(killed, r.ID)
	}
	if len(killed) > 0 {
		signalAll(pids, syscall.SIGKILL)
		t.Logf("killed %d processes while they worked on %d slides, the first was %s", len(pids), len(killed), atWork[0].State)
	}
	return killed
}

// atWork are the reports of the slides that are being imported; all tells that
// every slide is done with.
func (c *cloud) atWork(t *testing.T, jobs []importer.Job) (atWork []*importer.Report, all bool) {
	t.Helper()
	all = true
	for _, job := range jobs {
		var r *importer.Report
		wait(t, "a whole report of "+string(job.ID), func() bool {
			r = c.report(t, job)
			return r != nil
		})
		if !r.State.Final() {
			all = false
			if r.State != importer.StateQueued {
				atWork = append(atWork, r)
			}
		}
	}
	return atWork, all
}

// viewWhileKilled looks at each slide, then kills the tiles function in the middle
// of a request, and looks again. What reaches a killed process before LocalStack
// has noticed is answered 502, as in the cloud: a viewer asks again.
func (c *cloud) viewWhileKilled(t *testing.T, paths []string) {
	t.Helper()
	tiles := map[string][]byte{}
	for _, path := range paths {
		resp, body := c.get(t, "tiles", firstTile(path), "Accept", "image/png, image/jpeg")
		if resp.StatusCode != http.StatusOK || len(body) == 0 {
			t.Errorf("%s: status %d: %.300s", path, resp.StatusCode, body)
		}
		tiles[path] = body
	}
	pids := c.processes(t, "tiles")
	signalAll(pids, syscall.SIGSTOP)       // so that the request is not answered before the kill
	defer signalAll(pids, syscall.SIGKILL) // also when it can not be sent
	once := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		WroteRequest: func(httptrace.WroteRequestInfo) { signalAll(pids, syscall.SIGKILL) },
	})
	for path, want := range tiles {
		var resp *http.Response
		var body []byte
		wait(t, "the tiles function to answer", func() bool {
			resp, body = c.ask(once, t, "tiles", firstTile(path), "Accept", "image/png, image/jpeg")
			once = t.Context()
			return resp.StatusCode != http.StatusBadGateway
		})
		if resp.StatusCode != http.StatusOK || !bytes.Equal(want, body) {
			t.Errorf("%s: status %d and another tile after the function was killed", path, resp.StatusCode)
		}
	}
	wait(t, "the killed processes to end", func() bool {
		return !slices.ContainsFunc(c.processes(t, "tiles"), func(pid int) bool { return slices.Contains(pids, pid) })
	})
	t.Logf("killed %d processes of the tiles function", len(pids))
}

// signalAll sends a signal to processes.
func signalAll(pids []int, s syscall.Signal) {
	for _, pid := range pids {
		_ = syscall.Kill(pid, s) // it may have ended by itself
	}
}

// importedOnce looks at how often the bucket was given each sidecar: once a slide.
func (c *cloud) importedOnce(t *testing.T, jobs []importer.Job, given map[string]int) {
	t.Helper()
	for _, job := range jobs {
		if n := given[c.settings.Storage.Slides.Prefix+job.ID.SidecarKey()]; n != 1 {
			t.Errorf("%s was imported %d times", job.Upload.Key, n)
		}
	}
	if len(given) != len(jobs) {
		t.Errorf("%d slides were imported, want the %d that were sent", len(given), len(jobs))
	}
}

// nothingLeft looks for what nobody needs: dead letters, uploads that were
// imported, parts of uploads, and objects that belong to no slide.
func (c *cloud) nothingLeft(t *testing.T, jobs []importer.Job, before []string) {
	t.Helper()
	if dead := c.attributes(t, c.settings.Queues["import"].DeadLetterName)["ApproximateNumberOfMessages"]; dead != "0" {
		t.Errorf("%s dead letters, want none", dead)
	}
	for _, bucket := range []string{c.settings.Storage.Uploads.Bucket, c.settings.Storage.Slides.Bucket} {
		if open := c.openUploads(t, bucket); len(open) != 0 {
			t.Errorf("uploads in parts are left in %s: %q", bucket, open)
		}
	}
	sent := map[string]bool{}
	var want []string
	for _, job := range jobs {
		sent[job.Upload.Key] = true
		name := job.Upload.Key[strings.LastIndexByte(job.Upload.Key, '/')+1:]
		for _, object := range append([]string{name}, objectsOfASlide()...) {
			want = append(want, job.ID.Prefix()+object)
		}
	}
	for o, err := range c.uploads.List(t.Context(), "") {
		if err != nil || sent[o.Key] {
			t.Errorf("still among the uploads: %s %v", o.Key, err)
		}
	}
	got := slices.DeleteFunc(c.objects(t), func(key string) bool { return slices.Contains(before, key) })
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("objects of the slides (-want +got):\n%s", diff)
	}
}
