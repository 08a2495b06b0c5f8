package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"github.com/pims-cloud/pims/internal/app"
	"github.com/pims-cloud/pims/internal/config"
	"github.com/pims-cloud/pims/internal/telemetry/otlp"
	"github.com/pims-cloud/pims/internal/telemetry/prom"
)

type serveCommand struct{}

// Run serves until the process is told to stop, then lets what has begun finish.
func (serveCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := t.settings()
	if err != nil {
		return err
	}
	a, done, err := t.service(ctx, cfg)
	if err != nil {
		return err
	}
	defer done()
	listener, err := app.Listen(cfg.Server)
	if err != nil {
		return err
	}
	a.LogStart(ctx)
	a.WarnIfOpen(ctx)
	printURLs(t, listener.Addr(), cfg.Server.BasePath)
	return a.Serve(ctx, listener)
}

// tracePatience is how long a stopping program waits for the collector of traces.
const tracePatience = 5 * time.Second

// service wires a program that runs until it is stopped, with metrics, and with
// traces when the environment names a collector. done ends it.
func (t terminal) service(ctx context.Context, cfg *config.Config) (a *app.App, done func(), err error) {
	options := app.Options{Version: version, LogTo: t.err, Queue: true, Metrics: prom.New()}
	traces, err := otlp.Open(ctx, version, os.Getenv) // the SDK reads the process's own environment, too
	if err != nil {
		return nil, nil, err
	}
	if traces != nil {
		options.Trace = traces
	}
	if a, err = app.New(ctx, cfg, options); err != nil {
		return nil, nil, err
	}
	return a, func() {
		t.closing(a)
		if traces == nil {
			return
		}
		last, cancel := context.WithTimeout(context.WithoutCancel(ctx), tracePatience)
		defer cancel()
		if err := traces.Close(last); err != nil {
			fmt.Fprintln(t.err, "pims: the last traces could not be sent:", err)
		}
	}, nil
}

// printURLs tells where to look, on standard output so that logs stay logs.
func printURLs(t terminal, address net.Addr, base string) {
	root := rootURL(address, base)
	fmt.Fprintf(t.out, "\n  slides   %s/\n  API      %s/docs\n  health   %s/ping\n\n", root, root, root)
}

// rootURL is what listens at an address, as its own machine reaches it.
func rootURL(address net.Addr, base string) string {
	host, port, err := net.SplitHostPort(address.String())
	if err != nil {
		return address.String() // which no TCP address is
	}
	if ip := net.ParseIP(host); ip == nil || ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + strings.TrimSuffix(base, "/")
}

type workerCommand struct {
	Queues []string `help:"The queues to work on: import, convert. Both when not given." enum:"import,convert" sep:","`
}

// Run imports and converts what the queues hold until the process is told to
// stop, and answers probes and scrapes where WORKER_LISTEN says.
func (c workerCommand) Run(ctx context.Context, t terminal) error {
	cfg, err := t.settings()
	if err != nil {
		return err
	}
	a, done, err := t.service(ctx, cfg)
	if err != nil {
		return err
	}
	defer done()
	listener, err := app.ListenWorker(cfg.Server)
	if err != nil {
		return err
	}
	a.LogStart(ctx)
	if listener == nil {
		return a.Work(ctx, c.Queues...)
	}
	fmt.Fprintf(t.out, "\n  health   %s/ping\n  metrics  %s/metrics\n\n", rootURL(listener.Addr(), cfg.Server.BasePath), rootURL(listener.Addr(), ""))
	return a.ServeWorker(ctx, listener, c.Queues...)
}
