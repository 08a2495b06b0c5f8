package importer

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/queue"
)

// Work runs n workers over the queue until ctx ends, and returns when all have
// stopped; see Worker.
func Work(ctx context.Context, q queue.Queue, im *Importer, n int, log *slog.Logger) error {
	return (&Worker{Queue: q, Importer: im, Workers: n, Log: log}).Run(ctx)
}

// Worker imports what a queue asks for.
//
// A message is acknowledged when its import is finished, well or not; given
// back with a growing delay when a store failed; made a dead letter, and its
// import failed, when that happened too often. When ctx ends, the imports
// under way stop at their next read and their messages are given back at once.
type Worker struct {
	Queue    queue.Queue
	Importer *Importer
	Workers  int          // at once; the importer's configuration when 0
	Log      *slog.Logger // silent when nil
	// Waited is told how old each message is when work on it begins; may be nil.
	Waited func(age time.Duration)
	// Hold is how long a message is kept invisible at a time; 2 minutes when 0.
	Hold time.Duration
	// Decode reads a message; DecodeJob for one job when nil. One message may
	// hold several jobs, or none.
	Decode func(body []byte) ([]Job, error)
}

// defaultHold is Worker.Hold's.
const defaultHold = 2 * time.Minute

// Delays before a message comes back.
const (
	firstDelay = 5 * time.Second
	maxDelay   = 10 * time.Minute
)

// Run works until ctx ends and all workers have stopped. Its error is nil
// then; it is that of the queue when the queue can no longer be used.
func (w *Worker) Run(ctx context.Context) error {
	if w.Workers < 1 {
		w.Workers = w.Importer.config.Workers
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	failures := make([]error, w.Workers)
	var running sync.WaitGroup
	for i := range failures {
		running.Go(func() {
			if failures[i] = w.loop(ctx); failures[i] != nil {
				cancel()
			}
		})
	}
	running.Wait()
	return errors.Join(failures...)
}

// log and decode are what the worker was given, or the defaults. Process may be
// called without Run, and concurrently, so they are not filled in.
func (w *Worker) log() *slog.Logger {
	if w.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return w.Log
}

func (w *Worker) decode(body []byte) ([]Job, error) {
	if w.Decode == nil {
		return decodeOne(body)
	}
	return w.Decode(body)
}

func decodeOne(body []byte) ([]Job, error) {
	job, err := DecodeJob(body)
	return []Job{job}, err
}

// loop receives and works, one message at a time. A queue that fails is asked
// again later, unless it says that it is closed.
func (w *Worker) loop(ctx context.Context) error {
	failed := 0
	for ctx.Err() == nil {
		messages, err := w.Queue.Receive(ctx, 1)
		if ctx.Err() != nil && len(messages) == 0 {
			return nil
		}
		if err != nil {
			if fault.CodeOf(err) == "queue-closed" {
				return err
			}
			failed++
			w.log().Error("import queue: cannot receive", "queue", w.Queue.Describe(), "error", err.Error())
			w.pause(ctx, delay(failed))
			continue
		}
		failed = 0
		for _, m := range messages {
			w.Process(ctx, m)
		}
	}
	return nil
}

func (w *Worker) pause(ctx context.Context, d time.Duration) {
	clock := w.Importer.deps.Clock
	select {
	case <-ctx.Done():
	case <-clock.At(clock.Now().Add(d)):
	}
}

// delay doubles from firstDelay on.
func delay(attempt int) time.Duration {
	return min(firstDelay<<min(max(attempt-1, 0), 16), maxDelay)
}

// Process works on one delivered message to its end and settles it with the
// queue. It is what the loop runs, and what a function that is handed its
// messages runs.
func (w *Worker) Process(ctx context.Context, m queue.Message) {
	if w.Waited != nil && !m.Sent.IsZero() {
		w.Waited(max(w.Importer.deps.Clock.Now().Sub(m.Sent), 0))
	}
	stop := w.keep(ctx, m)
	job, err := w.importAll(ctx, m)
	stop()
	// Settling must work although ctx has ended.
	after, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupTimeout)
	defer cancel()
	if err := w.settle(after, m, job, err); err != nil {
		w.log().Error("import queue: message could not be settled; it will be delivered again",
			"message", m.ID, "error", err.Error())
	}
}

// importAll runs the jobs of a message; the error is the first that asks for
// another delivery, with the job that it is about.
func (w *Worker) importAll(ctx context.Context, m queue.Message) (Job, error) {
	jobs, err := w.decode(m.Body)
	if err != nil {
		return Job{}, fault.New(fault.Invalid, "not-a-job", "%s", fault.Sentence(err)).Because(err)
	}
	for _, job := range jobs {
		r, err := w.Importer.Import(ctx, job)
		if r != nil && r.State.Final() || fault.CodeOf(err) == codeUploadMissing {
			continue
		}
		if err != nil {
			return job, err
		}
	}
	return Job{}, nil
}

// settle tells the queue what became of a message.
func (w *Worker) settle(ctx context.Context, m queue.Message, job Job, err error) error {
	switch kind := fault.KindOf(err); {
	case err == nil:
		return w.Queue.Ack(ctx, m)
	case kind == fault.Invalid && fault.CodeOf(err) == "not-a-job" || fault.CodeOf(err) == "job-id-mismatch" || fault.CodeOf(err) == "job-incomplete":
		w.log().Warn("import queue: message is not a job", "message", m.ID, "error", err.Error())
		return w.Queue.Bury(ctx, m, fault.Sentence(err))
	case kind == fault.Canceled:
		return w.Queue.Release(ctx, m, 0)
	case kind == fault.Busy:
		// Somebody works on it: this delivery only watches over its end.
		return w.Queue.Release(ctx, m, delay(m.Attempt+2))
	case m.Attempt >= w.Importer.config.MaxAttempts:
		w.log().Error("import given up", "message", m.ID, "slide", string(job.ID), "attempts", m.Attempt, "error", err.Error())
		if _, abandonErr := w.Importer.Abandon(ctx, job, err); abandonErr != nil && fault.KindOf(abandonErr) != fault.KindOf(err) {
			w.log().Error("import: the failure could not be reported", "slide", string(job.ID), "error", abandonErr.Error())
		}
		return w.Queue.Bury(ctx, m, fault.Sentence(err))
	}
	w.log().Warn("import will be tried again", "message", m.ID, "slide", string(job.ID), "attempt", m.Attempt, "error", err.Error())
	return w.Queue.Release(ctx, m, delay(m.Attempt))
}

// keep keeps a message invisible until stop is called.
func (w *Worker) keep(ctx context.Context, m queue.Message) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	clock := w.Importer.deps.Clock
	hold := w.Hold
	if hold == 0 {
		hold = defaultHold
	}
	go func() {
		defer close(done)
		for {
			// At once too: how long the queue keeps it at first is unknown here.
			if err := w.Queue.Extend(ctx, m, hold); err != nil && ctx.Err() == nil {
				w.log().Warn("import queue: visibility could not be extended", "message", m.ID, "error", err.Error())
			}
			select {
			case <-ctx.Done():
				return
			case <-clock.At(clock.Now().Add(queue.RenewEvery(hold))):
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}
