package app

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/pims-cloud/pims/fault"
	"github.com/pims-cloud/pims/internal/config"
	"github.com/pims-cloud/pims/internal/httpapi/onewrite"
	"github.com/pims-cloud/pims/internal/importer"
	"github.com/pims-cloud/pims/internal/queue"
)

// readHeaderTimeout bounds how long a client may take to say what it wants.
// Bodies have no time limit: an upload of gigabytes takes as long as it takes.
const (
	readHeaderTimeout = 10 * time.Second
	idleTimeout       = 2 * time.Minute
)

// Listen opens the configured address.
func Listen(s config.Server) (net.Listener, error) {
	listener, err := net.Listen("tcp", s.Address())
	if err != nil {
		return nil, fault.New(fault.Invalid, "listen",
			"HOST and PORT give %s, which can not be listened on (%v): choose another PORT, or stop what listens there.", s.Address(), err).Because(err)
	}
	return listener, nil
}

// ListenWorker opens the address that is configured for a worker; nil without one.
func ListenWorker(s config.Server) (net.Listener, error) {
	if s.Worker == "" {
		return nil, nil
	}
	listener, err := net.Listen("tcp", s.Worker)
	if err != nil {
		return nil, fault.New(fault.Invalid, "listen",
			"WORKER_LISTEN is %s, which can not be listened on (%v): choose another port, or stop what listens there.", s.Worker, err).Because(err)
	}
	return listener, nil
}

// Serve answers requests, works on the queue and watches the uploads folder
// until ctx ends; then it stops taking connections and lets what has begun
// finish, for GRACEFUL_TIMEOUT at most. What an import had not finished is
// taken up again at the next start.
func (a *App) Serve(ctx context.Context, listener net.Listener) error {
	bounded, stop := context.WithCancel(ctx)
	var heap sync.WaitGroup
	heap.Go(func() { boundHeap(bounded, a.memory.WeightBytes) })
	defer heap.Wait()
	defer stop()
	return a.serve(ctx, listener, a.Attach)
}

// Attach makes server answer as this program does, and gives the listener that it
// is to serve, on which a tile from memory costs least. The server is not changed
// after that.
func (a *App) Attach(server *http.Server, listener net.Listener) net.Listener {
	server.Handler, server.ConnContext = a.handler, onewrite.ConnContext
	if a.fast != nil {
		listener = a.fast.Listener(server, listener)
	}
	return onewrite.Listener(listener)
}

// ServeWorker is Work, and answers meanwhile what operators ask a worker:
// /ping, /ready, /metrics.
func (a *App) ServeWorker(ctx context.Context, listener net.Listener, queues ...string) error {
	probes := func(server *http.Server, listener net.Listener) net.Listener {
		server.Handler = a.workerHandler(queues)
		return listener
	}
	return a.serve(ctx, listener, probes, queues...)
}

// serve works on queues and answers as attach says, until ctx ends and both have.
func (a *App) serve(ctx context.Context, listener net.Listener, attach func(*http.Server, net.Listener) net.Listener, queues ...string) error {
	background, stopBackground := context.WithCancel(ctx)
	defer stopBackground()
	var group sync.WaitGroup
	failed := make(chan error, 2)
	group.Go(func() {
		if err := a.Work(background, queues...); err != nil {
			failed <- err
		}
	})

	// Requests outlive ctx: they are drained, not cut.
	requests, cutRequests := context.WithCancel(context.WithoutCancel(ctx))
	defer cutRequests()
	server := &http.Server{
		ReadHeaderTimeout: readHeaderTimeout, IdleTimeout: idleTimeout,
		BaseContext: func(net.Listener) context.Context { return requests },
		ErrorLog:    slog.NewLogLogger(a.Logs.For("http").Handler(), slog.LevelWarn),
	}
	listener = attach(server, listener)
	group.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			failed <- err
		}
	})

	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	a.Logs.For("app").Info("pims stops", "grace", a.Config.Server.ShutdownTimeout.String())
	stopBackground()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Duration(a.Config.Server.ShutdownTimeout))
	defer cancel()
	// Streams of progress would hold the drain to its end: they are told to go.
	server.RegisterOnShutdown(cutRequestsLater(grace, cutRequests))
	if shutdown := server.Shutdown(grace); shutdown != nil {
		err = errors.Join(err, server.Close())
	}
	group.Wait()
	return err
}

// cutRequestsLater cancels what still runs shortly before the grace ends, so
// that handlers can say why.
func cutRequestsLater(grace context.Context, cut context.CancelFunc) func() {
	return func() {
		deadline, _ := grace.Deadline()
		timer := time.NewTimer(time.Until(deadline) * 9 / 10)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-grace.Done():
		}
		cut()
	}
}

// The queues that Work works on.
const (
	QueueImport  = "import"
	QueueConvert = "convert"
)

// Work imports and converts what the queues hold and watches the uploads
// folder, until ctx ends and the work in hand is given back. Without names it
// works on both queues. The uploads folder is watched by who imports.
func (a *App) Work(ctx context.Context, queues ...string) error {
	if a.Queue == nil {
		return fault.New(fault.Internal, "no-queue", "This process was started without a queue to work on.")
	}
	if len(queues) == 0 {
		queues = []string{QueueImport, QueueConvert}
	}
	for _, name := range queues {
		if name != QueueImport && name != QueueConvert {
			return fault.New(fault.Invalid, "queue-unknown", "There is no queue %q: expected import or convert.", name)
		}
	}
	if slices.Contains(queues, QueueConvert) && a.Convert == nil && len(queues) == 1 {
		return fault.New(fault.Invalid, "no-convert-queue", "There is no convert queue to work on: set QUEUE_CONVERT_URL.")
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var group sync.WaitGroup
	failures := make([]error, 2)
	if slices.Contains(queues, QueueConvert) && a.Convert != nil {
		group.Go(func() {
			defer stop()
			failures[0] = a.worker(QueueConvert, a.Convert, a.Config.Import.ConvertWorkers).Run(ctx)
		})
	}
	if slices.Contains(queues, QueueImport) {
		group.Go(func() {
			defer stop()
			failures[1] = a.importUploads(ctx)
		})
	}
	group.Wait()
	return errors.Join(failures...)
}

func (a *App) worker(name string, q queue.Queue, n int) *importer.Worker {
	return &importer.Worker{
		Queue: q, Importer: a.Importer, Workers: n, Log: a.Logs.For("import"), Hold: a.Config.SQS.Visibility,
		Waited: func(age time.Duration) { a.Metrics.Waited(name, age) },
	}
}

// importUploads works on the import queue.
func (a *App) importUploads(ctx context.Context) error {
	if err := a.importDemo(ctx); err != nil {
		// The demonstration is a courtesy; a service without it is whole.
		a.Logs.For("app").WarnContext(ctx, "the demonstration slide was not imported", "error", err)
	}
	var group sync.WaitGroup
	if watcher := a.watcher(); watcher != nil {
		group.Go(func() {
			if err := watcher.Run(ctx); err != nil && ctx.Err() == nil {
				a.Logs.For("import").ErrorContext(ctx, "the uploads folder is no longer watched", "error", err)
			}
		})
	}
	err := a.worker(QueueImport, a.Queue, a.Config.Import.Workers).Run(ctx)
	group.Wait()
	if ctx.Err() != nil {
		return nil
	}
	return err
}
