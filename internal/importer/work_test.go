package importer_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/formats"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/queue"
	"github.com/pims-cloud/pims/internal/queue/local"
	"github.com/pims-cloud/pims/internal/slide"
	"github.com/pims-cloud/pims/internal/testfiles"
)

// nopQueue swallows what is sent.
type nopQueue struct{ queue.Queue }

func (nopQueue) Send(context.Context, []byte) error { return nil }

func (w *world) queue() *local.Queue {
	w.t.Helper()
	q, err := local.Open(w.t.TempDir(), local.Config{Clock: w.clock})
	must(w.t, err)
	w.t.Cleanup(func() { q.Close() })
	return q
}

// working runs the work loop; stop drains it.
func working(t *testing.T, q queue.Queue, im *importer.Importer) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(background)
	ended := make(chan error, 1)
	go func() { ended <- importer.Work(ctx, q, im, 2, slog.New(slog.DiscardHandler)) }()
	return func() {
		t.Helper()
		cancel()
		select {
		case err := <-ended:
			must(t, err)
		case <-time.After(20 * time.Second):
			t.Fatal("the work loop did not drain")
		}
	}
}

// eventually polls until ok, moving the clock so that delays pass.
func (w *world) eventually(what string, step time.Duration, ok func() bool) {
	w.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for !ok() {
		if time.Now().After(deadline) {
			w.t.Fatalf("%s did not happen", what)
		}
		w.clock.Advance(step)
		<-time.After(2 * time.Millisecond)
	}
}

func empty(t *testing.T, q queue.Queue) bool {
	waiting, working, err := q.Depth(background)
	must(t, err)
	return waiting+working == 0
}

func TestWorkImportsAndMovesOn(t *testing.T) {
	w := newWorld(t, nil)
	im, q := w.importer(), w.queue()
	stop := working(t, q, im)
	bad := w.uploadBytes("bad.svs", []byte("not a slide at all"))
	good := w.upload(testfiles.Own(t, "svs/rgb-240.svs"))
	for _, job := range []importer.Job{bad, good, good} {
		r, err := im.Enqueue(background, q, job)
		must(t, err)
		if r.ID != job.ID {
			t.Errorf("Enqueue's report is of %s", r.ID)
		}
	}
	must(t, q.Send(background, []byte("not a job")))
	w.eventually("an empty queue", time.Second, func() bool { return empty(t, q) })
	stop()
	for id, want := range map[slide.ID]importer.State{bad.ID: importer.StateFailed, good.ID: importer.StateDone} {
		if r, err := im.Report(background, id); err != nil || r.State != want {
			t.Errorf("%s: %v, want %s", id, r, want)
		}
	}
	if dead := q.Dead(); len(dead) != 1 || string(dead[0].Body) != "not a job" {
		t.Errorf("dead letters: %+v", dead)
	}
}

func TestPoisonIsBuriedWithItsReason(t *testing.T) {
	w := newWorld(t, nil)
	w.formats = []formats.Format{panicking{}}
	im, q := w.importer(), w.queue()
	job := w.uploadBytes("poison", []byte("any bytes will do"))
	_, err := im.Enqueue(background, q, job)
	must(t, err)
	stop := working(t, q, im)
	w.eventually("the burial", 5*time.Second, func() bool { return len(q.Dead()) == 1 })
	stop()
	if dead := q.Dead(); dead[0].Attempts != 5 || dead[0].Reason == "" {
		t.Errorf("dead letter: %+v", dead[0])
	}
	r, err := im.Report(background, job.ID)
	must(t, err)
	if r.State != importer.StateFailed || r.Error.Code != "import-panic" {
		t.Errorf("report: %+v", r)
	}
}

// stuck is a format that reads until its context ends.
type stuck struct {
	formats.Format
	begun chan struct{}
}

func (stuck) Info() formats.Info { return formats.Info{ID: "STUCK", Importable: true} }
func (s stuck) Probe(ctx context.Context, _ *formats.Candidate) (formats.Match, error) {
	s.begun <- struct{}{}
	<-ctx.Done()
	return formats.Match{}, ctx.Err()
}

func TestDrainingGivesTheMessageAndTheClaimBack(t *testing.T) {
	w := newWorld(t, nil)
	begun := make(chan struct{})
	w.formats = []formats.Format{stuck{begun: begun}}
	im, q := w.importer(), w.queue()
	job := w.uploadBytes("slow", []byte("any bytes will do"))
	_, err := im.Enqueue(background, q, job)
	must(t, err)
	stop := working(t, q, im)
	<-begun
	if _, err := im.Import(background, job); fault.KindOf(err) != fault.Busy {
		t.Errorf("a second worker: %v, want busy", err)
	}
	stop()
	waiting, working, err := q.Depth(background)
	must(t, err)
	if waiting != 1 || working != 0 {
		t.Errorf("depth after draining: %d waiting, %d working; want 1, 0", waiting, working)
	}
	r, err := im.Report(background, job.ID)
	must(t, err)
	if r.State != importer.StateQueued || r.Lease != nil {
		t.Errorf("report after draining: %+v", r)
	}
}

func TestClaimThatWasTakenOverStopsItsWorker(t *testing.T) {
	w := newWorld(t, nil)
	begun := make(chan struct{})
	slow := stuck{begun: begun}
	fast := w.formats
	w.formats = []formats.Format{slow}
	first := w.importer()
	job := w.upload(testfiles.Own(t, "svs/rgb-240.svs"))
	ended := make(chan error, 1)
	go func() {
		_, err := first.Import(background, job)
		ended <- err
	}()
	<-begun
	// The first worker's machine sleeps: its report is as it was, its lease passes.
	b, o, err := w.slides.Get(background, job.ID.ReportKey(), 1<<20)
	must(t, err)
	w.formats = fast
	second := w.importer()
	must(t, w.expire(job, b, o.ETag))
	r, err := second.Import(background, job)
	must(t, err)
	if r.State != importer.StateDone || r.Attempt != 2 {
		t.Errorf("the second worker: %+v", r)
	}
	w.clock.Advance(30 * time.Second) // the first worker's heartbeat
	if err := <-ended; fault.CodeOf(err) != "import-taken-over" {
		t.Errorf("the first worker ended with %v, want import-taken-over", err)
	}
	w.wantWhole(job, 0)
}
